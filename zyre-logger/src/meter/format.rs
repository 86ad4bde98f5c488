//! Numbers for narrow columns.

/// Formats a rate, with a place after the point as long as that says something.
pub(super) fn rate(rate: f64) -> String {
    if rate < 99.95 { format!("{rate:.1}") } else { thousands(rate.round() as u64) }
}

/// Formats a number with commas between the thousands.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let head = digits.len() % 3;
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && i % 3 == head {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
