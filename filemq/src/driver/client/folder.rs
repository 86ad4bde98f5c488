//! The part of the received folder that holds the files of one server.

use crate::session::{Inventory, Write, Written};
use crate::{Fate, FileEvent, Refusal, VirtualPath};

/// The part of the received folder that holds the files of one server; `/` is all of it.
#[derive(Clone, Debug)]
pub(super) struct ServerFolder(pub(super) VirtualPath);

impl ServerFolder {
    /// Turns an order about a file of the server into one about a file in its folder.
    ///
    /// # Errors
    /// The answer that the file is refused, if its name would be too long there.
    pub(super) fn order(&self, write: Write) -> Result<Write, Written> {
        let inside = |name: VirtualPath| {
            self.0.join(name.as_str().trim_start_matches('/')).map_err(|error| {
                let reason = Refusal::Name(error.to_string().into());
                FileEvent::Refused { name, reason, fate: Fate::Final }
            })
        };
        let refused = |sequence| move |event| Written::File { sequence, event };
        Ok(match write {
            Write::Begin { name, sequence, offset, info } => Write::Begin {
                name: inside(name).map_err(refused(Some(sequence)))?,
                sequence,
                offset,
                info,
            },
            Write::Delete { name } => Write::Delete { name: inside(name).map_err(refused(None))? },
            Write::Reserve { offer, name, size } => {
                let no_room = |event| Written::NoRoom { offer, event };
                Write::Reserve { offer, name: inside(name).map_err(no_room)?, size }
            }
            // What has no name in the folder has no room there either.
            Write::Release { offer, name } => {
                Write::Release { offer, name: inside(name.clone()).unwrap_or(name) }
            }
            other => other,
        })
    }

    /// Turns an answer about a file in the folder into one with the server's name for it.
    pub(super) fn answer(&self, mut written: Written) -> Written {
        let name = match &mut written {
            Written::File { event, .. } | Written::NoRoom { event, .. } => event.name_mut(),
            Written::Mismatch { name } => name,
            Written::Reserved { .. } | Written::Stuck | Written::Unstuck | Written::Replaced => {
                return written;
            }
        };
        if let Some(outside) = self.outside(name) {
            *name = outside;
        }
        written
    }

    /// Returns what the folder holds, with the server's names.
    pub(super) fn inventory(&self, inventory: Inventory) -> Inventory {
        let Inventory { complete, partial } = inventory;
        let complete =
            complete.into_iter().filter_map(|(name, digest)| Some((self.outside(&name)?, digest)));
        let partial = partial.and_then(|(name, resume)| Some((self.outside(&name)?, resume)));
        Inventory { complete: complete.collect(), partial }
    }

    fn outside(&self, name: &VirtualPath) -> Option<VirtualPath> {
        VirtualPath::root().join(name.below(&self.0)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::ServerFolder;
    use crate::session::{Write, Written};
    use crate::{FileEvent, VirtualPath};

    fn path(text: &str) -> VirtualPath {
        VirtualPath::new(text).unwrap()
    }

    #[test]
    fn names_go_in_and_come_out_again() {
        for folder in ["/", "/peer"] {
            let folder = ServerFolder(path(folder));
            let delete = folder.order(Write::Delete { name: path("/a/b") }).unwrap();
            let Write::Delete { name } = delete else { panic!("{delete:?}") };
            assert_eq!(name, folder.0.join("a/b").unwrap());
            let answer = folder.answer(Written::Mismatch { name });
            assert_eq!(answer, Written::Mismatch { name: path("/a/b") });
        }
    }

    #[test]
    fn what_is_too_long_there_is_refused_under_its_own_name() {
        let folder = ServerFolder(path("/peer"));
        let name = path(&"/x".repeat(2048));
        let refused = folder.order(Write::Delete { name: name.clone() }).unwrap_err();
        assert!(matches!(
            refused,
            Written::File { sequence: None, event: FileEvent::Refused { name: n, .. } } if n == name
        ));
    }
}
