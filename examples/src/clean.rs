//! What others sent, made fit for a terminal. Anybody on the network chooses names, rooms and
//! messages; none of them may move the cursor, change colours or pretend to be another line.

/// How many characters of a nick are shown.
const NICK: usize = 24;
/// How many characters of a room's name are shown.
const ROOM: usize = 32;
/// How many characters of a message are shown.
const MESSAGE: usize = 2000;

/// A nick: nothing in it is invisible.
pub fn nick(raw: &str) -> String {
    name(raw, NICK)
}

/// The name of a room: nothing in it is invisible.
pub fn room(raw: &str) -> String {
    name(raw, ROOM)
}

/// A message, on one line.
pub fn message(raw: &str) -> String {
    shorten(raw, MESSAGE, visible)
}

fn name(raw: &str, most: usize) -> String {
    let joiner = |c| matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
    let name = shorten(raw, most, |c| if joiner(c) { '\u{fffd}' } else { visible(c) });
    if name.trim().is_empty() { "(no name)".to_owned() } else { name }
}

/// The first characters, made visible, and a sign that there are more.
fn shorten(raw: &str, most: usize, visible: impl Fn(char) -> char) -> String {
    let mut text: String = raw.chars().take(most).map(visible).collect();
    if raw.chars().nth(most).is_some() {
        text.pop();
        text.push('…');
    }
    text
}

/// The character, or one that stands for it if it would do something instead of being seen.
fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\x7f' => '\u{2421}',
        // Control characters of one octet in Latin-1, some of which begin escape sequences.
        '\u{80}'..='\u{9f}'
        // Line breaks, text direction, and what has no width.
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' => '\u{fffd}',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_shown_and_not_obeyed() {
        assert_eq!(message("\x1b[2J\x1b]0;owned\x07"), "␛[2J␛]0;owned␇");
        assert_eq!(message("\u{9b}31mred"), "\u{fffd}31mred");
        assert_eq!(message("hi\r\nbob: \x08forged\x7f\tend"), "hi␍␊bob: ␈forged␡ end");
        assert_eq!(nick("\u{202e}ecila"), "\u{fffd}ecila");
        assert_eq!(room("a\u{2028}b"), "a\u{fffd}b");
    }

    #[test]
    fn nothing_that_is_cleaned_controls_a_terminal() {
        let all: String = ('\0'..=char::MAX).collect();
        for text in all.chars().map(String::from) {
            for clean in [message(&text), nick(&text), room(&text)] {
                assert!(!clean.chars().any(char::is_control), "{text:?} gives {clean:?}");
            }
        }
    }

    #[test]
    fn people_write_as_they_like() {
        for text in ["Grüße, 世界!", "👩‍👩‍👧 ❤️", "مرحبا", "می‌خواهم"]
        {
            assert_eq!(message(text), text);
        }
        // A name that looks like another one because of something invisible does not.
        assert_eq!(nick("bo\u{200d}b"), "bo\u{fffd}b");
        assert_eq!(nick(" \u{3000}"), "(no name)");
    }

    #[test]
    fn long_names_are_shortened() {
        assert_eq!(nick(&"x".repeat(NICK)), "x".repeat(NICK));
        assert_eq!(nick(&"ö".repeat(255)), format!("{}…", "ö".repeat(NICK - 1)));
        assert_eq!(message(&"m".repeat(5000)).chars().count(), MESSAGE);
    }
}
