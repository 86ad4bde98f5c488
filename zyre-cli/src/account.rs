//! The name of the user of this computer.

use std::env;

/// Returns the name of the user's account, if the environment tells it.
pub(crate) fn name() -> Option<String> {
    let names = ["USER", "LOGNAME", "USERNAME"].iter().filter_map(|name| env::var(name).ok());
    names.map(|name| name.trim().to_owned()).find(|name| checked(name).is_ok())
}

/// Parses a name for people.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn checked(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("a name cannot be empty"),
        name if name.len() > 255 => Err("a name has at most 255 bytes"),
        name if name.contains(char::is_control) => Err("a name has no control characters"),
        name => Ok(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::checked;

    #[test]
    fn a_name_is_short_and_has_nothing_that_moves_the_cursor() {
        assert_eq!(checked(" Zoë B. "), Ok("Zoë B.".to_owned()));
        for wrong in ["", "  ", "a\nb", "a\u{1b}[2J", &"x".repeat(256)] {
            assert!(checked(wrong).is_err(), "{wrong:?}");
        }
    }
}
