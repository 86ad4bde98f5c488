//! What a server publishes, in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use filemq::digest::{Algorithm, Digest};
use filemq::disk::{FileSource, Version};
use filemq::session::{Entry, Job, JobResult, OpenedFile, ResumePoint, Unreadable};
use filemq::{Audience, VirtualPath};

use super::digest;

/// Files, and the one that a session has open.
#[derive(Default)]
pub struct Disk {
    files: BTreeMap<VirtualPath, File>,
    open: Option<Arc<Entry>>,
    written: u64,
}

struct File {
    inode: u64,
    content: Bytes,
    audience: Audience,
}

impl Disk {
    pub fn put(&mut self, name: &VirtualPath, content: Bytes) -> Entry {
        self.put_for(name, content, Audience::Everyone)
    }

    pub fn put_for(&mut self, name: &VirtualPath, content: Bytes, audience: Audience) -> Entry {
        self.written += 1;
        self.files.insert(name.clone(), File { inode: self.written, content, audience });
        self.entry(name).unwrap()
    }

    pub fn remove(&mut self, name: &VirtualPath) {
        self.files.remove(name);
    }

    pub fn contents(&self) -> BTreeMap<VirtualPath, Bytes> {
        self.files.iter().map(|(name, file)| (name.clone(), file.content.clone())).collect()
    }

    /// As whoever watches the disk would tell it.
    pub fn entry(&self, name: &VirtualPath) -> Option<Entry> {
        let file = self.files.get(name)?;
        let version = Version {
            size: file.content.len() as u64,
            modified: SystemTime::UNIX_EPOCH + Duration::from_secs(file.inode),
            changed: None,
            mode: 0o644,
            inode: file.inode,
        };
        let source = FileSource::anywhere(name.as_str().into());
        Some(Entry::new(name.clone(), source, version, file.audience.clone()))
    }

    fn same(&self, entry: &Entry) -> Result<&Bytes, Unreadable> {
        let file = self.files.get(entry.name()).ok_or(Unreadable::Changed)?;
        if file.inode == entry.version().inode {
            Ok(&file.content)
        } else {
            Err(Unreadable::Changed)
        }
    }

    fn known(&self, entry: &Entry, algorithm: Algorithm) -> Result<Digest, Unreadable> {
        let content = self.same(entry)?;
        entry.digest_or(algorithm, || Ok(digest(algorithm, content)))
    }

    pub fn execute(&mut self, job: Job) -> JobResult {
        match job {
            Job::Digest(entry, algorithm) => JobResult::Digest(self.known(&entry, algorithm)),
            Job::Open { entry, digest, resume } => {
                let opened = self.opened(&entry, digest, resume.as_ref());
                self.open = opened.is_ok().then_some(entry);
                JobResult::Opened(opened)
            }
            Job::Read { offset, len } => {
                assert!(len <= filemq::message::CHUNK, "{len}");
                // Reads may have been asked for before it was known that it cannot be opened.
                let same = self.open.as_ref().ok_or(Unreadable::Changed);
                JobResult::Read(same.and_then(|entry| self.same(entry)).map(|content| {
                    let from = usize::try_from(offset).unwrap();
                    content.slice(from..from + len)
                }))
            }
            Job::Close => {
                let closed = self.open.take().map(|entry| self.same(&entry).map(|_| ()));
                JobResult::Closed(closed.unwrap_or(Err(Unreadable::Changed)))
            }
        }
    }

    fn opened(
        &self,
        entry: &Entry,
        wanted: bool,
        resume: Option<&ResumePoint>,
    ) -> Result<OpenedFile, Unreadable> {
        let content = self.same(entry)?;
        let offset = match resume {
            Some(ResumePoint { offset, prefix, whole }) => {
                let beginning = content.get(..usize::try_from(*offset).unwrap());
                let fits = beginning.is_some_and(|b| digest(Algorithm::Blake3, b) == *prefix)
                    && self.known(entry, Algorithm::Blake3)? == *whole;
                if fits { *offset } else { 0 }
            }
            None => 0,
        };
        let digest = if wanted { Some(self.known(entry, Algorithm::Blake3)?) } else { None };
        Ok(OpenedFile { offset, digest })
    }
}
