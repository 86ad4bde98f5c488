//! The names of files on the network.

use std::fmt;
use std::sync::Arc;

/// A path on the network: absolute, with `/` between components, whatever the operating system.
/// `/` itself is the path of all.
///
/// A component is not empty, does not start with `.` (so there is no `.` and no `..`, and no hidden
/// file), holds no NUL and no `/`, and has at most 255 octets; a path has at most 4,096. So a path
/// that exists can be joined to a directory without leaving it, unless there are links in it, and
/// the operating system does not know still other separators: the inbox looks after both.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtualPath(Arc<str>);

/// Octets of a whole path.
const LONGEST: usize = 4096;

/// Octets of one component: what file systems take.
const COMPONENT: usize = 255;

/// Why a text is no [`VirtualPath`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// It does not begin with `/`.
    #[error("a path starts with /")]
    Relative,
    /// It has more than 4,096 octets, or a component has more than 255.
    #[error("a path has at most {LONGEST} octets, and a component {COMPONENT}")]
    TooLong,
    /// There is nothing between two slashes, or after the last.
    #[error("a path has no empty components")]
    Empty,
    /// A component begins with a dot: hidden files are not shared, and nothing leads upwards.
    #[error("no component of a path starts with a dot")]
    Hidden,
    /// There is a NUL in it.
    #[error("a path has no NUL")]
    Nul,
}

impl VirtualPath {
    /// Checks a path.
    ///
    /// # Errors
    /// It is none.
    pub fn new(text: &str) -> Result<Self, PathError> {
        let rest = text.strip_prefix('/').ok_or(PathError::Relative)?;
        if text.len() > LONGEST {
            return Err(PathError::TooLong);
        }
        if !rest.is_empty() {
            rest.split('/').try_for_each(check)?;
        }
        Ok(Self(text.into()))
    }

    /// The path of all, `/`.
    #[must_use]
    pub fn root() -> Self {
        Self("/".into())
    }

    /// Whether it is `/`, and so no file's.
    #[must_use]
    pub fn is_root(&self) -> bool {
        &*self.0 == "/"
    }

    /// As it is on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `other` is this path or lies below it, component by component: `/a` covers `/a/b` and
    /// not `/ab`.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.is_root() || *self == *other || other.below(self).is_some()
    }

    /// What comes after `base` and its slash, if it lies below.
    #[must_use]
    pub fn below(&self, base: &Self) -> Option<&str> {
        let rest = if base.is_root() {
            self.0.strip_prefix('/')?
        } else {
            self.0.strip_prefix(&*base.0)?.strip_prefix('/')?
        };
        (!rest.is_empty()).then_some(rest)
    }

    /// This path, and below it `relative`, which has components and slashes between them.
    ///
    /// # Errors
    /// The result is no path.
    pub fn join(&self, relative: &str) -> Result<Self, PathError> {
        let slash = if self.is_root() { "" } else { "/" };
        Self::new(&format!("{}{slash}{relative}", self.0))
    }

    /// The components, from the first to the file's own name; none for `/`.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|component| !component.is_empty())
    }
}

fn check(component: &str) -> Result<(), PathError> {
    if component.is_empty() {
        Err(PathError::Empty)
    } else if component.starts_with('.') {
        Err(PathError::Hidden)
    } else if component.contains('\0') {
        Err(PathError::Nul)
    } else if component.len() > COMPONENT {
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

impl std::str::FromStr for VirtualPath {
    type Err = PathError;
    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
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
            ("/../x", PathError::Hidden),
            ("/a/../../x", PathError::Hidden),
            ("/a/.", PathError::Hidden),
            ("/.ssh/authorized_keys", PathError::Hidden),
            ("/a\0.txt", PathError::Nul),
        ] {
            assert_eq!(VirtualPath::new(text), Err(error), "{text:?}");
        }
        assert_eq!(VirtualPath::new(&format!("/{}", "x".repeat(256))), Err(PathError::TooLong));
        assert_eq!(VirtualPath::new(&"/x".repeat(2049)), Err(PathError::TooLong));
        assert!(VirtualPath::new(&"/x".repeat(2048)).is_ok());
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
    }

    #[test]
    fn joining_gives_a_path_or_an_error() {
        assert_eq!(VirtualPath::root().join("a/b").unwrap(), path("/a/b"));
        assert_eq!(path("/a").join("b").unwrap(), path("/a/b"));
        assert_eq!(path("/a").join("../b"), Err(PathError::Hidden));
        assert_eq!(path("/a").join(""), Err(PathError::Empty));
        assert_eq!(path("/a/b").components().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(VirtualPath::root().components().count(), 0);
    }
}
