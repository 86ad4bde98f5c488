//! Whether what the operating system refuses may work later.

use std::io;

/// Returns whether an error says that there is no such file, and not only that it cannot be looked at.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | InvalidInput)
}

/// Whether what the operating system refuses may work later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Fate {
    /// It may work later, when there is room, a file descriptor or permission, or when the disk is
    /// back. It is tried again until it works.
    Passing,
    /// The same would be refused again, whenever it is tried.
    Final,
}

impl Fate {
    /// Classes an error of the operating system.
    ///
    /// Only what is wrong with the file itself is final: a name or a size that the file system does
    /// not know, or an operation that it does not have. Everything else can change: there is room
    /// when something is removed (ENOSPC, EDQUOT), descriptors are closed (EMFILE, ENFILE),
    /// permissions are given (EACCES, EPERM, EROFS), a disk comes back (ENOENT, EIO, ESTALE), and
    /// whatever is in the way may be moved away (EISDIR, ENOTDIR, ETXTBSY).
    #[must_use]
    pub fn of(error: &io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, InvalidFilename, InvalidInput, Unsupported};
        match error.kind() {
            FileTooLarge | InvalidFilename | InvalidInput | Unsupported => Self::Final,
            _ => Self::Passing,
        }
    }

    /// Returns whether it may work later.
    #[must_use]
    pub const fn is_passing(self) -> bool {
        matches!(self, Self::Passing)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io;

    use super::Fate;

    #[test]
    fn only_what_is_wrong_with_the_file_itself_is_final() {
        let fate = |errno| Fate::of(&io::Error::from_raw_os_error(errno));
        // ENOENT, EIO, EACCES, EBUSY, ENOTDIR, EISDIR, ENFILE, EMFILE, ETXTBSY, ENOSPC, EROFS.
        for errno in [2, 5, 13, 16, 20, 21, 23, 24, 26, 28, 30] {
            assert_eq!(fate(errno), Fate::Passing, "{errno}");
        }
        #[cfg(target_os = "linux")]
        for (errno, expected) in [
            (36, Fate::Final),    // ENAMETOOLONG
            (95, Fate::Final),    // EOPNOTSUPP
            (116, Fate::Passing), // ESTALE
            (122, Fate::Passing), // EDQUOT
        ] {
            assert_eq!(fate(errno), expected, "{errno}");
        }
        // EINVAL, EFBIG.
        for errno in [22, 27] {
            assert_eq!(fate(errno), Fate::Final, "{errno}");
        }
    }
}
