//! A peer that is present and answers every PING in time. Whatever others say, in its name or of
//! its place, it stays, and nothing that they say is taken for its word.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use testkit::promises::id;
use zre_proto::message::{Command, Message};
use zre_proto::{ConnId, Event, MessageLimits, Output, PeerId};

/// Which peer it is; the first who speaks in its name is it.
pub(super) const HONEST: u8 = 1;

/// What it has been asked and has not answered yet.
#[derive(Debug)]
pub(super) struct Honest {
    latency: Duration,
    /// Where it is heard.
    pub(super) speaks_on: Option<ConnId>,
    /// Where it is spoken to.
    pub(super) hears_on: Option<ConnId>,
    answers: VecDeque<Instant>,
}

impl Honest {
    pub(super) const fn new(latency: Duration) -> Self {
        Self { latency, speaks_on: None, hears_on: None, answers: VecDeque::new() }
    }

    /// When its next answer arrives.
    pub(super) fn next(&self) -> Option<Instant> {
        self.answers.front().copied()
    }

    /// Whether an answer has arrived, which is taken.
    pub(super) fn answers(&mut self, now: Instant) -> bool {
        let arrived = self.next().is_some_and(|at| at <= now);
        if arrived {
            self.answers.pop_front();
        }
        arrived
    }

    pub(super) fn output(&mut self, now: Instant, output: &Output) {
        match output {
            Output::Connect { peer, conn, .. } if is_honest(*peer) => self.hears_on = Some(*conn),
            Output::Send { conn, header, .. } if self.hears_on == Some(*conn) => {
                let message = Message::decode(header, &MessageLimits::default());
                if message.is_ok_and(|message| message.command == Command::Ping) {
                    self.answers.push_back(now + self.latency);
                }
            }
            Output::Event(event @ Event::Exit { peer, .. }) if is_honest(*peer) => {
                panic!("it answers every PING in time: {event:?}");
            }
            _ => {}
        }
    }
}

fn is_honest(peer: PeerId) -> bool {
    peer == id(HONEST)
}
