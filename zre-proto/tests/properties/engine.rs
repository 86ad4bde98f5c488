//! The engine: it keeps its promises whatever comes, in whatever order.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use zre_proto::message::{Command, Hello, Message};
use zre_proto::{
    Action, Beacon, Config, ConnId, Content, Endpoint, Engine, Event, HostEndpoint, Input,
    InterfaceId, Liveness, Loss, Output, PeerId, UnreachableReason,
};

use crate::common::{Promises, endpoint, id, key};

/// The own node is 2; the others are 0, 1, 3 and 4. We choose the two-way connections with half of
/// them.
const NODES: u8 = 5;
const OWN: u8 = 2;
const GROUPS: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
enum Step {
    Candidate {
        peer: u8,
        place: u8,
    },
    Rumour {
        peer: u8,
        place: u8,
    },
    Goodbye(u8),
    /// A connection of a peer is up for both directions.
    Accept(u8),
    Message {
        peer: u8,
        conn: usize,
        sequence: Sequence,
        say: Say,
    },
    Bytes {
        peer: u8,
        conn: usize,
        header: Vec<u8>,
    },
    Connected {
        conn: usize,
        two_way: bool,
    },
    /// A scout is up, at a mailbox that tells whose it is, or does not.
    Found {
        conn: usize,
        peer: Option<u8>,
        two_way: bool,
    },
    /// A name has these addresses.
    Resolved(Vec<u8>),
    Progress {
        conn: usize,
        received: bool,
        sent: bool,
    },
    Broken(usize),
    Lost {
        conn: usize,
        overflow: bool,
    },
    Paused(bool),
    Moved(u8),
    Act(Act),
    Wait(u64),
    Deadline,
    Suspend(u64),
}

/// The sequence number of a message: what the peer would say next on its link, or any other.
#[derive(Clone, Copy, Debug)]
enum Sequence {
    Right,
    Any(u16),
}

#[derive(Clone, Debug)]
enum Say {
    Hello {
        place: u8,
        groups: Vec<u8>,
        status: u8,
    },
    Whisper,
    Shout(u8),
    Join(u8),
    Leave(u8),
    /// JOIN with any status.
    Miscount(u8),
    Ping,
    PingOk,
    /// ELECT or LEADER, with an id of the own text if it is that of no node.
    Elect(u8),
    Leader(u8),
    Goodbye,
    Unknown,
}

#[derive(Clone, Debug)]
enum Act {
    Join(u8),
    Contest(u8),
    Leave(u8),
    Whisper(u8),
    Shout(u8),
    SetHeader,
    Distrust(u8),
    Require { peer: u8, place: u8 },
    RequireEndpoint { peer: Option<u8>, place: Place },
    ForgetPeer(u8),
    ForgetEndpoint(Place),
    Stop,
}

/// Where somebody is required: at a node's address, or by a name.
#[derive(Clone, Copy, Debug)]
enum Place {
    Address(u8),
    Name(u8),
}

/// Whom every second key that is told of others belongs to: another node that is trusted, and lies.
const LIAR: u8 = 3;

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![(0..NODES).prop_map(Place::Address), (0..2_u8).prop_map(Place::Name)]
}

