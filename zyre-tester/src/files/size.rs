//! Sizes as people write them.

/// Reads `100MB`, `4KiB`, `1 GiB`, `17`.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("not a size like 4KiB, 100MB or 1GiB: {text}");
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err(wrong()),
    };
    number.parse().ok().and_then(|number: u64| number.checked_mul(factor)).ok_or_else(wrong)
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
        for wrong in ["", "MB", "1 XB", "-1", "18446744073709551615KB", "1.5MB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
