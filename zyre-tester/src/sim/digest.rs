//! The fingerprint of a run.

use zre_proto::{Action, ConnId, Content, Event, Input, Loss, PeerId};

/// The fingerprint of a run: every event of every node goes into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest(pub(super) u64);

impl Digest {
    pub(super) const START: Self = Self(0xCBF2_9CE4_8422_2325);

    pub(super) const fn word(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 ^= self.0 >> 29;
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.word(u64::from_le_bytes(last));
        }
    }

    fn peer(&mut self, peer: PeerId) {
        let (words, _) = peer.as_bytes().as_chunks::<8>();
        words.iter().for_each(|word| self.word(u64::from_le_bytes(*word)));
    }

    fn conn(&mut self, conn: ConnId) {
        match conn {
            ConnId::Dialled(number) => self.word(number << 1),
            ConnId::Accepted(number) => self.word(number << 1 | 1),
        }
    }

    fn content(&mut self, content: &Content) {
        content.frames().iter().for_each(|frame| self.bytes(frame));
    }

    /// What an engine is told.
    pub(super) fn input(&mut self, input: &Input<'_>) {
        match input {
            Input::Candidate { peer, endpoint } => {
                self.word(1 | u64::from(endpoint.address().port()) << 8);
                self.peer(*peer);
            }
            Input::Beacon { beacon, .. } => {
                let port = u64::from(beacon.port);
                self.word(if beacon.is_goodbye() { 2 } else { 1 | port << 8 });
                self.peer(beacon.peer);
            }
            Input::Connected { conn, two_way, .. } => {
                self.word(5 | u64::from(*two_way) << 7);
                self.conn(*conn);
            }
            Input::Proved { conn, .. } => {
                self.word(14);
                self.conn(*conn);
            }
            Input::ScoutUp { conn, .. } => {
                self.word(12);
                self.conn(*conn);
            }
            Input::ScoutLost { conn, why } => {
                self.word(13 | u64::from(matches!(why, Loss::Failed(_))) << 7);
                self.conn(*conn);
            }
            Input::Message { peer, conn, header, content, .. } => {
                self.word(3);
                self.conn(*conn);
                self.peer(*peer);
                self.bytes(header);
                self.content(content);
            }
            Input::Progress { conn, received, sent, .. } => {
                self.word(11 | u64::from(*received) << 6 | u64::from(*sent) << 7);
                self.conn(*conn);
            }
            Input::Broken { conn, .. } => {
                self.word(4);
                self.conn(*conn);
            }
            Input::Lost { conn, why, .. } => {
                self.word(6 | u64::from(matches!(why, Loss::Failed(_))) << 7);
                self.conn(*conn);
            }
            Input::Paused(paused) => self.word(7 | u64::from(*paused) << 8),
            Input::Moved(endpoint) => self.word(8 | u64::from(endpoint.address().port()) << 8),
            _ => {}
        }
    }

    /// A deadline has come.
    pub(super) fn timeout(&mut self) {
        self.word(10);
    }

    /// What an application wants.
    pub(super) fn action(&mut self, action: &Action<'_>) {
        match action {
            Action::Join(group) | Action::Leave(group) | Action::Contest(group) => {
                self.bytes(group.as_bytes())
            }
            Action::Whisper { content, .. } | Action::Shout { content, .. } => {
                self.content(content)
            }
            _ => self.word(9),
        }
    }

    /// What an application is told.
    pub(super) fn event(&mut self, event: &Event) {
        let kind = match event {
            Event::Enter { .. } => 1,
            Event::Exit { reason, .. } => 2 | (*reason as u64) << 8,
            Event::Join { .. } => 3,
            Event::Leave { .. } => 4,
            Event::Whisper { .. } => 5,
            Event::Shout { .. } => 6,
            Event::Evasive { .. } => 7,
            Event::Silent { .. } => 8,
            Event::Moved { .. } => 9,
            Event::Stop => 10,
            Event::Returned { .. } => 11,
            Event::Unreachable { why, .. } => 12 | (*why as u64) << 8,
            Event::EndpointUnreachable { why, .. } => 13 | (*why as u64) << 8,
            Event::Leader { mine, .. } => 14 | u64::from(*mine) << 8,
        };
        self.word(kind << 4);
        if let Some(peer) = event.peer() {
            self.peer(peer);
        }
    }
}