fn say() -> impl Strategy<Value = Say> {
    let group = 0..3_u8;
    prop_oneof![
        6 => (0..NODES, vec(group.clone(), 0..4), any::<u8>())
            .prop_map(|(place, groups, status)| Say::Hello { place, groups, status }),
        2 => Just(Say::Whisper),
        2 => group.clone().prop_map(Say::Shout),
        3 => group.clone().prop_map(Say::Join),
        2 => group.prop_map(Say::Leave),
        1 => any::<u8>().prop_map(Say::Miscount),
        1 => Just(Say::Ping),
        2 => Just(Say::PingOk),
        2 => (0..=NODES).prop_map(Say::Elect),
        1 => (0..=NODES).prop_map(Say::Leader),
        1 => Just(Say::Goodbye),
        1 => Just(Say::Unknown),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        9 => (0..3_u8).prop_map(Act::Join),
        6 => (0..3_u8).prop_map(Act::Contest),
        9 => (0..3_u8).prop_map(Act::Leave),
        9 => (0..NODES).prop_map(Act::Whisper),
        9 => (0..3_u8).prop_map(Act::Shout),
        3 => Just(Act::SetHeader),
        2 => (0..NODES).prop_map(Act::Distrust),
        5 => (0..NODES, 0..NODES).prop_map(|(peer, place)| Act::Require { peer, place }),
        5 => (option::weighted(0.3, 0..NODES), place())
            .prop_map(|(peer, place)| Act::RequireEndpoint { peer, place }),
        1 => (0..NODES).prop_map(Act::ForgetPeer),
        1 => place().prop_map(Act::ForgetEndpoint),
        1 => Just(Act::Stop),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let peer = 0..NODES;
    let conn = any::<usize>();
    let sequence = prop_oneof![
        9 => Just(Sequence::Right),
        1 => any::<u16>().prop_map(Sequence::Any)
    ];
    prop_oneof![
        8 => (peer.clone(), 0..NODES).prop_map(|(peer, place)| Step::Candidate { peer, place }),
        4 => (peer.clone(), 0..NODES).prop_map(|(peer, place)| Step::Rumour { peer, place }),
        2 => peer.clone().prop_map(Step::Goodbye),
        24 => (peer.clone(), conn, sequence, say())
            .prop_map(|(peer, conn, sequence, say)| Step::Message { peer, conn, sequence, say }),
        1 => (peer.clone(), conn, vec(any::<u8>(), 0..20))
            .prop_map(|(peer, conn, header)| Step::Bytes { peer, conn, header }),
        5 => peer.prop_map(Step::Accept),
        9 => (conn, any::<bool>())
            .prop_map(|(conn, two_way)| Step::Connected { conn, two_way }),
        6 => (conn, option::weighted(0.6, 0..NODES), any::<bool>())
            .prop_map(|(conn, peer, two_way)| Step::Found { conn, peer, two_way }),
        3 => vec(0..NODES, 0..4).prop_map(Step::Resolved),
        3 => (conn, any::<bool>(), any::<bool>())
            .prop_map(|(conn, received, sent)| Step::Progress { conn, received, sent }),
        2 => conn.prop_map(Step::Broken),
        5 => (conn, prop::bool::weighted(0.2))
            .prop_map(|(conn, overflow)| Step::Lost { conn, overflow }),
        1 => any::<bool>().prop_map(Step::Paused),
        1 => (0..NODES).prop_map(Step::Moved),
        8 => act().prop_map(Step::Act),
        6 => (1_u64..12_000).prop_map(Step::Wait),
        6 => Just(Step::Deadline),
        1 => (1_u64..60_000).prop_map(Step::Suspend),
    ]
}

/// A connection, as its driver knows it.
#[derive(Clone, Copy, Debug)]
struct Conn {
    /// `None` while a scout does not know whom it has reached.
    peer: Option<PeerId>,
    id: ConnId,
    up: bool,
    two_way: bool,
    /// The engine has closed it: nothing more is heard of it but its end.
    closed: bool,
}

/// One engine, plain or secure, its connections, and what its peers would say next.
struct World {
    engine: Engine,
    now: Instant,
    promises: Promises,
    /// All that have not ended.
    conns: Vec<Conn>,
    /// The names that are being resolved.
    names: Vec<HostEndpoint>,
    last_conn: u64,
    said: [(u16, u8); NODES as usize],
    /// On which connection each content was sent to the engine: it is the number of itself.
    contents: Vec<ConnId>,
    /// The last of them that the application heard, of each connection.
    heard: BTreeMap<ConnId, usize>,
    /// What came of the last step.
    outputs: Vec<Output>,
    is_secure: bool,
}

impl World {
    fn new(max_peers: usize, is_secure: bool) -> Self {
        let config = Config {
            key: is_secure.then(|| key(OWN)),
            max_peers,
            // So few that what is held until a link is up is often more.
            max_held_events: 4,
            max_held_bytes: 2 * (size_of::<Bytes>() + 3),
            ..Config::new(id(OWN), endpoint(OWN))
        };
        Self {
            engine: Engine::new(config).unwrap(),
            now: Instant::now(),
            promises: Promises::new(id(OWN)),
            conns: Vec::new(),
            names: Vec::new(),
            last_conn: 0,
            said: [(0, 0); NODES as usize],
            contents: Vec::new(),
            heard: BTreeMap::new(),
            outputs: Vec::new(),
            is_secure,
        }
    }

    /// Where a node is said to be, and, on a secure node, with which key.
    fn at(&self, peer: u8, place: u8) -> Endpoint {
        let of = if (peer + place).is_multiple_of(3) { LIAR } else { peer };
        endpoint(place).with_key(self.is_secure.then(|| key(of)))
    }

    fn required_at(&self, place: Place) -> HostEndpoint {
        match place {
            Place::Address(n) => self.at(n, n).into(),
            Place::Name(n) if self.is_secure => format!("host-{n}:7|{}", key(n)).parse().unwrap(),
            Place::Name(n) => format!("host-{n}:7").parse().unwrap(),
        }
    }

    fn handle(&mut self, input: Input<'_>) {
        self.promises.input(&input);
        self.engine.handle(self.now, input);
        self.collect(false);
    }

    fn collect(&mut self, refused: bool) {
        while let Some(output) = self.engine.poll_output() {
            assert!(!refused, "an action was refused, and yet: {output:?}");
            match &output {
                Output::Connect { peer, conn, .. } => self.add(Some(*peer), *conn, false, false),
                Output::Scout { conn, .. } => self.add(None, *conn, false, false),
                Output::Identified { conn, peer } => {
                    let scout = self.conns.iter_mut().filter(|it| it.id == *conn);
                    scout.for_each(|it| it.peer = Some(*peer));
                }
                Output::Resolve { endpoint } => self.names.push(endpoint.clone()),
                Output::Close { conn } => {
                    let closed = self.conns.iter_mut().filter(|it| it.id == *conn);
                    closed.for_each(|it| it.closed = true);
                }
                _ => {}
            }
            self.promises.output(&output);
            if let Output::Event(event) = &output {
                self.in_order(event);
            }
            self.outputs.push(output);
        }
        self.promises.agree_with(&self.engine);
    }

    fn add(&mut self, peer: Option<PeerId>, id: ConnId, up: bool, two_way: bool) {
        self.conns.push(Conn { peer, id, up, two_way, closed: false });
    }

    /// What comes on a connection is heard in the order in which it came, and once.
    fn in_order(&mut self, event: &Event) {
        let (Some(peer), Some(content)) = (event.peer(), event.content()) else { return };
        let number: usize = content.to_text().parse().unwrap();
        let conn = self.contents[number];
        assert!(self.promises.is_by(peer, conn), "not by {peer}: {event:?}");
        let last = self.heard.insert(conn, number);
        assert!(last < Some(number), "after {last:?}: {event:?}");
    }

    /// One of the connections, if there is any that fits.
    fn conn(&mut self, nth: usize, fits: impl Fn(&Conn) -> bool) -> Option<&mut Conn> {
        let count = self.conns.iter().filter(|conn| fits(conn)).count();
        self.conns.iter_mut().filter(|conn| fits(conn)).nth(nth.checked_rem(count)?)
    }

    /// A connection on which a peer can speak: one of those that there are, or a new one.
    fn speaking(&mut self, peer: PeerId, nth: usize) -> ConnId {
        let speaks = |conn: &Conn| {
            let both = conn.two_way || matches!(conn.id, ConnId::Accepted(_));
            conn.peer == Some(peer) && both && conn.up && !conn.closed
        };
        if !nth.is_multiple_of(5)
            && let Some(conn) = self.conn(nth / 5, speaks)
        {
            return conn.id;
        }
        self.accept(peer, false)
    }

    fn accept(&mut self, peer: PeerId, two_way: bool) -> ConnId {
        self.last_conn += 1;
        let conn = ConnId::Accepted(self.last_conn);
        self.add(Some(peer), conn, true, two_way);
        if self.is_secure {
            let lies = self.last_conn.is_multiple_of(4);
            let key = key(if lies { LIAR } else { peer.as_bytes()[0] });
            self.handle(Input::Proved { peer, conn, key });
        }
        let is_open = !self.conns.iter().any(|it| it.id == conn && it.closed);
        if two_way && is_open {
            let own_endpoint = endpoint(OWN);
            self.handle(Input::Connected { peer, conn, two_way, own_endpoint });
        }
        conn
    }

    /// A connection ends.
    fn lose(&mut self, conn: Conn, overflow: bool) {
        self.conns.retain(|it| it.id != conn.id);
        let why = match conn.up {
            true if overflow => Loss::Overflow,
            true => Loss::Ended,
            false => Loss::Failed(UnreachableReason::Refused),
        };
        let (peer, conn) = (conn.peer, conn.id);
        self.handle(match peer {
            Some(peer) => Input::Lost { peer, conn, why },
            None => Input::ScoutLost { conn, why },
        });
    }

    /// All attempts to connect that are under way end, and those that follow.
    fn fail_all_dials(&mut self) {
        while let Some(conn) = self.conn(0, |conn| !conn.up).copied() {
            self.lose(conn, false);
        }
    }

    /// Time goes on, and the engine is woken as it wishes to be.
    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(deadline) = self.engine.next_deadline().filter(|next| *next <= until) {
            self.now = self.now.max(deadline);
            self.wake();
        }
        self.now = until;
    }

    fn wake(&mut self) {
        self.engine.handle_timeout(self.now);
        self.collect(false);
        let next = self.engine.next_deadline();
        assert!(next.is_none_or(|next| next > self.now), "a deadline that does not pass");
    }

    fn step(&mut self, step: &Step) {
        self.outputs.clear();
        match step {
            &Step::Rumour { peer, place } => {
                let endpoint = self.at(peer, place);
                self.handle(Input::Rumour { peer: id(peer), endpoint });
            }
            &Step::Candidate { peer, place } => {
                let endpoint = self.at(peer, place);
                self.handle(Input::Candidate { peer: id(peer), endpoint });
            }
            &Step::Goodbye(peer) => self.goodbye(peer),
            Step::Message { peer, conn, sequence, say } => {
                let header = self.header(*peer, *sequence, say);
                self.receive(*peer, *conn, &header);
            }
            Step::Bytes { peer, conn, header } => self.receive(*peer, *conn, header),
            &Step::Accept(peer) => drop(self.accept(id(peer), true)),
            &Step::Connected { conn: nth, two_way } => {
                if let Some(conn) = self.conn(nth, |conn| !conn.up && conn.peer.is_some())
                    && let Some(peer) = conn.peer
                {
                    (conn.up, conn.two_way) = (true, two_way);
                    let (conn, own_endpoint) = (conn.id, endpoint(OWN));
                    self.handle(Input::Connected { peer, conn, two_way, own_endpoint });
                }
            }
            &Step::Found { conn, peer, two_way } => self.found(conn, peer.map(id), two_way),
            Step::Resolved(places) => {
                if let Some(name) = self.names.pop() {
                    let addresses: Vec<_> = places.iter().map(|place| endpoint(*place)).collect();
                    self.handle(Input::Resolved { endpoint: &name, addresses: &addresses });
                }
            }
            &Step::Progress { conn: nth, received, sent } => {
                if let Some(&mut Conn { peer: Some(peer), id: conn, .. }) =
                    self.conn(nth, |conn| conn.up)
                {
                    self.handle(Input::Progress { peer, conn, received, sent });
                }
            }
            &Step::Broken(nth) => {
                if let Some(&mut Conn { peer: Some(peer), id: conn, .. }) =
                    self.conn(nth, |conn| conn.two_way)
                {
                    self.handle(Input::Broken { peer, conn });
                }
            }
            &Step::Lost { conn: nth, overflow } => {
                if let Some(conn) = self.conn(nth, |_| true).copied() {
                    self.lose(conn, overflow);
                }
            }
            &Step::Paused(paused) => self.handle(Input::Paused(paused)),
            &Step::Moved(place) => self.handle(Input::Moved(endpoint(place))),
            Step::Act(act) => self.act(act),
            &Step::Wait(millis) => self.wait(Duration::from_millis(millis)),
            &Step::Suspend(millis) => {
                self.now += Duration::from_millis(millis);
                self.wake();
            }
            Step::Deadline => {
                if let Some(deadline) = self.engine.next_deadline() {
                    self.wait(deadline.saturating_duration_since(self.now));
                }
            }
        }
    }

    fn goodbye(&mut self, peer: u8) {
        let public_key = self.at(peer, peer).key();
        let beacon = Beacon { peer: id(peer), port: 0, public_key };
        let source = endpoint(peer).address();
        self.handle(Input::Beacon { beacon, source, interface: InterfaceId(1) });
    }

    /// A scout is up, at a mailbox that tells whose it is, or does not.
    fn found(&mut self, nth: usize, peer: Option<PeerId>, two_way: bool) {
        let Some(conn) = self.conn(nth, |conn| !conn.up && conn.peer.is_none()) else { return };
        (conn.up, conn.peer, conn.two_way) = (true, peer, two_way && peer.is_some());
        let (conn, own_endpoint) = (conn.id, endpoint(OWN));
        self.handle(match peer {
            Some(peer) => Input::Connected { peer, conn, two_way, own_endpoint },
            None => Input::ScoutUp { conn, own_endpoint },
        });
    }

    fn receive(&mut self, peer: u8, conn: usize, header: &[u8]) {
        let source = SocketAddr::from(([10, 0, 0, peer], 50_000));
        let peer = id(peer);
        let conn = self.speaking(peer, conn);
        if self.conns.iter().any(|it| it.id == conn && it.closed) {
            // It was no sooner there than it was closed.
            return;
        }
        let content = Content::from(self.contents.len().to_string());
        self.contents.push(conn);
        self.handle(Input::Message { peer, conn, source, header, content });
    }

    fn act(&mut self, act: &Act) {
        let group = |nth: u8| GROUPS[usize::from(nth)];
        let content = Content::from("x");
        let forgotten;
        let action = match *act {
            Act::Join(nth) => Action::Join(group(nth)),
            Act::Contest(nth) => Action::Contest(group(nth)),
            Act::Leave(nth) => Action::Leave(group(nth)),
            Act::Whisper(peer) => Action::Whisper { peer: id(peer), content },
            Act::Shout(nth) => Action::Shout { group: group(nth), content },
            Act::Distrust(n) => Action::Distrust(key(n)),
            Act::SetHeader => Action::SetHeader { name: "k", value: "v" },
            Act::Require { peer, place } => {
                Action::Require { peer: id(peer), endpoint: self.at(peer, place) }
            }
            Act::RequireEndpoint { peer, place } => {
                Action::RequireEndpoint { endpoint: self.required_at(place), peer: peer.map(id) }
            }
            Act::ForgetPeer(peer) => Action::ForgetPeer(id(peer)),
            Act::ForgetEndpoint(place) => {
                forgotten = self.required_at(place);
                Action::ForgetEndpoint(&forgotten)
            }
            Act::Stop => Action::Stop,
        };
        let refused = self.engine.act(self.now, action).is_err();
        self.collect(refused);
    }

    /// What the peer says, in its place in the sequence unless told otherwise.
    fn header(&mut self, peer: u8, sequence: Sequence, say: &Say) -> Vec<u8> {
        let (last, status) = &mut self.said[usize::from(peer)];
        let group = |nth: u8| GROUPS[usize::from(nth)].as_bytes();
        let place = if let Say::Hello { place, .. } = say {
            endpoint(*place).to_string()
        } else {
            String::new()
        };
        let of = |nth: u8| if nth < NODES { id(nth).to_upper_hex() } else { [b'x'; 32] };
        let (of, version) = match say {
            Say::Elect(nth) | Say::Leader(nth) => (of(*nth), &b""[..]),
            _ => ([0; 32], &b"0.1.0"[..]),
        };
        let mut count = || {
            *status = status.wrapping_add(1);
            *status
        };
        let command = match say {
            Say::Hello { groups, status: start, .. } => {
                (*last, *status) = (0, *start);
                Command::Hello(Hello {
                    endpoint: place.as_bytes(),
                    groups: groups.iter().map(|nth| group(*nth)).collect(),
                    status: *start,
                    // Every second one is of this implementation.
                    headers: if start % 2 == 0 { vec![(b"X-ZYRE", version)] } else { vec![] },
                    ..Hello::default()
                })
            }
            Say::Whisper => Command::Whisper,
            Say::Shout(nth) => Command::Shout { group: group(*nth) },
            Say::Join(nth) => Command::Join { group: group(*nth), status: count() },
            Say::Leave(nth) => Command::Leave { group: group(*nth), status: count() },
            Say::Miscount(status) => Command::Join { group: b"a", status: *status },
            Say::Ping | Say::Unknown => Command::Ping,
            Say::PingOk => Command::PingOk,
            Say::Elect(_) => Command::Elect { group: b"a", challenger: &of },
            Say::Leader(_) => Command::Leader { group: b"a", leader: &of },
            Say::Goodbye => Command::Goodbye,
        };
        *last = last.wrapping_add(1);
        let sequence = if let Sequence::Any(any) = sequence { any } else { *last };
        let mut header = Message { sequence, command }.encode().to_vec();
        if matches!(say, Say::Unknown) {
            header[2] = 42;
        }
        header
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_order_of_inputs_breaks_a_promise(
        steps in vec(step(), 0..120),
        max_peers in 1_usize..5,
        is_secure in any::<bool>(),
    ) {
        let mut world = World::new(max_peers, is_secure);
        for step in &steps {
            world.step(step);
        }
    }

    #[test]
    fn every_peer_that_falls_silent_is_asked_in_time_and_then_gone(
        steps in vec(step(), 0..120),
        is_secure in any::<bool>(),
    ) {
        let mut world = World::new(4, is_secure);
        for step in &steps {
            let stays = matches!(
                step,
                Step::Act(Act::Stop | Act::Require { .. } | Act::RequireEndpoint { .. })
                    | Step::Rumour { .. }
            );
            if !stays {
                world.step(step);
            }
        }
        world.handle(Input::Paused(false));
        // A second more than the longest time from the last word of any peer to the question.
        world.wait(Duration::from_secs(6));
        for peer in world.engine.peers() {
            let liveness = world.engine.peer(peer).map(|peer| peer.liveness);
            prop_assert_ne!(liveness, Some(Liveness::Present), "{} was not asked", peer);
        }
        world.fail_all_dials();
        world.wait(Duration::from_secs(26));
        prop_assert_eq!(world.engine.peers().count(), 0);
        // HELLO is said on what was up already, one after the other, and then it is dialled.
        for _ in 0..6 {
            world.fail_all_dials();
            world.wait(Duration::from_secs(31));
        }
        world.fail_all_dials();
        prop_assert_eq!(world.engine.next_deadline(), None, "nothing is left to be done");
        let open: Vec<_> = world.promises.dialled().collect();
        prop_assert_eq!(open, vec![], "nobody will close them");
    }

    #[test]
    fn what_is_required_is_looked_for_as_long_as_nobody_is_met_there(
        steps in vec(step(), 0..120),
        is_secure in any::<bool>(),
    ) {
        let mut world = World::new(16, is_secure);
        for step in &steps {
            if !matches!(step, Step::Act(Act::Stop)) {
                world.step(step);
            }
        }
        world.handle(Input::Paused(false));
        // Everybody is gone, and no name resolves. Some wait for a minute, and those that then find
        // another one there for another second.
        while let Some(conn) = world.conn(0, |_| true).copied() {
            world.lose(conn, false);
        }
        world.outputs.clear();
        for _ in 0..65 {
            world.fail_all_dials();
            for name in std::mem::take(&mut world.names) {
                world.handle(Input::Resolved { endpoint: &name, addresses: &[] });
            }
            world.wait(Duration::from_secs(1));
        }
        let required: Vec<_> = world.engine.required().collect();
        for required in required {
            let tried = |output: &Output| match output {
                Output::Connect { endpoint, .. } | Output::Scout { endpoint, .. } => {
                    required.endpoint.endpoint() == Some(*endpoint)
                }
                Output::Resolve { endpoint } => *endpoint == required.endpoint,
                _ => false,
            };
            prop_assert!(world.outputs.iter().any(tried), "{:?} is not tried", required);
        }
    }

    #[test]
    fn the_same_inputs_give_the_same_outputs(
        steps in vec(step(), 0..60),
        is_secure in any::<bool>(),
    ) {
        let start = Instant::now();
        let [mut one, mut other] = [World::new(4, is_secure), World::new(4, is_secure)];
        (one.now, other.now) = (start, start);
        for step in &steps {
            one.step(step);
            other.step(step);
            prop_assert_eq!(&one.outputs, &other.outputs);
            prop_assert_eq!(one.engine.stats(), other.engine.stats());
            prop_assert_eq!(one.engine.next_deadline(), other.engine.next_deadline());
        }
    }
}
