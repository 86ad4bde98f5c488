//! What the application wants.

use std::time::Instant;

use super::Engine;
use crate::challenges::Challenges;
use crate::elections::Elections;
use crate::local_node::check_group;
use crate::message::Command;
use crate::timers::Timers;
use crate::{Action, ActionError, Content, Event, PeerId};

impl Engine {
    pub(super) fn action(&mut self, now: Instant, action: Action<'_>) -> Result<(), ActionError> {
        match action {
            Action::Join(group) => self.join(now, group),
            Action::Leave(group) => self.leave(now, group),
            Action::Contest(group) => self.contest(now, group),
            Action::Whisper { peer, content } => self.whisper(now, peer, content),
            Action::Shout { group, content } => self.shout(now, group, content),
            Action::SetHeader { name, value } => {
                self.local.set_header(name, value, &self.config.message_limits)
            }
            Action::SetServiceHeader { name, port } => {
                self.local.set_service_header(name, port, &self.config.message_limits)
            }
            Action::ForwardService { name, endpoint, port } => {
                self.local.forward_service(name, endpoint, port);
                Ok(())
            }
            Action::GiveTickets => self.local.give_tickets(&self.config.message_limits),
            Action::SetTimes(times) => {
                self.set_times(now, times);
                Ok(())
            }
            Action::Require { peer, endpoint } => self.require(now, Some(peer), endpoint.into()),
            Action::RequireEndpoint { endpoint, peer } => self.require(now, peer, endpoint),
            Action::ForgetPeer(peer) => {
                self.forget_peer(now, peer);
                Ok(())
            }
            Action::ForgetEndpoint(endpoint) => {
                self.forget_endpoint(now, endpoint);
                Ok(())
            }
            Action::Distrust(key) => {
                self.distrust(now, key);
                Ok(())
            }
            Action::Stop => {
                self.send_to_all(now, &Command::Goodbye);
                self.stopped = true;
                self.timers = Timers::default();
                self.elections = Elections::default();
                self.call_at = None;
                self.challenges = Challenges::default();
                self.event(Event::Stop);
                Ok(())
            }
        }
    }

    pub(super) fn join(&mut self, now: Instant, group: &str) -> Result<(), ActionError> {
        if let Some(status) = self.local.join(group, &self.config.message_limits)? {
            self.send_to_all(now, &Command::Join { group: group.as_bytes(), status });
            self.open_election(now, group);
        }
        Ok(())
    }

    fn leave(&mut self, now: Instant, group: &str) -> Result<(), ActionError> {
        if let Some(status) = self.local.leave(group)? {
            self.send_to_all(now, &Command::Leave { group: group.as_bytes(), status });
            self.close_election(group);
        }
        Ok(())
    }

    /// Sends to every peer that was sent a HELLO, whether or not it has answered: the groups of
    /// that HELLO are no longer true.
    pub(super) fn send_to_all(&mut self, now: Instant, command: &Command<'_>) {
        for peer in self.peers.iter_mut() {
            let content = Content::none();
            self.stats.sent += peer.send(now, command.clone(), content, &mut self.outputs);
        }
        for scout in self.requirements.speaking() {
            let content = Content::none();
            self.stats.sent += scout.send(now, command.clone(), content, &mut self.outputs);
        }
    }

    fn whisper(&mut self, now: Instant, id: PeerId, content: Content) -> Result<(), ActionError> {
        self.check_content(&content)?;
        let Some(peer) = self.peers.get_mut(id).filter(|peer| peer.is_present()) else {
            return Err(ActionError::UnknownPeer(id));
        };
        self.stats.sent += peer.send(now, Command::Whisper, content, &mut self.outputs);
        Ok(())
    }

    fn shout(&mut self, now: Instant, group: &str, content: Content) -> Result<(), ActionError> {
        check_group(group)?;
        self.check_content(&content)?;
        for id in self.groups.members(group) {
            let Some(peer) = self.peers.get_mut(id).filter(|peer| peer.is_present()) else {
                continue;
            };
            let command = Command::Shout { group: group.as_bytes() };
            self.stats.sent += peer.send(now, command, content.clone(), &mut self.outputs);
        }
        Ok(())
    }

    fn check_content(&self, content: &Content) -> Result<(), ActionError> {
        let (frames, bytes) = (content.frames().len(), content.byte_len());
        if frames == 0 {
            return Err(ActionError::NoFrames);
        }
        if frames > self.config.max_content_frames || bytes > self.config.max_content_bytes {
            return Err(ActionError::ContentTooLarge { frames, bytes });
        }
        Ok(())
    }
}
