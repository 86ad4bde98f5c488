//! What the folder of an origin is called.

use super::invisible::is_invisible;
use super::names;

/// The most bytes of a name that was wished for. There has to be room for a number and for a name
/// on a file system that adds to it.
const MAX_NAME: usize = 64;

/// Characters that are part of a path or of a pattern somewhere.
const SPECIAL: &str = "/\\:*?\"<>|~";

/// Returns the name that comes closest to `wish` and that a folder can have on every system: it
/// leads nowhere else, is not hidden, and looks like what it is. `None` if nothing is left.
pub(super) fn safe(wish: &str) -> Option<String> {
    let ends = |c: char| c.is_whitespace() || c == '.';
    let mut name = String::new();
    for c in wish.trim_matches(ends).chars() {
        // A hyphen at the start would be an option of other programs.
        let c = if is_misleading(c) || name.is_empty() && c == '-' { '_' } else { c };
        if name.len() + c.len_utf8() > MAX_NAME {
            break;
        }
        name.push(c);
    }
    name.truncate(name.trim_end_matches(ends).len());
    if names::refused_by_windows(&name).is_some() {
        name.insert(0, '_');
    }
    name.chars().any(|c| c != '_').then_some(name)
}

/// Returns names for a folder, the better ones first, without an end. `name` and `origin` are safe.
pub(super) fn candidates(name: &str, origin: &str) -> impl Iterator<Item = String> {
    let numbered = |name: String| {
        let first = std::iter::once(name.clone());
        first.chain((2_u64..).map(move |number| format!("{name}-{number}")))
    };
    // Another origin may have taken many variants of the name, but hardly those with this origin in them.
    numbered(name.to_owned()).take(100).chain(numbered(format!("{name}-{origin}")))
}

/// Returns what two names have in common that are one on a system that ignores case.
pub(super) fn folded(name: &str) -> String {
    name.chars().flat_map(char::to_lowercase).collect()
}

/// Returns whether a character has another meaning in a path, or cannot be seen.
fn is_misleading(c: char) -> bool {
    c.is_control() || c.is_whitespace() && c != ' ' || SPECIAL.contains(c) || is_invisible(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_and_shows_what_it_is() {
        for (wish, name) in [
            ("alice", "alice"),
            ("Zoë B. 李", "Zoë B. 李"),
            ("../../etc/passwd", "_.._etc_passwd"),
            (".filemq", "filemq"),
            ("FILEMQ~1", "FILEMQ_1"),
            ("C:\\x", "C__x"),
            ("con", "_con"),
            ("nul.tar", "_nul.tar"),
            ("a\0b\nc\u{202e}d\u{1b}[2J", "a_b_c_d_[2J"),
            ("  a . ", "a"),
            ("-rf", "_rf"),
        ] {
            assert_eq!(safe(wish).as_deref(), Some(name), "{wish:?}");
        }
        for wish in ["", " .. ", "...", "\u{3000}", "//", "\u{200b}"] {
            assert_eq!(safe(wish), None, "{wish:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_between_characters_and_stays_safe() {
        assert_eq!(safe(&"ö".repeat(200)).unwrap(), "ö".repeat(32));
        assert_eq!(safe(&format!("{}ö", "x".repeat(63))).unwrap(), "x".repeat(63));
        assert_eq!(safe(&format!("{}. .y", "x".repeat(61))).unwrap(), "x".repeat(61));
    }

    #[test]
    fn every_safe_name_is_one_component() {
        for c in (0..0x3000).chain((0x3000..0x11_0000).step_by(11)).filter_map(char::from_u32) {
            if let Some(name) = safe(&format!("{c}a{c}")) {
                assert!(crate::VirtualPath::root().join(&name).unwrap().components().eq([&*name]));
                assert_eq!(names::refused_by_windows(&name), None, "{name:?}");
            }
        }
    }

    #[test]
    fn there_is_always_another_name() {
        let names: Vec<_> = candidates("a", "id").take(103).collect();
        assert_eq!(names[..3], ["a", "a-2", "a-3"]);
        assert_eq!(names[100..], ["a-id", "a-id-2", "a-id-3"]);
        assert_eq!(folded("ALÄß"), "aläß");
    }
}
