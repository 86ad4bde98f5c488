//! One step of a run.

use std::time::Duration;

use testkit::promises::{endpoint, id};
use zre_proto::{Action, Beacon, Content, HostEndpoint, Input, InterfaceId};

use super::remote::SPEAKERS;
use super::say::{GROUPS, Say, Sequence, Words};
use super::setting::NODES;
use super::world::World;

/// Four bytes, and for some steps what stands behind them.
pub(super) struct Step<'a> {
    does: u8,
    who: u8,
    what: u8,
    how: u8,
    bytes: &'a [u8],
}

/// The number of the step that takes bytes from behind it.
const BYTES: u8 = 14;
/// How many kinds of steps there are; the frequent ones have several numbers.
const KINDS: u8 = 40;

impl<'a> Step<'a> {
    pub(super) fn next(data: &mut &'a [u8]) -> Option<Self> {
        let (&[does, who, what, how], rest) = data.split_first_chunk()?;
        let taken = if does % KINDS == BYTES { how.into() } else { 0 };
        let (bytes, rest) = rest.split_at(rest.len().min(taken));
        *data = rest;
        Some(Self { does: does % KINDS, who, what, how, bytes })
    }

    const fn peer(&self) -> u8 {
        (self.who & 7) % NODES
    }

    const fn speaker(&self) -> usize {
        (self.who as usize >> 3 & 3) % SPEAKERS
    }

    const fn place(&self) -> u8 {
        self.what % NODES
    }

    fn time(&self) -> Duration {
        Duration::from_millis(u64::from(self.what) * u64::from(self.how))
    }
}

impl World {
    pub(super) fn step(&mut self, step: &Step<'_>) {
        let (peer, speaker) = (step.peer(), step.speaker());
        match step.does {
            0 | 1 => self.meet(peer, step.how),
            2 if step.how & 4 != 0 => self.rumour(peer, step.place()),
            2 => self.candidate(peer, step.place()),
            3 => {
                let beacon = Beacon { peer: id(peer), port: 0, public_key: None };
                let source = endpoint(peer).address();
                self.handle(Input::Beacon { beacon, source, interface: InterfaceId(1) });
            }
            BYTES => {
                if !self.is_honest(peer, speaker) {
                    self.babble(peer, speaker, step.bytes);
                }
            }
            15 => self.lose_mailbox(peer, speaker, step.how.is_multiple_of(2)),
            16 => self.link_up(peer, step.how, None),
            17 => self.link_lost(peer, step.how, step.what.is_multiple_of(8)),
            18..=20 => self.answer(peer),
            21 => self.pause(step.how % 2 == 1),
            22 => self.move_to(step.place()),
            23..=25 => self.act(step),
            26 | 27 => self.wait(step.time()),
            28 | 29 => self.wait_for_deadline(),
            30 => self.suspend(step.time(), step.who.is_multiple_of(2)),
            31 => self.reconnect(peer, speaker),
            32 => self.meet_two_way(peer, step.how),
            33 => self.accept(peer, speaker),
            34 => self.link_up(peer, step.how, Some(speaker)),
            35 => self.break_conn(peer, speaker),
            36 => self.progress(peer, speaker, [step.how & 1 != 0, step.how & 2 != 0]),
            37 => self.scout(peer, speaker, step.how),
            38 => self.resolved([step.who, step.what], step.how),
            _ => self.say(step),
        }
        self.answer_in_time();
    }

    /// The peer's whole way to being present.
    fn meet(&mut self, peer: u8, how: u8) {
        if self.is_honest(peer, 0) && self.is_present(peer) {
            return;
        }
        self.candidate(peer, peer);
        self.link_up(peer, 0, None);
        self.speak(peer, 0, &Words { how: 7 | how & 8, ..Words::plain(Say::Hello) });
    }

