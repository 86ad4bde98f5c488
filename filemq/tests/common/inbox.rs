//! An inbox in memory, which is strict about what it is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use filemq::digest::Algorithm;
use filemq::session::Known;
use filemq::{Digest, Promise, Refusal, Resume, VirtualPath, Write, Written};

use super::digest;

#[derive(Default)]
pub struct Inbox {
    pub files: BTreeMap<VirtualPath, Bytes>,
    /// Whether their digest is BLAKE3.
    promised: BTreeSet<VirtualPath>,
    /// Names that it does not take.
    pub refused: BTreeSet<VirtualPath>,
    current: Option<Coming>,
    partial: Option<Coming>,
    /// What was delivered by going on with a part.
    pub resumed: usize,
}

struct Coming {
    name: VirtualPath,
    octets: Vec<u8>,
    promise: Option<Promise>,
    refused: bool,
}

impl Inbox {
    pub fn execute(&mut self, write: Write) -> Option<Written> {
        match write {
            Write::Begin { name, offset, promise } => return self.begin(name, offset, promise),
            Write::Data { offset, octets } => {
                let current = self.current.as_mut().expect("data of a file that has begun");
                assert!(!octets.is_empty());
                assert_eq!(current.octets.len() as u64, offset, "there is a gap");
                current.octets.extend_from_slice(&octets);
            }
            Write::End { size } => return self.end(size),
            Write::Abort => {
                self.current.take().expect("abort of a file that has begun");
            }
            Write::Delete { name } => {
                self.drop_refused();
                assert!(self.current.is_none(), "a delete within a file");
                self.files.remove(&name)?;
                return Some(Written::Deleted { path: name.as_str().into(), name });
            }
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
        offset: u64,
        promise: Option<Promise>,
    ) -> Option<Written> {
        self.drop_refused();
        assert!(self.current.is_none(), "a file within a file");
        let octets = if offset == 0 {
            Vec::new()
        } else {
            let partial = self.partial.take().expect("a part to go on with");
            assert_eq!((&partial.name, partial.octets.len() as u64), (&name, offset));
            let whole = |promise: &Option<Promise>| promise.as_ref().unwrap().digest;
            assert_eq!(whole(&partial.promise), whole(&promise));
            self.resumed += 1;
            partial.octets
        };
        let refused = self.refused.contains(&name);
        let reason = Refusal::Name(Arc::from("not wanted"));
        let answer = refused.then(|| Written::Refused { name: name.clone(), reason });
        self.current = Some(Coming { name, octets, promise, refused });
        answer
    }

    fn end(&mut self, size: u64) -> Option<Written> {
        let Coming { name, octets, promise, refused } =
            self.current.take().expect("end of a file that has begun");
        assert_eq!(octets.len() as u64, size);
        if refused {
            return None;
        }
        if let Some(promise) = promise {
            if promise.digest != digest(Algorithm::Blake3, &octets) || promise.size != size {
                return Some(Written::Mismatch { name });
            }
            self.promised.insert(name.clone());
        } else {
            self.promised.remove(&name);
        }
        self.files.insert(name.clone(), octets.into());
        Some(Written::Delivered { path: name.as_str().into(), name, size })
    }

    /// The connection is lost.
    pub fn break_off(&mut self) {
        if let Some(current) = self.current.take()
            && current.promise.is_some()
            && !current.octets.is_empty()
            && !current.refused
        {
            self.partial = Some(current);
        }
    }

    pub fn known(&self) -> Known {
        let digest_of = |(name, content): (&VirtualPath, &Bytes)| -> (VirtualPath, Digest) {
            let promised = self.promised.contains(name);
            let algorithm = if promised { Algorithm::Blake3 } else { Algorithm::Sha1 };
            (name.clone(), digest(algorithm, content))
        };
        let complete = self.files.iter().map(digest_of).collect();
        let partial = self.partial.as_ref().map(|partial| {
            let prefix = digest(Algorithm::Blake3, &partial.octets);
            let whole = partial.promise.as_ref().unwrap().digest;
            let offset = partial.octets.len() as u64;
            (partial.name.clone(), Resume { offset, prefix, whole })
        });
        Known { complete, partial }
    }
}
