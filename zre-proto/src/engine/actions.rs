//! What the application wants.

use std::time::Instant;

use super::Engine;
use super::claims::Claims;
use crate::message::{Command, MAX_STRING};
use crate::peer::Peer;
use crate::timers::{Timers, after};
use crate::{Action, Content, Endpoint, Event, PeerId, Refused};

impl Engine {
    pub(super) fn action(&mut self, now: Instant, action: Action<'_>) -> Result<(), Refused> {
        match action {
            Action::Join(group) => self.join(group),
            Action::Leave(group) => self.leave(group),
            Action::Whisper { peer, content } => self.whisper(peer, content),
            Action::Shout { group, content } => self.shout(group, content),
            Action::SetHeader { name, value } => self.set_header(name, value),
            Action::Require { peer, endpoint } => self.require(now, peer, endpoint),
            Action::Stop => {
                self.stopped = true;
                self.timers = Timers::default();
                self.claims = Claims::default();
                self.event(Event::Stop);
                Ok(())
            }
        }
    }

    fn join(&mut self, group: &str) -> Result<(), Refused> {
        check_length("group name", group)?;
        if self.own.groups.contains(group) {
            return Ok(());
        }
        self.check_hello(longstr(group))?;
        self.own.groups.insert(group.into());
        self.own.status = self.own.status.wrapping_add(1);
        let status = self.own.status;
        self.send_to_all(&Command::Join { group: group.as_bytes(), status });
        Ok(())
    }

    fn leave(&mut self, group: &str) -> Result<(), Refused> {
        check_length("group name", group)?;
        if self.own.groups.remove(group) {
            self.own.status = self.own.status.wrapping_add(1);
            let status = self.own.status;
            self.send_to_all(&Command::Leave { group: group.as_bytes(), status });
        }
        Ok(())
    }

    /// To every peer that was sent a HELLO, whether or not it has answered: the groups of that
    /// HELLO are no longer true.
    fn send_to_all(&mut self, command: &Command<'_>) {
        let ids: Vec<PeerId> = self.peers.ids().collect();
        for id in ids {
            self.send(id, command.clone());
        }
    }

    fn whisper(&mut self, id: PeerId, content: Content) -> Result<(), Refused> {
        self.check_content(&content)?;
        if !self.peers.get(id).is_some_and(Peer::is_present) {
            return Err(Refused::UnknownPeer(id));
        }
        self.send_content(id, Command::Whisper, content);
        Ok(())
    }

    fn shout(&mut self, group: &str, content: Content) -> Result<(), Refused> {
        check_length("group name", group)?;
        self.check_content(&content)?;
        let members: smallvec::SmallVec<[PeerId; 32]> = self.groups.members(group).collect();
        for id in members {
            if !self.peers.get(id).is_some_and(Peer::is_present) {
                continue;
            }
            self.send_content(id, Command::Shout { group: group.as_bytes() }, content.clone());
        }
        Ok(())
    }

    pub(super) fn set_header(&mut self, name: &str, value: &str) -> Result<(), Refused> {
        check_length("header name", name)?;
        let old = self.own.headers.remove(name);
        if let Err(refused) = self.check_hello(1 + name.len() + longstr(value)) {
            self.own.headers.extend(old.map(|old| (name.to_owned(), old)));
            return Err(refused);
        }
        self.own.headers.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    fn require(&mut self, now: Instant, id: PeerId, endpoint: Endpoint) -> Result<(), Refused> {
        if id == self.config.id || endpoint == self.config.endpoint {
            return Err(Refused::OwnPeer);
        }
        let limit = self.config.max_peers;
        if !self.peers.contains(id) && self.peers.len() >= limit {
            return Err(Refused::TooManyPeers { limit });
        }
        self.required.insert(id, endpoint);
        self.candidate(now, id, endpoint);
        if !self.peers.contains(id) {
            self.timers
                .set(id, after(now, self.config.times.retry.max(super::life::SHORTEST_RETRY)));
        }
        Ok(())
    }

    fn check_content(&self, content: &Content) -> Result<(), Refused> {
        let (frames, octets) = (content.frames().len(), content.octets());
        if frames == 0 {
            return Err(Refused::NoFrames);
        }
        if frames > self.config.max_content_frames || octets > self.config.max_content_octets {
            return Err(Refused::ContentTooLarge { frames, octets });
        }
        Ok(())
    }

    /// Whether `more` octets in one more entry still fit a HELLO that peers accept.
    fn check_hello(&self, more: usize) -> Result<(), Refused> {
        /// Signature, id, version, sequence, counts, status, and the longest endpoint and name.
        const FIXED: usize = 6 + 4 + 4 + 1 + 2 * (1 + MAX_STRING);
        let groups: usize = self.own.groups.iter().map(|group| longstr(group)).sum();
        let headers: usize =
            self.own.headers.iter().map(|(name, value)| 1 + name.len() + longstr(value)).sum();
        let entries = self.own.groups.len() + self.own.headers.len() + 1;
        let limits = &self.config.message_limits;
        if entries > limits.entries || FIXED + groups + headers + more > limits.octets {
            return Err(Refused::HelloTooLarge { limit: limits.octets });
        }
        Ok(())
    }
}

/// How many octets a text takes in a field with four octets of length.
const fn longstr(text: &str) -> usize {
    4 + text.len()
}

pub(super) const fn check_length(what: &'static str, text: &str) -> Result<(), Refused> {
    if text.len() > MAX_STRING {
        return Err(Refused::TooLong { what, octets: text.len() });
    }
    Ok(())
}
