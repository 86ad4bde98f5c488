//! The part of an inbox in which a server's files are.

use crate::{Refusal, VirtualPath, Write, Written};

/// The folder of a server's files, below the inbox; `/` is all of it.
#[derive(Clone, Debug)]
pub(super) struct Folder(pub(super) VirtualPath);

impl Folder {
    /// A write in the folder. What is too long for a name there is refused.
    pub(super) fn put(&self, write: Write) -> Result<Write, Written> {
        let inside = |name: VirtualPath| match self.0.join(name.as_str().trim_start_matches('/')) {
            Ok(inside) => Ok(inside),
            Err(error) => {
                let reason = Refusal::Name(error.to_string().into());
                Err(Written::Refused { name, reason })
            }
        };
        Ok(match write {
            Write::Begin { name, offset, promise } => {
                Write::Begin { name: inside(name)?, offset, promise }
            }
            Write::Delete { name } => Write::Delete { name: inside(name)? },
            other => other,
        })
    }

    /// What came of it, with the server's name for the file.
    pub(super) fn told(&self, mut written: Written) -> Written {
        let (Written::Delivered { name, .. }
        | Written::Deleted { name, .. }
        | Written::Mismatch { name }
        | Written::Refused { name, .. }) = &mut written;
        if let Some(outside) = self.outside(name) {
            *name = outside;
        }
        written
    }

    /// The server's name for what is in the folder.
    pub(super) fn outside(&self, name: &VirtualPath) -> Option<VirtualPath> {
        VirtualPath::root().join(name.below(&self.0)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Folder;
    use crate::{VirtualPath, Write, Written};

    fn path(text: &str) -> VirtualPath {
        VirtualPath::new(text).unwrap()
    }

    #[test]
    fn names_go_in_and_come_out_again() {
        for folder in ["/", "/peer"] {
            let folder = Folder(path(folder));
            let delete = folder.put(Write::Delete { name: path("/a/b") }).unwrap();
            let Write::Delete { name } = delete else { panic!("{delete:?}") };
            assert_eq!(name, folder.0.join("a/b").unwrap());
            let told = folder.told(Written::Mismatch { name });
            assert_eq!(told, Written::Mismatch { name: path("/a/b") });
        }
    }

    #[test]
    fn what_is_too_long_there_is_refused_under_its_own_name() {
        let folder = Folder(path("/peer"));
        let name = path(&"/x".repeat(2048));
        let refused = folder.put(Write::Delete { name: name.clone() }).unwrap_err();
        assert!(matches!(refused, Written::Refused { name: told, .. } if told == name));
    }
}
