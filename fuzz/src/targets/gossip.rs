//! Messages of gossip, the tuples in them, and the machine that hears them.

use std::time::{Duration, Instant};

use testkit::{hex, vectors};
use zre_proto::gossip::{
    Config, ConnId, DecodeError, Gossip, MAX_MESSAGE, MAX_TEXT, Message, Output, Remote, Tuple,
};
use zre_proto::{Endpoint, PeerId};

/// Nodes that the machine may know.
const TUPLES: usize = 8;

/// Connections.
const CONNS: u64 = 4;

/// What is a message is encoded to the bytes it was read from, unless its text is longer than any
/// that is sent; reading it takes no memory. And a machine that hears it keeps its promises.
pub fn target(data: &[u8]) {
    message(data);
    machine(data);
}

fn message(data: &[u8]) {
    let mut decoded = Err(DecodeError::Signature);
    let memory = allocation_counter::measure(|| decoded = Message::decode(data));
    assert_eq!(memory.count_total, 0);
    assert!(decoded.is_err() || data.len() <= MAX_MESSAGE);
    let Ok(message) = decoded else { return };
    let again = message.encode();
    assert!(again.len() <= 13 + 2 * MAX_TEXT);
    let fits = match message {
        Message::Publish { key, value, .. } => {
            tuple(key, value);
            value.len() <= MAX_TEXT
        }
        _ => true,
    };
    assert_eq!(again == data, fits);
    if fits {
        let short = Message::decode(&data[..data.len() - 1]);
        assert_eq!(short, Err(DecodeError::Truncated));
    }
}

/// A tuple is read again from what it is told as.
fn tuple(key: &[u8], value: &[u8]) {
    let Ok(tuple) = Tuple::read(key, value) else { return };
    let address = tuple.endpoint.address();
    assert!(address.port() != 0 && !address.ip().is_unspecified());
    let told = (tuple.key(), tuple.value());
    // Others may write the same endpoint shorter.
    assert!(told.0.len() == 32 && told.1.len() <= MAX_TEXT);
    assert_eq!(Tuple::read(told.0.as_bytes(), told.1.as_bytes()), Ok(tuple));
}

/// The bytes as a story: what each begins with says what happens, and to which connection.
fn machine(data: &[u8]) {
    let own = PeerId::new([1; 16]);
    let config = Config { max_tuples: TUPLES, max_clients: 2, ..Config::new(own) };
    let mut gossip = Gossip::new(config);
    let mut world = World { now: Instant::now(), open: [None; CONNS as usize], last: 0 };
    let mut rest = data;
    while let Some((&what, after)) = rest.split_first() {
        rest = after;
        let place = usize::from(what) % world.open.len();
        match what >> 4 {
            0..=1 => world.connect(&mut gossip, place, what & 4 != 0),
            2..=3 => {
                world.now += Duration::from_millis(250 << (what % 16));
                gossip.handle_timeout(world.now);
            }
            4 => world.disconnect(&mut gossip, place),
            5 => {
                let present = (2..2 + what % 8).map(|n| (PeerId::new([n; 16]), endpoint(n)));
                gossip.handle_presence(world.now, present);
            }
            6 => world.of(place, |now, conn| gossip.handle_flushed(now, conn)),
            7 => {
                let own = (what & 8 != 0).then(|| endpoint(what % 4));
                world.of(place, |now, conn| gossip.handle_own_endpoint(now, conn, own));
            }
            8..=11 => {
                let peer = PeerId::new([rest.first().copied().unwrap_or(1) % 16; 16]);
                let tuple = Tuple { peer, endpoint: endpoint(what % 3) };
                let (key, value) = (tuple.key(), tuple.value());
                let (key, value) = (key.as_bytes(), value.as_bytes());
                let frame = Message::Publish { key, value, ttl: 7 }.encode();
                world.of(place, |now, conn| gossip.handle_message(now, conn, &[&frame]));
            }
            12..=13 => {
                let frame = [0xAA, 0xA0, 1 + what % 5, 1];
                world.of(place, |now, conn| gossip.handle_message(now, conn, &[&frame]));
            }
            _ => {
                let length = rest.len().min(usize::from(what % 16) * 8);
                let (frame, after) = rest.split_at(length);
                rest = after;
                world.of(place, |now, conn| gossip.handle_message(now, conn, &[frame]));
            }
        }
        world.settle(&mut gossip, own);
    }
}

