//! One gossip machine, whose remotes are played by the test.

use std::time::{Duration, Instant};

use zre_proto::gossip::{CloseReason, Config, ConnId, Gossip, Message, Output, Remote, Tuple};
use zre_proto::{Endpoint, PeerId};

/// Node number `n`.
pub(crate) fn id(n: u16) -> PeerId {
    let [high, low] = n.to_be_bytes();
    let mut bytes = [low; 16];
    bytes[0] = high;
    PeerId::new(bytes)
}

/// Where node number `n` is.
pub(crate) fn endpoint(n: u16) -> Endpoint {
    let [high, low] = n.to_be_bytes();
    Endpoint::new(([10, 0, high, low], 49152).into())
}

pub(crate) fn tuple(n: u16) -> Tuple {
    Tuple { peer: id(n), endpoint: endpoint(n) }
}

pub(crate) fn publish(tuple: &Tuple) -> Vec<u8> {
    let (key, value) = (tuple.key(), tuple.value());
    Message::Publish { key: key.as_bytes(), value: value.as_bytes(), ttl: 0 }.encode()
}

/// What a frame says, in a few words.
pub(crate) fn describe(frame: &[u8]) -> String {
    match Message::decode(frame).unwrap() {
        Message::Hello => "hello".into(),
        Message::Publish { key, value, ttl: 0 } => {
            let tuple = Tuple::read(key, value).unwrap();
            describe_tuple(&tuple)
        }
        Message::Publish { ttl, .. } => panic!("a ttl of {ttl}"),
        Message::Ping => "ping".into(),
        Message::Pong => "pong".into(),
        Message::Invalid => "invalid".into(),
    }
}

fn describe_tuple(tuple: &Tuple) -> String {
    let n = tuple.peer.as_bytes()[15];
    if tuple.endpoint == endpoint(u16::from(n)) {
        n.to_string()
    } else {
        format!("{n} at {}", tuple.endpoint)
    }
}

/// Node 1, and what it has said.
pub(crate) struct Solo {
    pub(crate) gossip: Gossip,
    pub(crate) now: Instant,
    /// Whether what it sends is written at once.
    pub(crate) writes: bool,
    last: u64,
}

impl Solo {
    pub(crate) fn new() -> Self {
        Self::with(Config::new(id(1)))
    }

    pub(crate) fn with(config: Config) -> Self {
        Self { gossip: Gossip::new(config), now: Instant::now(), writes: true, last: 0 }
    }

    pub(crate) fn connect(&mut self, remote: Remote) -> ConnId {
        self.last += 1;
        let conn = ConnId(self.last);
        self.gossip.handle_connected(self.now, conn, remote, Some(endpoint(1)), false);
        conn
    }

    /// A client that has said HELLO and been told what there is.
    pub(crate) fn client(&mut self) -> ConnId {
        let conn = self.connect(Remote::Client);
        self.say(conn, &Message::Hello);
        self.trace();
        conn
    }

    /// A hub that was greeted.
    pub(crate) fn hub(&mut self) -> ConnId {
        let conn = self.connect(Remote::Hub);
        assert_eq!(
            self.trace()[..2],
            ["send hello", "send 1"].map(|it| format!("{it} to {}", conn.0))
        );
        conn
    }

    pub(crate) fn say(&mut self, conn: ConnId, message: &Message<'_>) {
        self.hear(conn, &[message.encode()]);
    }

    pub(crate) fn tell(&mut self, conn: ConnId, n: u16) {
        self.hear(conn, &[publish(&tuple(n))]);
    }

    /// Tells that node `n` is where node `at` would be.
    pub(crate) fn tell_at(&mut self, conn: ConnId, n: u16, at: u16) {
        let tuple = Tuple { endpoint: endpoint(at), ..tuple(n) };
        self.hear(conn, &[publish(&tuple)]);
    }

    pub(crate) fn hear(&mut self, conn: ConnId, frames: &[Vec<u8>]) {
        self.gossip.handle_message(self.now, conn, frames);
    }

    pub(crate) fn present(&mut self, nodes: &[u16]) {
        let present = nodes.iter().map(|n| (id(*n), endpoint(*n)));
        self.gossip.handle_presence(self.now, present);
    }

    /// What it does.
    pub(crate) fn outputs(&mut self) -> Vec<Output> {
        let mut outputs = Vec::new();
        while let Some(output) = self.gossip.poll_output() {
            if let Output::Send { conn, .. } = &output
                && self.writes
            {
                self.gossip.handle_flushed(self.now, *conn);
            }
            outputs.push(output);
        }
        outputs
    }

    /// What it does, in a few words.
    pub(crate) fn trace(&mut self) -> Vec<String> {
        let line = |output: Output| match output {
            Output::Send { conn, frame } => format!("send {} to {}", describe(&frame), conn.0),
            Output::Close { conn, why } => format!("close {}: {why}", conn.0),
            Output::Rumour { peer, endpoint } => {
                format!("rumour {}", describe_tuple(&Tuple { peer, endpoint }))
            }
        };
        self.outputs().into_iter().map(line).collect()
    }

    pub(crate) fn closed(&mut self) -> Vec<(ConnId, CloseReason)> {
        let closed = |output| match output {
            Output::Close { conn, why } => Some((conn, why)),
            _ => None,
        };
        self.outputs().into_iter().filter_map(closed).collect()
    }

    /// Lets time pass, with all deadlines, and returns what was done meanwhile but PINGs.
    pub(crate) fn wait(&mut self, time: Duration) -> Vec<String> {
        let end = self.now + time;
        let mut trace = self.trace();
        while let Some(next) = self.gossip.next_deadline().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.gossip.handle_timeout(self.now);
            trace.extend(self.trace());
        }
        self.now = end;
        trace.retain(|line| !line.starts_with("send ping"));
        trace
    }
}
