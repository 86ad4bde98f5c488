//! A received folder in memory, which is strict about its orders.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use filemq::digest::{Algorithm, Digest};
use filemq::session::{FileInfo, Inventory, ResumePoint, Write, Written};
use filemq::{Fate, FileEvent, Refusal, VirtualPath};

use super::digest;

#[derive(Default)]
pub struct MemoryFolder {
    pub files: BTreeMap<VirtualPath, Bytes>,
    /// Room that is set aside: for which offers, and how much.
    pub reserved: BTreeMap<VirtualPath, (u64, u64)>,
    /// Whether their digest is BLAKE3.
    announced: BTreeSet<VirtualPath>,
    /// Names that it does not accept.
    pub refused: BTreeSet<VirtualPath>,
    current: Option<Coming>,
    partial: Option<Coming>,
    /// What was delivered by going on with a part.
    pub resumed: usize,
}

struct Coming {
    name: VirtualPath,
    sequence: u64,
    bytes: Vec<u8>,
    info: Option<FileInfo>,
    refused: bool,
}

impl Coming {
    /// What there is of a file that was announced.
    fn part(&self) -> Option<ResumePoint> {
        let prefix = digest(Algorithm::Blake3, &self.bytes);
        let whole = self.info.as_ref()?.digest;
        Some(ResumePoint { offset: self.bytes.len() as u64, prefix, whole })
    }
}

impl MemoryFolder {
    pub fn execute(&mut self, write: Write) -> Option<Written> {
        match write {
            Write::Begin { name, sequence, offset, info } => {
                return self.begin(name, sequence, offset, info);
            }
            Write::Data { offset, bytes } => {
                let current = self.current.as_mut().expect("data of a file that has begun");
                assert!(!bytes.is_empty());
                assert_eq!(current.bytes.len() as u64, offset, "there is a gap");
                current.bytes.extend_from_slice(&bytes);
            }
            Write::End { size } => return self.end(size),
            Write::Abort => {
                self.current.take().expect("abort of a file that has begun");
            }
            Write::Delete { name } => {
                self.drop_refused();
                assert!(self.current.is_none(), "a delete within a file");
                self.files.remove(&name)?;
                let path = name.as_str().into();
                let event = FileEvent::Deleted { name, path };
                return Some(Written::File { sequence: None, event });
            }
            Write::Interrupt => {
                let current = self.current.take().expect("interruption of a file that has begun");
                self.partial = Some(current).filter(|current| current.info.is_some());
            }
            Write::Reserve { offer, name, size } => {
                assert!(
                    self.reserved.insert(name.clone(), (offer, size)).is_none(),
                    "{name} twice"
                );
                let part = self.partial.as_ref().filter(|partial| partial.name == name);
                return Some(Written::Reserved { offer, part: part.and_then(Coming::part) });
            }
            Write::Release { offer, name } => {
                // A file that has begun has used its room, also if it was broken off.
                let reserved = self.reserved.remove(&name);
                assert!(reserved.is_none_or(|(of, _)| of == offer), "room of another offer");
            }
            Write::Retry | Write::RetryIfChanged => panic!("it was never stuck"),
        }
        None
    }

    /// Of what was refused the end may not come.
    fn drop_refused(&mut self) {
        self.current.take_if(|current| current.refused);
    }

    fn begin(
        &mut self,
        name: VirtualPath,
        sequence: u64,
        offset: u64,
        info: Option<FileInfo>,
    ) -> Option<Written> {
        self.drop_refused();
        self.reserved.remove(&name);
        assert!(self.current.is_none(), "a file within a file");
        let bytes = if offset == 0 {
            Vec::new()
        } else {
            let partial = self.partial.take().expect("a part to go on with");
            assert_eq!((&partial.name, partial.bytes.len() as u64), (&name, offset));
            let whole = |info: &Option<FileInfo>| info.as_ref().unwrap().digest;
            assert_eq!(whole(&partial.info), whole(&info));
            self.resumed += 1;
            partial.bytes
        };
        let refused = self.refused.contains(&name);
        let reason = Refusal::Name(Arc::from("not wanted"));
        let event = FileEvent::Refused { name: name.clone(), reason, fate: Fate::Final };
        let answer = refused.then_some(Written::File { sequence: Some(sequence), event });
        self.current = Some(Coming { name, sequence, bytes, info, refused });
        answer
    }

    fn end(&mut self, size: u64) -> Option<Written> {
        let Coming { name, sequence, bytes, info, refused } =
            self.current.take().expect("end of a file that has begun");
        assert_eq!(bytes.len() as u64, size);
        if refused {
            return None;
        }
        if let Some(info) = info {
            if info.digest != digest(Algorithm::Blake3, &bytes) || info.size != size {
                return Some(Written::Mismatch { name });
            }
            self.announced.insert(name.clone());
        } else {
            self.announced.remove(&name);
        }
        self.files.insert(name.clone(), bytes.into());
        let path = name.as_str().into();
        let event = FileEvent::Delivered { name, path, size };
        Some(Written::File { sequence: Some(sequence), event })
    }

    /// The connection is lost.
    pub fn break_off(&mut self) {
        self.reserved.clear();
        if let Some(current) = self.current.take()
            && current.info.is_some()
            && !current.bytes.is_empty()
            && !current.refused
        {
            self.partial = Some(current);
        }
    }

    pub fn inventory(&self) -> Inventory {
        let digest_of = |(name, content): (&VirtualPath, &Bytes)| -> (VirtualPath, Digest) {
            let announced = self.announced.contains(name);
            let algorithm = if announced { Algorithm::Blake3 } else { Algorithm::Sha1 };
            (name.clone(), digest(algorithm, content))
        };
        let complete = self.files.iter().map(digest_of).collect();
        let part = |partial: &Coming| Some((partial.name.clone(), partial.part()?));
        let partial = self.partial.as_ref().and_then(part);
        Inventory { complete, partial }
    }
}
