//! Text from the network, made fit for a terminal.

use std::borrow::Cow;

/// Whether a terminal may take it for a command, or draw what follows in another order.
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// The text with control characters, and those that change the direction of writing, as escapes:
/// `\n`, `\u{1b}`.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_harmful(c) { cleaned.extend(c.escape_default()) } else { cleaned.push(c) }
    }
    Cow::Owned(cleaned)
}

/// At most `most` characters of a text; the last one is `…` if more were there.
pub fn shorten(text: &str, most: usize) -> Cow<'_, str> {
    if text.chars().nth(most).is_none() {
        return Cow::Borrowed(text);
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    Cow::Owned(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_escapes() {
        assert_eq!(clean("plain ä 日本"), "plain ä 日本");
        assert_eq!(clean("a\x1b[31mb\r\n\u{9b}2J\u{7f}"), "a\\u{1b}[31mb\\r\\n\\u{9b}2J\\u{7f}");
        assert_eq!(clean("\u{202e}txet"), "\\u{202e}txet");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(shorten("abc", 3), "abc");
        assert_eq!(shorten("abcd", 3), "ab…");
        assert_eq!(shorten("日本語です", 3), "日本…");
    }
}
