//! The part of the received folder that holds the files of one server.

use std::io;

use crate::disk::ReceivedWriter;
use crate::session::{Inventory, Write, Written};
use crate::{Fate, FileEvent, Refusal, VirtualPath};

/// The part of the received folder that holds the files of one server.
#[derive(Clone, Debug)]
pub(super) enum ServerFolder {
    /// It will have a part of its own when its first file comes.
    None,
    /// This path; `/` is all of the received folder.
    At(VirtualPath),
}

impl ServerFolder {
    /// Returns the folder of the server of this writer, which is all of the received folder unless
    /// servers have folders of their `own`.
    pub(super) fn of(writer: &ReceivedWriter, own: bool) -> Self {
        match own {
            true => writer.folder().map_or(Self::None, Self::At),
            false => Self::At(VirtualPath::root()),
        }
    }

    /// Makes the folder if `write` is about the first file of the server, named by `wish` as far as
    /// possible.
    ///
    /// # Errors
    /// The received folder cannot be used now.
    pub(super) fn make_for(
        &mut self,
        write: &Write,
        writer: &mut ReceivedWriter,
        wish: impl FnOnce() -> String,
    ) -> io::Result<()> {
        if matches!((&self, write), (Self::None, Write::Begin { .. } | Write::Reserve { .. })) {
            *self = Self::At(writer.make_folder(&wish())?);
        }
        Ok(())
    }

    /// Turns an order about a file of the server into one about a file in its folder; `None` if there
    /// is nothing to do because there is no folder.
    ///
    /// # Errors
    /// The answer that the file is refused, if its name would be too long there.
    pub(super) fn order(&self, write: Write) -> Result<Option<Write>, Written> {
        let Self::At(folder) = self else { return Ok(None) };
        let inside = |name: VirtualPath| {
            folder.join(name.as_str().trim_start_matches('/')).map_err(|error| {
                let reason = Refusal::Name(error.to_string().into());
                FileEvent::Refused { name, reason, fate: Fate::Final }
            })
        };
        let refused = |sequence| move |event| Written::File { sequence, event };
        Ok(Some(match write {
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
        }))
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
        let Self::At(folder) = self else { return None };
        VirtualPath::root().join(name.below(folder)?).ok()
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
            let place = path(folder);
            let folder = ServerFolder::At(place.clone());
            let delete = folder.order(Write::Delete { name: path("/a/b") }).unwrap();
            let Some(Write::Delete { name }) = delete else { panic!("{delete:?}") };
            assert_eq!(name, place.join("a/b").unwrap());
            let answer = folder.answer(Written::Mismatch { name });
            assert_eq!(answer, Written::Mismatch { name: path("/a/b") });
        }
    }

    #[test]
    fn without_a_folder_nothing_is_done() {
        let delete = ServerFolder::None.order(Write::Delete { name: path("/other/b") });
        assert_eq!(delete, Ok(None));
    }

    #[test]
    fn what_is_too_long_there_is_refused_under_its_own_name() {
        let folder = ServerFolder::At(path("/peer"));
        let name = path(&"/x".repeat(2048));
        let refused = folder.order(Write::Delete { name: name.clone() }).unwrap_err();
        assert!(matches!(
            refused,
            Written::File { sequence: None, event: FileEvent::Refused { name: n, .. } } if n == name
        ));
    }
}
