//! Bytes as hexadecimal digits.

/// Returns the bytes as lower-case digits.
pub(crate) fn to_digits(bytes: &[u8]) -> String {
    digits(bytes, b"0123456789abcdef")
}

/// Returns the bytes as upper-case digits.
pub(crate) fn to_upper_digits(bytes: &[u8]) -> String {
    digits(bytes, b"0123456789ABCDEF")
}

/// Every file is told with its digest, and many are small: a formatter for each byte would be felt.
fn digits(bytes: &[u8], of: &[u8; 16]) -> String {
    let digit = |half: u8| of[usize::from(half & 15)];
    let mut text = Vec::with_capacity(2 * bytes.len());
    text.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]));
    // Digits are UTF-8.
    String::from_utf8(text).unwrap_or_default()
}

/// Reads bytes from digits in either case; `None` if these are not `N` bytes.
pub(crate) fn from_digits<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        let digit = |c: u8| char::from(c).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(bytes)
}
