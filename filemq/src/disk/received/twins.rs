//! Names that some file systems do not keep apart.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization as _;

use super::invisible::is_invisible;
use crate::VirtualPath;

/// Names by what they have in common for a file system that does not tell upper from lower case, or
/// does not keep the form in which a character is written.
///
/// Two names with one key may be one name to a file system, and names with different keys are not, on
/// any that is known: whether they are is for the file system to say.
#[derive(Debug, Default)]
pub(super) struct Twins(BTreeMap<String, BTreeSet<VirtualPath>>);

impl Twins {
    /// Creates the index of these names.
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a VirtualPath>) -> Self {
        let mut twins = Self::default();
        names.for_each(|name| twins.insert(name.clone()));
        twins
    }

    pub(super) fn insert(&mut self, name: VirtualPath) {
        self.0.entry(key(&name)).or_default().insert(name);
    }

    pub(super) fn remove(&mut self, name: &VirtualPath) {
        let key = key(name);
        if let Some(names) = self.0.get_mut(&key) {
            names.remove(name);
            if names.is_empty() {
                self.0.remove(&key);
            }
        }
    }

    /// Returns the other names with the same key.
    pub(super) fn get(&self, name: &VirtualPath) -> Vec<VirtualPath> {
        let names = self.0.get(&key(name)).into_iter().flatten();
        names.filter(|other| *other != name).cloned().collect()
    }
}

/// Returns what names have in common that a file system may take for one.
fn key(name: &VirtualPath) -> String {
    let visible = name.as_str().chars().filter(|c| !is_invisible(*c));
    // From upper to lower case and back: `ß` is `SS`, and the sign for Kelvin a `k`.
    let lower = visible.flat_map(char::to_lowercase);
    let folded = lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    folded.nfd().collect()
}

#[cfg(test)]
mod tests {
    use super::Twins;
    use crate::VirtualPath;

    fn name(text: &str) -> VirtualPath {
        VirtualPath::new(text).unwrap()
    }

    #[test]
    fn twins_differ_in_case_and_form_only() {
        for (one, other) in [
            ("/A.txt", "/a.TXT"),
            ("/d/A", "/D/a"),
            ("/caf\u{e9}", "/cafe\u{301}"),
            ("/CAF\u{c9}", "/cafe\u{301}"),
            ("/Stra\u{df}e", "/STRASSE"),
            ("/\u{1e9e}", "/ss"),
            ("/\u{212a}m", "/km"),
            ("/\u{ac00}", "/\u{1100}\u{1161}"),
            ("/a\u{200c}b", "/ab"),
        ] {
            let twins = Twins::of([name(one), name("/other")].iter());
            assert_eq!(twins.get(&name(other)), [name(one)], "{one} {other}");
            assert_eq!(twins.get(&name(one)), [], "not its own twin");
        }
        for (one, other) in [("/a", "/b"), ("/e", "/\u{e9}"), ("/a/b", "/ab"), ("/o", "/0")] {
            assert_eq!(Twins::of([name(one)].iter()).get(&name(other)), [], "{one} {other}");
        }
    }

    #[test]
    fn what_is_gone_is_no_twin() {
        let mut twins = Twins::of(["/A", "/a"].map(name).iter());
        twins.remove(&name("/A"));
        twins.remove(&name("/none"));
        twins.insert(name("/\u{e9}"));
        assert_eq!(twins.get(&name("/A")), [name("/a")]);
        twins.remove(&name("/a"));
        assert_eq!((twins.get(&name("/A")), twins.0.len()), (vec![], 1));
    }
}
