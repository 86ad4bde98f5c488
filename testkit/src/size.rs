//! Sizes as people write them.

use bytesize::ByteSize;

/// Reads a size in bytes: `100MB`, `4KiB`, `1 GiB`, `17`.
///
/// # Errors
/// If it is not one.
pub fn size(text: &str) -> Result<u64, String> {
    let size = text.parse::<ByteSize>();
    size.map(|size| size.0).map_err(|_| format!("not a size like 4KiB, 100MB or 1GiB: {text}"))
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes() {
        assert_eq!(size("17"), Ok(17));
        assert_eq!(size("100MB"), Ok(100_000_000));
        assert_eq!(size("4 KiB"), Ok(4096));
        assert_eq!(size("1gib"), Ok(1 << 30));
        for wrong in ["", "MB", "1 XB", "-1"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