struct World {
    now: Instant,
    open: [Option<ConnId>; CONNS as usize],
    last: u64,
}

fn endpoint(n: u8) -> Endpoint {
    Endpoint::new(([10, 0, 0, n], 49152).into())
}

impl World {
    fn of(&self, place: usize, act: impl FnOnce(Instant, ConnId)) {
        if let Some(conn) = self.open[place] {
            act(self.now, conn);
        }
    }

    fn connect(&mut self, gossip: &mut Gossip, place: usize, hub: bool) {
        if self.open[place].is_none() {
            self.last += 1;
            let remote = if hub { Remote::Hub } else { Remote::Client };
            self.open[place] = Some(ConnId(self.last));
            let own = Some(endpoint(1));
            gossip.handle_connected(self.now, ConnId(self.last), remote, own, false);
        }
    }

    fn disconnect(&mut self, gossip: &mut Gossip, place: usize) {
        if let Some(conn) = self.open[place].take() {
            gossip.handle_disconnected(self.now, conn);
        }
    }

    /// Does what the machine says, and sees that it says nothing that it must not.
    fn settle(&mut self, gossip: &mut Gossip, own: PeerId) {
        let mut count = 0;
        while let Some(output) = gossip.poll_output() {
            count += 1;
            assert!(count < 2000, "it says more than it can know");
            match output {
                Output::Send { conn, frame } => {
                    assert!(self.open.contains(&Some(conn)), "on a connection that is not open");
                    let message = Message::decode(&frame).expect("what we say is right");
                    assert_eq!(message.encode(), frame);
                    if let Message::Publish { key, value, ttl } = message {
                        assert_eq!(ttl, 0);
                        let tuple = Tuple::read(key, value).expect("what we tell is of use");
                        assert!(tuple.peer != own || tuple.endpoint.address().ip().is_ipv4());
                    }
                }
                Output::Close { conn, .. } => {
                    let open = self.open.iter_mut().find(|open| **open == Some(conn));
                    *open.expect("it is closed once") = None;
                }
                Output::Rumour { peer, .. } => assert_ne!(peer, own),
            }
        }
        assert!(gossip.tuples() <= TUPLES);
        if let Some(next) = gossip.next_deadline() {
            // What is due is done: time goes on.
            gossip.handle_timeout(self.now);
            let closed = std::iter::from_fn(|| gossip.poll_output()).collect::<Vec<_>>();
            for output in closed {
                if let Output::Close { conn, .. } = output {
                    self.open.iter_mut().filter(|it| **it == Some(conn)).for_each(|it| *it = None);
                }
            }
            let later = gossip.next_deadline();
            assert!(later.is_none_or(|later| later > self.now), "{next:?} is due for ever");
        }
    }
}

/// Every captured message of its kind, and stories.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for scenario in vectors::gossip() {
        let messages = scenario["messages"].as_array().expect("messages").clone();
        for message in messages {
            let frame = hex::decode(message["hex"].as_str().expect("bytes"));
            if seeds.iter().all(|seed| seed.len() != frame.len() || seed[2] != frame[2]) {
                seeds.push(frame);
            }
        }
    }
    for id in 3..=5 {
        seeds.push(vec![0xAA, 0xA0, id, 1]);
    }
    seeds.push(vec![0x00, 0xC0, 0x55, 0x60, 0x81, 3, 0x24, 0x05, 0xC4, 0x81, 5, 0x57, 0x61]);
    seeds.push(vec![0x05, 0x95, 2, 0x95, 3, 0x51, 0x2F, 0x00, 0xC0, 0x94, 4, 0x24, 0x40, 0x50]);
    seeds
}
