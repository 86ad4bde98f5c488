//! Names that the operating system does not accept, or takes for something else.

use super::shared::HIDDEN;
use crate::VirtualPath;

/// Returns why a file cannot have this name on this system.
pub(super) fn refused(name: &VirtualPath) -> Option<&'static str> {
    if name.is_root() {
        return Some("it does not name a file");
    }
    if name.components().next().is_some_and(is_own) {
        return Some("it is kept for the received folder itself");
    }
    if cfg!(windows) {
        return name.components().find_map(refused_by_windows);
    }
    None
}

/// Returns whether this may be the directory of the received folder's own files, also on a disk that
/// does not tell case, or leaves out characters that cannot be seen.
fn is_own(component: &str) -> bool {
    let folded = component.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    folded.filter(char::is_ascii).eq(HIDDEN.chars())
}

/// Characters that have a meaning of their own in a path of Windows.
const SPECIAL: &str = "\\:*?\"<>|";

/// Devices, which exist in every directory and whatever follows after a dot.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// Returns why Windows does not accept a component, or takes it for something else.
pub(super) fn refused_by_windows(component: &str) -> Option<&'static str> {
    let stem = component.split('.').next().unwrap_or(component).trim_end().to_ascii_uppercase();
    let numbered = ["COM", "LPT"].iter().any(|device| {
        let mut rest = stem.strip_prefix(device).unwrap_or_default().chars();
        matches!((rest.next(), rest.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
    });
    // A short name may be that of a file with another, long name, for instance a hidden one.
    let short = stem.len() <= 8
        && stem
            .split_once('~')
            .is_some_and(|(_, rest)| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
    if component.contains(|c: char| c < ' ' || SPECIAL.contains(c)) {
        Some("it has characters that Windows does not allow in names")
    } else if component.ends_with(['.', ' ']) {
        Some("it ends with a dot or a space")
    } else if numbered || DEVICES.contains(&stem.as_str()) {
        Some("it names a device")
    } else if short {
        Some("it looks like the short name of another file")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{refused, refused_by_windows};
    use crate::VirtualPath;

    #[test]
    fn windows_takes_some_names_for_other_things() {
        let bad =
            "a\\b|C:x|x:stream|con|CON.txt|nul .tar|Com1|lpt9.log|COM¹|x.|x |FILEMQ~1|a*|a\u{1}";
        for name in bad.split('|') {
            assert!(refused_by_windows(name).is_some(), "{name}");
        }
        for name in ["console", "com", "com10", "a.b", "x~y", "long name~1x", "ä b", "nulls"] {
            assert_eq!(refused_by_windows(name), None, "{name}");
        }
    }

    #[test]
    fn what_is_kept_for_the_folder_is_no_file() {
        for own in [
            "/.filemq",
            "/.filemq/journal",
            "/.FileMQ/lock",
            "/.f\u{200c}ilemq/x",
            "/.f\u{131}lemq",
        ] {
            assert!(refused(&VirtualPath::new(own).unwrap()).is_some(), "{own}");
        }
        for other in ["/peer/.filemq/x", "/filemq", "/.filemq2", "/.git/x"] {
            assert_eq!(refused(&VirtualPath::new(other).unwrap()), None, "{other}");
        }
    }

    #[test]
    fn the_path_of_all_is_no_file() {
        assert!(refused(&VirtualPath::root()).is_some());
        assert_eq!(refused(&VirtualPath::new("/a").unwrap()), None);
    }
}
