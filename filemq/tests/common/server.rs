//! A server's session with its disk.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use filemq::message::Message;
use filemq::session::{
    Catalogue, Job, JobResult, ServerConfig, ServerOutput, ServerSession, ServerSessionEvent,
};
use filemq::{Audience, VirtualPath};

use super::memory_disk::Disk;
use super::{icanhaz, icanhaz_ok, icanhaz_ok_credit, nom, path, short};

pub struct Server {
    pub session: ServerSession,
    pub catalogue: Catalogue,
    pub disk: Disk,
    pub now: Instant,
    pub events: Vec<ServerSessionEvent>,
    pub closed: bool,
    /// Results that the session does not have yet.
    pub done: VecDeque<JobResult>,
    /// What the session has said and nobody has taken yet.
    messages: Vec<Message>,
}

impl Server {
    pub fn new() -> Self {
        Self::with(&ServerConfig::default(), &[])
    }

    pub fn with(config: &ServerConfig, tags: &[&str]) -> Self {
        let now = Instant::now();
        Self {
            session: ServerSession::new(config, self::tags(tags), now),
            catalogue: Catalogue::new(),
            disk: Disk::default(),
            now,
            events: Vec::new(),
            closed: false,
            done: VecDeque::new(),
            messages: Vec::new(),
        }
    }

    /// A server of which the client has said all up to NOM; what has come by then.
    pub fn begun(mut self, subscription: &Message, credit: u64) -> (Self, Vec<String>) {
        assert_eq!(self.hear(&Message::Ohai), [Message::OhaiOk]);
        let ours = matches!(subscription, Message::Icanhaz(icanhaz) if icanhaz.options.get("DIGEST").is_some());
        let ok = if ours { icanhaz_ok_credit() } else { icanhaz_ok() };
        assert_eq!(self.hear(subscription), [ok]);
        let said = self.hear_shortly(&nom(credit));
        (self, said)
    }

    /// With these files.
    pub fn publishing(mut self, files: &[(&str, Bytes)]) -> Self {
        for (name, content) in files {
            self.put(name, content.clone());
        }
        self
    }

    pub fn ours(self) -> (Self, Vec<String>) {
        self.begun(&icanhaz("/", &[("DIGEST", "BLAKE3")], &[]), u64::MAX)
    }

    pub fn foreign(self) -> (Self, Vec<String>) {
        self.begun(&icanhaz("/", &[], &[]), u64::MAX)
    }

    pub fn put(&mut self, name: &str, content: Bytes) {
        self.put_for(name, content, Audience::Everyone);
    }

    pub fn put_for(&mut self, name: &str, content: Bytes, audience: Audience) {
        self.disk.put_for(&path(name), content, audience);
        self.notice(&path(name));
    }

    pub fn remove(&mut self, name: &str) {
        self.disk.remove(&path(name));
        self.notice(&path(name));
    }

    /// Whoever watches the disk looks at it.
    pub fn notice(&mut self, name: &VirtualPath) {
        let change = match self.disk.entry(name) {
            Some(entry) => self.catalogue.insert(entry),
            None => self.catalogue.remove(name),
        };
        if let Some(change) = change {
            self.session.handle_change(&change);
        }
    }

    pub fn set_tags(&mut self, tags: &[&str]) {
        self.session.set_tags(self::tags(tags), &self.catalogue);
    }

    pub fn frames(&mut self, frames: &[Bytes]) -> Vec<Message> {
        self.session.handle_message(self.now, frames, &self.catalogue);
        self.run()
    }

    /// What is said when this has come and all is done that can be.
    pub fn hear(&mut self, message: &Message) -> Vec<Message> {
        self.frames(&[message.encode()])
    }

    pub fn hear_shortly(&mut self, message: &Message) -> Vec<String> {
        self.hear(message).iter().map(short).collect()
    }

    /// All that can be done, is; what is said.
    pub fn run(&mut self) -> Vec<Message> {
        let mut said = Vec::new();
        loop {
            let asked = self.ask();
            let answered = !asked && self.answer();
            let more = self.said();
            if !asked && !answered && more.is_empty() {
                return said;
            }
            said.extend(more);
        }
    }

    pub fn run_shortly(&mut self) -> Vec<String> {
        self.run().iter().map(short).collect()
    }

    /// What the session says without being asked for jobs.
    pub fn said(&mut self) -> Vec<Message> {
        self.session.set_ready(false);
        assert!(self.next_job().is_none(), "a job that was not asked for");
        std::mem::take(&mut self.messages)
    }

    /// Takes outputs until one is a job.
    fn next_job(&mut self) -> Option<Job> {
        while let Some(output) = self.session.poll_output() {
            assert!(!self.closed, "something after the end");
            match output {
                ServerOutput::Send { head, chunk } => {
                    let frame = Bytes::from([head, chunk].concat());
                    self.messages.push(Message::decode(&frame).unwrap());
                }
                ServerOutput::Job(job) => return Some(job),
                ServerOutput::Event(event) => self.events.push(event),
                ServerOutput::Close => self.closed = true,
            }
        }
        None
    }

    /// Does the next job, if there is one.
    pub fn ask(&mut self) -> bool {
        let done = self.job().map(|job| self.disk.execute(job));
        let asked = done.is_some();
        self.done.extend(done);
        asked
    }

    /// Takes the next job without doing it.
    pub fn job(&mut self) -> Option<Job> {
        self.session.set_ready(true);
        self.next_job()
    }

    /// Gives the session the next result, if there is one.
    pub fn answer(&mut self) -> bool {
        let Some(done) = self.done.pop_front() else { return false };
        self.session.handle_result(self.now, done);
        true
    }

    pub fn pass(&mut self, time: Duration) {
        self.now += time;
        self.session.handle_timeout(self.now);
    }
}

fn tags(tags: &[&str]) -> BTreeSet<Arc<str>> {
    tags.iter().map(|tag| Arc::from(*tag)).collect()
}
