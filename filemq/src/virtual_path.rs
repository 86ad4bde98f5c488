//! Names of files on the network.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

/// A path on the network: absolute, with `/` between components on every operating system. `/`
/// itself covers everything.
///
/// A component is not empty, not `.` and not `..`, contains no NUL and no `/`, and has at most 255
/// bytes; a path has at most 4,096. A component that starts with `.` is hidden. So a
/// path can be appended to a directory without leaving it, except through links or where the
/// operating system has further separators; the received folder takes care of both.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtualPath(Arc<str>);

/// The most bytes of a whole path.
const MAX_PATH: usize = 4096;

/// The most bytes of one component: what file systems accept.
const MAX_COMPONENT: usize = 255;

/// Why a text is not a [`VirtualPath`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// It does not begin with `/`.
    #[error("a path starts with /")]
    Relative,
    /// It has more than 4,096 bytes, or a component has more than 255.
    #[error("a path has at most {MAX_PATH} bytes, and a component {MAX_COMPONENT}")]
    TooLong,
    /// There is nothing between two slashes, or after the last one.
    #[error("a path has no empty components")]
    Empty,
    /// A component is `.` or `..`: nothing leads upwards.
    #[error("no component of a path is . or ..")]
    Upwards,
    /// A component begins with a dot, where hidden names are not wanted.
    #[error("a component starts with a dot, and hidden names were not asked for")]
    Hidden,
    /// It contains a NUL.
    #[error("a path contains no NUL")]
    Nul,
}

impl VirtualPath {
    /// Creates a path from text.
    ///
    /// # Errors
    /// If the text is not a path.
    pub fn new(text: &str) -> Result<Self, PathError> {
        let rest = text.strip_prefix('/').ok_or(PathError::Relative)?;
        if rest.is_empty() { Ok(Self::root()) } else { Self::checked(text, rest) }
    }

    /// Creates a path from text of which `rest`, its end, is not known to be components.
    fn checked(text: &str, rest: &str) -> Result<Self, PathError> {
        if text.len() > MAX_PATH {
            return Err(PathError::TooLong);
        }
        rest.as_bytes().split(|byte| *byte == b'/').try_for_each(check)?;
        Ok(Self(text.into()))
    }

    /// Returns the path that covers everything, `/`.
    #[must_use]
    pub fn root() -> Self {
        Self("/".into())
    }

    /// Returns whether it is `/`, which no file can have as its name.
    #[must_use]
    pub fn is_root(&self) -> bool {
        &*self.0 == "/"
    }

    /// Returns whether a component is hidden: it starts with a dot.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.0.as_bytes().windows(2).any(|pair| matches!(pair, b"/."))
    }

    /// Returns the path if nothing in it is hidden.
    ///
    /// # Errors
    /// [`PathError::Hidden`].
    pub fn visible(self) -> Result<Self, PathError> {
        if self.is_hidden() { Err(PathError::Hidden) } else { Ok(self) }
    }

    /// Returns the path as text, as on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether `other` is this path or lies below it, by components: `/a` covers `/a/b`,
    /// but not `/ab`.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.is_root() || *self == *other || other.below(self).is_some()
    }

    /// Iterates over the paths that cover this one, other than itself, from `/` on.
    pub(crate) fn above(&self) -> impl Iterator<Item = &str> + Clone {
        above(&self.0).filter(|_| !self.is_root())
    }

    /// Iterates over what a map has at this path and below it, in the order of names.
    pub(crate) fn within<'a, T>(
        &self,
        map: &'a BTreeMap<Self, T>,
    ) -> impl Iterator<Item = (&'a Self, &'a T)> + use<'a, T> {
        // Between `/a` and `/a/b` there may be `/a!b`.
        let below = if self.is_root() { "/".to_owned() } else { format!("{self}/") };
        let here = map.get_key_value(self.as_str()).filter(|_| !self.is_root());
        let from = (Bound::Included(below.as_str()), Bound::Unbounded);
        let range = map.range::<str, _>(from);
        here.into_iter().chain(range.take_while(move |(name, _)| name.0.starts_with(&below)))
    }

    /// Returns the part of the path after `base` and its slash, if it lies below `base`.
    #[must_use]
    pub fn below(&self, base: &Self) -> Option<&str> {
        let rest = if base.is_root() {
            self.0.strip_prefix('/')?
        } else {
            self.0.strip_prefix(&*base.0)?.strip_prefix('/')?
        };
        (!rest.is_empty()).then_some(rest)
    }

    /// Appends `relative`, which consists of components with slashes between them.
    ///
    /// # Errors
    /// If the result is not a path.
    pub fn join(&self, relative: &str) -> Result<Self, PathError> {
        match self.is_root() {
            true => Self::new(&["/", relative].concat()),
            false => Self::checked(&[&*self.0, "/", relative].concat(), relative),
        }
    }

    /// Iterates over the components, from the first to the name of the file; `/` has none.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|component| !component.is_empty())
    }
}