    /// The same by one connection for both directions.
    fn meet_two_way(&mut self, peer: u8, how: u8) {
        if self.is_honest(peer, 0) {
            return;
        }
        if how.is_multiple_of(2) {
            self.accept(peer, 0);
        } else {
            self.candidate(peer, peer);
            self.link_up(peer, 0, Some(0));
        }
        self.speak(peer, 0, &Words { how: 7 | how & 8, ..Words::plain(Say::Hello) });
    }

    fn candidate(&mut self, peer: u8, place: u8) {
        self.handle(Input::Candidate { peer: id(peer), endpoint: endpoint(place) });
    }

    fn rumour(&mut self, peer: u8, place: u8) {
        // One that was met is looked for as long as one that is required.
        self.requires = true;
        self.handle(Input::Rumour { peer: id(peer), endpoint: endpoint(place) });
    }

    fn say(&mut self, step: &Step<'_>) {
        let (peer, speaker) = (step.peer(), step.speaker());
        let say = Say::number(step.what);
        let harmless = matches!(say, Say::Whisper | Say::Shout | Say::Ping | Say::Elect);
        let sequence = match step.who >> 5 {
            0 => Sequence::Any(u16::from_be_bytes([step.what, step.how])),
            1 => self.next_heard(peer).map_or(Sequence::Right, Sequence::Continued),
            _ => Sequence::Right,
        };
        let words = Words { say, sequence, what: step.what, how: step.how };
        if !self.is_honest(peer, speaker) {
            self.speak(peer, speaker, &words);
        } else if harmless {
            self.speak(peer, speaker, &Words { sequence: Sequence::Right, ..words });
        }
    }

    /// The peer comes on a new connection and continues its sequence there, as libzmq does.
    fn reconnect(&mut self, peer: u8, speaker: usize) {
        if self.is_honest(peer, speaker) {
            return;
        }
        let sequence = self.next_heard(peer).map_or(Sequence::Right, Sequence::Continued);
        self.lose_mailbox(peer, speaker, false);
        self.speak(peer, speaker, &Words { sequence, ..Words::plain(Say::Ping) });
    }

    fn act(&mut self, step: &Step<'_>) {
        let group =
            str::from_utf8(GROUPS[usize::from(step.what) % GROUPS.len()]).unwrap_or("\u{fffd}");
        let peer = id(step.peer());
        let content = Content::from(vec![0_u8; usize::from(step.how)]);
        let too_long = "too long".repeat(32);
        let forgotten;
        let action = match step.what >> 3 {
            0..=2 => Action::Join(group),
            3 => {
                self.requires = true;
                let peer = step.who.is_multiple_of(2).then_some(peer);
                Action::RequireEndpoint { endpoint: required(step.how), peer }
            }
            4 if step.how.is_multiple_of(2) => Action::ForgetPeer(peer),
            4 => {
                forgotten = required(step.how);
                Action::ForgetEndpoint(&forgotten)
            }
            5 => Action::Contest(group),
            6..=9 => Action::Leave(group),
            10..=15 => Action::Whisper { peer, content },
            16..=21 => Action::Shout { group, content },
            22..=25 => Action::SetHeader { name: group, value: "v" },
            26..=29 => {
                self.requires = true;
                Action::Require { peer, endpoint: endpoint(step.how % NODES) }
            }
            30 => Action::Whisper { peer, content: Content::none() },
            _ if step.how == 0 => Action::Stop,
            _ => Action::Join(&too_long),
        };
        self.request(action);
    }

    /// The node is somewhere else now, but not where the honest peer is.
    fn move_to(&mut self, place: u8) {
        if !self.is_honest(place, 0) {
            self.handle(Input::Moved(endpoint(place)));
        }
    }
}

/// An endpoint that is required: the address of a node, or a name.
fn required(how: u8) -> HostEndpoint {
    if how < 200 {
        endpoint(how % NODES).into()
    } else {
        format!("host-{}:7", how % 2).parse().expect("a name and a port")
    }
}
