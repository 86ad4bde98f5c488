//! What the good peers send and get: is anything lost, doubled, or late?

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::Serialize;

/// Numbered messages from one to another.
#[derive(Debug, Default)]
struct Stream {
    sent: u64,
    /// The number that must come next.
    expected: u64,
    /// When those on their way were sent.
    times: VecDeque<Instant>,
}

/// All streams: from each good peer to the victim and back, and to the next good peer.
#[derive(Debug)]
pub(super) struct Flow {
    echoes: Vec<Stream>,
    words: Vec<Stream>,
    /// When what was found was last taken.
    since: Instant,
    found: Found,
}

/// Which of the streams of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// To the victim, and back.
    Echo,
    /// To the next good peer.
    Word,
}

/// What was seen of the good peers during an attack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Found {
    /// That have come, once and in order.
    pub(super) messages: u64,
    pub(super) lost: u64,
    pub(super) doubled: u64,
    /// In the name of one that never sent it.
    pub(super) forged: u64,
    /// Sent for longer than a good answer may take, and not there.
    pub(super) late: u64,
    /// Not sent, because the peer was not there.
    pub(super) refused: u64,
    /// Which peers were lost, and why.
    pub(super) exits: Vec<String>,
    /// Events that must not come.
    pub(super) wrong: Vec<String>,
    /// The longest way of a message.
    #[serde(skip)]
    pub(super) slowest: Duration,
    /// How long was looked.
    #[serde(skip)]
    pub(super) time: Duration,
}

impl Found {
    /// The good peers have noticed nothing.
    pub(super) fn is_good(&self) -> bool {
        let wrong = [self.lost, self.doubled, self.forged, self.late, self.refused];
        let told = self.exits.is_empty() && self.wrong.is_empty();
        wrong.iter().all(|count| *count == 0) && told
    }

    /// Messages a second.
    pub(super) fn rate(&self) -> f64 {
        self.messages as f64 / self.time.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// In few words.
    pub(super) fn describe(&self) -> String {
        if self.is_good() {
            return "yes".into();
        }
        let counts = [
            (self.exits.len() as u64, "EXIT"),
            (self.wrong.len() as u64, "wrong"),
            (self.lost, "lost"),
            (self.doubled, "doubled"),
            (self.forged, "forged"),
            (self.late, "late"),
            (self.refused, "refused"),
        ];
        /// The table has no room for more; the JSON has all.
        const SHOWN: usize = 3;
        let counts = counts.iter().filter(|(count, _)| *count > 0).take(SHOWN);
        counts.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
    }
}

impl Flow {
    pub(super) fn new(peers: usize) -> Self {
        let streams = || std::iter::repeat_with(Stream::default).take(peers).collect();
        let since = Instant::now();
        Self { echoes: streams(), words: streams(), since, found: Found::default() }
    }

    fn stream(&mut self, kind: Kind, from: usize) -> Option<&mut Stream> {
        match kind {
            Kind::Echo => self.echoes.get_mut(from),
            Kind::Word => self.words.get_mut(from),
        }
    }

    /// The number of the next message, which `send` sends, if it can.
    pub(super) fn send(&mut self, kind: Kind, from: usize, send: impl FnOnce(u64) -> bool) -> bool {
        let Some(stream) = self.stream(kind, from) else { return false };
        let sent = send(stream.sent);
        if sent {
            stream.sent += 1;
            stream.times.push_back(Instant::now());
        } else {
            self.found.refused += 1;
        }
        sent
    }

    /// A message has come to where it should.
    pub(super) fn arrived(&mut self, kind: Kind, from: usize, number: u64) {
        let Some(stream) = self.stream(kind, from) else { return };
        if number < stream.expected {
            self.found.doubled += 1;
            return;
        }
        if number >= stream.sent {
            self.found.forged += 1;
            return;
        }
        let lost = number - stream.expected;
        stream.expected = number + 1;
        let mut took = Duration::ZERO;
        for _ in 0..=lost {
            took = stream.times.pop_front().map_or(took, |sent| sent.elapsed());
        }
        self.found.slowest = self.found.slowest.max(took);
        self.found.lost += lost;
        // An echo has come both ways.
        self.found.messages += if kind == Kind::Echo { 2 } else { 1 };
    }

    /// Something came in the name of one that did not send it.
    pub(super) fn forged(&mut self) {
        self.found.forged += 1;
    }

    pub(super) fn exit(&mut self, what: String) {
        self.found.exits.push(what);
    }

    /// Something was told that must not be.
    pub(super) fn object(&mut self, what: String) {
        self.found.wrong.push(what);
    }

    /// How many messages have been on their way for longer than this.
    pub(super) fn late(&self, than: Duration) -> u64 {
        let late = |stream: &Stream| {
            let times = stream.times.iter();
            times.take_while(|sent| sent.elapsed() > than).count() as u64
        };
        self.echoes.iter().chain(&self.words).map(late).sum()
    }

    /// What was found since this was last asked. Those that are late are waited for no more.
    pub(super) fn take(&mut self, patience: Duration) -> Found {
        let late = self.late(patience);
        self.found.slowest = self.found.slowest.max(self.oldest());
        let time = std::mem::replace(&mut self.since, Instant::now()).elapsed();
        Found { late, time, ..std::mem::take(&mut self.found) }
    }

    fn oldest(&self) -> Duration {
        let first = |stream: &Stream| stream.times.front().map(Instant::elapsed);
        self.echoes.iter().chain(&self.words).filter_map(first).max().unwrap_or_default()
    }

    /// The victim is another one: what was on its way to the last one is nobody's loss.
    pub(super) fn forget(&mut self) {
        for stream in self.echoes.iter_mut().chain(&mut self.words) {
            stream.expected = stream.sent;
            stream.times.clear();
        }
        self.since = Instant::now();
        self.found = Found::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(count: usize) -> Flow {
        let mut flow = Flow::new(1);
        for _ in 0..count {
            assert!(flow.send(Kind::Echo, 0, |_| true));
        }
        flow
    }

    #[test]
    fn what_comes_once_and_in_order_is_good() {
        let mut flow = sent(3);
        for number in 0..3 {
            flow.arrived(Kind::Echo, 0, number);
        }
        // A rate needs time to have passed: 6 messages in 10 ms.
        std::thread::sleep(Duration::from_millis(10));
        let found = flow.take(Duration::ZERO);
        assert!(found.is_good() && found.messages == 6, "{found:?}");
        assert!(found.rate() > 0.0 && found.rate() <= 600.0, "{found:?}");
        assert_eq!(flow.take(Duration::ZERO).rate(), 0.0, "all is told");
    }

    #[test]
    fn what_does_not_is_told() {
        let mut flow = sent(5);
        for number in [0, 2, 2, 7] {
            flow.arrived(Kind::Echo, 0, number);
        }
        flow.exit("good 1 lost the victim: link lost".into());
        flow.object("good 1 heard a second ENTER".into());
        assert!(!flow.send(Kind::Word, 0, |_| false));
        // What has not come is late after 1 ms.
        std::thread::sleep(Duration::from_millis(2));
        let found = flow.take(Duration::from_millis(1));
        assert_eq!(found.describe(), "1 EXIT, 1 wrong, 1 lost", "{found:?}");
        assert_eq!((found.doubled, found.forged, found.late, found.refused), (1, 1, 2, 1));
        let found = Found { wrong: vec!["a second ENTER".into()], ..Found::default() };
        assert!(!found.is_good());
    }
}