/// Iterates over the names above this one, from the first component on, or from `/` if the name begins
/// with it.
pub(crate) fn above(name: &str) -> impl Iterator<Item = &str> + Clone {
    name.match_indices('/').map(|(end, _)| &name[..end.max(1)])
}

fn check(component: &[u8]) -> Result<(), PathError> {
    if component.is_empty() {
        Err(PathError::Empty)
    } else if matches!(component, b"." | b"..") {
        Err(PathError::Upwards)
    } else if component.contains(&0) {
        Err(PathError::Nul)
    } else if component.len() > MAX_COMPONENT {
        Err(PathError::TooLong)
    } else {
        Ok(())
    }
}

impl fmt::Display for VirtualPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for VirtualPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// Paths are in the order of their texts.
impl Borrow<str> for VirtualPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for VirtualPath {
    type Err = PathError;
    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{PathError, VirtualPath};

    fn path(text: &str) -> VirtualPath {
        VirtualPath::new(text).unwrap()
    }

    #[test]
    fn what_leads_elsewhere_is_no_path() {
        for (text, error) in [
            ("", PathError::Relative),
            ("a/b", PathError::Relative),
            ("C:\\a", PathError::Relative),
            ("//a", PathError::Empty),
            ("/a//b", PathError::Empty),
            ("/a/", PathError::Empty),
            ("/../x", PathError::Upwards),
            ("/a/../../x", PathError::Upwards),
            ("/a/.", PathError::Upwards),
            ("/a\0.txt", PathError::Nul),
        ] {
            assert_eq!(VirtualPath::new(text), Err(error), "{text:?}");
        }
        assert_eq!(VirtualPath::new(&format!("/{}", "x".repeat(256))), Err(PathError::TooLong));
        assert_eq!(VirtualPath::new(&"/x".repeat(2049)), Err(PathError::TooLong));
        assert!(VirtualPath::new(&"/x".repeat(2048)).is_ok());
        for hidden in ["/.ssh/authorized_keys", "/a/.b", "/..."] {
            assert!(path(hidden).is_hidden(), "{hidden}");
            assert_eq!(path(hidden).visible(), Err(PathError::Hidden));
        }
        for visible in ["/", "/a.b/c."] {
            assert_eq!(path(visible).visible(), Ok(path(visible)));
        }
        assert!(VirtualPath::new("/ä b/..c".replace("..c", "c..").as_str()).is_ok());
    }

    #[test]
    fn a_path_covers_what_lies_below_by_components() {
        assert!(path("/").covers(&path("/a")) && path("/").covers(&path("/")));
        assert!(path("/a").covers(&path("/a")) && path("/a").covers(&path("/a/b/c")));
        assert!(!path("/a").covers(&path("/ab")) && !path("/a/b").covers(&path("/a")));
        assert_eq!(path("/a/b").below(&path("/a")), Some("b"));
        assert_eq!(path("/a/b").below(&VirtualPath::root()), Some("a/b"));
        assert_eq!(path("/a").below(&path("/a")), None);
        assert_eq!(path("/ab").below(&path("/a")), None);
        assert_eq!(path("/a/b/c").above().collect::<Vec<_>>(), ["/", "/a", "/a/b"]);
        assert_eq!(path("/a").above().collect::<Vec<_>>(), ["/"]);
        assert_eq!(VirtualPath::root().above().count(), 0);
        let map = ["/a", "/a!b", "/a/b", "/a/b/c", "/ab", "/b"].map(|text| (path(text), ()));
        let map = BTreeMap::from(map);
        let within = |text| path(text).within(&map).map(|(name, ())| name.as_str()).collect();
        let found: [Vec<_>; 4] = ["/a", "/a/b", "/c", "/"].map(within);
        let all: Vec<_> = map.keys().map(VirtualPath::as_str).collect();
        assert_eq!(found, [vec!["/a", "/a/b", "/a/b/c"], vec!["/a/b", "/a/b/c"], vec![], all]);
    }

    #[test]
    fn joining_gives_a_path_or_an_error() {
        assert_eq!(VirtualPath::root().join("a/b").unwrap(), path("/a/b"));
        assert_eq!(path("/a").join("b").unwrap(), path("/a/b"));
        assert_eq!(path("/a").join("../b"), Err(PathError::Upwards));
        assert_eq!(path("/a").join(""), Err(PathError::Empty));
        assert_eq!(path("/a/b").components().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(VirtualPath::root().components().count(), 0);
    }
}
