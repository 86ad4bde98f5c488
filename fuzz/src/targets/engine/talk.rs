//! What is said to the engine, and how it is answered.

use std::net::SocketAddr;

use testkit::promises::id;
use zre_proto::{Content, Event, Input, Output};

use super::honest::HONEST;
use super::remote::Conn;
use super::say::{Say, Words};
use super::world::World;

impl World {
    /// A peer, or who claims to be it, says something. A WHISPER of a peer that is heard arrives,
    /// or the peer is gone.
    pub(super) fn speak(&mut self, peer: u8, speaker: usize, words: &Words) {
        let conn = self.remotes[usize::from(peer)].open(speaker, &mut self.last_conn);
        let (id, conn_id) = (id(peer), conn.id);
        let heard = self.engine.hears(id, conn_id);
        // A peer that greets again may be put to the test, and is not heard until then.
        conn.greets_again |= heard && matches!(words.say, Say::Hello | Say::Nowhere);
        let told = words.say == Say::Whisper && heard && !conn.greets_again;
        let present = self.engine.peer(id).is_some() && !self.engine.is_stopped();
        let header = words.header(peer, conn);
        let number = self.said.len();
        self.said.push((id, conn_id));
        let padding = vec![0; usize::from(words.how) * 8];
        let content = match words.how {
            255 => Content::none(),
            _ => Content::from(vec![number.to_string().into_bytes(), padding]),
        };
        self.receive(peer, speaker, &header, content);
        let of_peer = |output: &Output| match output {
            Output::Event(event @ (Event::Whisper { .. } | Event::Exit { .. })) => {
                event.peer() == Some(id)
            }
            _ => false,
        };
        assert!(!(told && present) || self.outputs.iter().any(of_peer), "{number} is lost");
    }

    /// Bytes that may be anything.
    pub(super) fn babble(&mut self, peer: u8, speaker: usize, header: &[u8]) {
        self.remotes[usize::from(peer)].open(speaker, &mut self.last_conn).greets_again = true;
        self.receive(peer, speaker, header, Content::none());
    }

    fn receive(&mut self, peer: u8, speaker: usize, header: &[u8], content: Content) {
        let conn = self.remotes[usize::from(peer)].open(speaker, &mut self.last_conn).id;
        let source = SocketAddr::from(([10, 0, 0, peer], 50_000));
        self.handle(Input::Message { peer: id(peer), conn, source, header, content });
    }

    /// What would continue what was heard of a peer.
    pub(super) fn next_heard(&self, peer: u8) -> Option<u16> {
        let heard = |conn: &&Conn| self.engine.hears(id(peer), conn.id);
        let conn = self.remotes[usize::from(peer)].all().find(heard)?;
        Some(conn.last.wrapping_add(1))
    }

    /// A peer answers all that it was asked.
    pub(super) fn answer(&mut self, peer: u8) {
        if self.is_honest(peer, 0) {
            return;
        }
        for _ in 0..self.asked.remove(&id(peer)).unwrap_or_default() {
            self.speak(peer, 0, &Words::plain(Say::PingOk));
        }
    }

    /// What the honest peer has answered arrives, if anything does.
    pub(super) fn answer_in_time(&mut self) {
        while !self.paused && self.honest.as_mut().is_some_and(|it| it.answers(self.now)) {
            self.speak(HONEST, 0, &Words::plain(Say::PingOk));
        }
    }
}
