//! One engine; the test plays its peers, message by message.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use zre_proto::message::{Command, Hello, Message};
use zre_proto::{
    Action, ActionError, Beacon, Config, ConnId, Content, Endpoint, Engine, Event, Input,
    InterfaceId, Loss, MessageLimits, Output, PeerId, PublicKey, UnreachableReason,
};

use crate::common::{Promises, endpoint, id};

/// One node, number 1 unless it is told otherwise, and what it did. The other nodes have the
/// numbers from 2 on.
#[derive(Debug)]
pub(crate) struct Solo {
    pub(crate) engine: Engine,
    start: Instant,
    now: Instant,
    promises: Promises,
    outputs: Vec<Output>,
    trace: Vec<String>,
    /// The connections on which the engine may speak: to whom, and where if it has dialled.
    links: BTreeMap<ConnId, (u8, Option<Endpoint>)>,
    /// Those of them whose handshake is over.
    up: BTreeSet<ConnId>,
    remotes: BTreeMap<u8, Remote>,
    last_conn: u64,
}

/// The connection on which a peer speaks to the engine.
#[derive(Clone, Copy, Debug)]
struct Remote {
    conn: ConnId,
    sequence: u16,
}

/// The greeting of a node without groups.
pub(crate) fn hello<'a>(endpoint: &'a str) -> Hello<'a> {
    Hello { endpoint: endpoint.as_bytes(), name: b"remote", ..Hello::default() }
}

impl Solo {
    pub(crate) fn new() -> Self {
        Self::with(Config::new(id(1), endpoint(1)))
    }

    pub(crate) fn with(config: Config) -> Self {
        let start = Instant::now();
        Self {
            promises: Promises::new(config.id),
            engine: Engine::new(config).unwrap(),
            start,
            now: start,
            outputs: Vec::new(),
            trace: Vec::new(),
            links: BTreeMap::new(),
            up: BTreeSet::new(),
            remotes: BTreeMap::new(),
            last_conn: 0,
        }
    }

    /// An engine that has met node 2: each has said HELLO, and the link is up.
    pub(crate) fn met() -> Self {
        let mut solo = Self::new();
        solo.meet(2);
        solo
    }

    /// An engine that has heard node 2 before it reached it: each has said HELLO, and the link is
    /// not up.
    pub(crate) fn held() -> Self {
        let mut solo = Self::new();
        solo.hello(2);
        solo.beacon(2);
        assert_eq!(solo.trace(), ["connect 2"]);
        solo
    }

    /// An engine that has met node 2, and then answered a further HELLO of it: node 2 has entered
    /// again, and our HELLO may still be answered by one of its own.
    pub(crate) fn unanswered() -> Self {
        let mut solo = Self::met();
        solo.hello(2);
        solo.up(2);
        assert_eq!(solo.events(), ["EXIT 2 restarted", "ENTER 2"]);
        solo
    }

    /// An engine that puts node 2 to the test: it may have lost us, or answer our HELLO.
    pub(crate) fn testing() -> Self {
        let mut solo = Self::unanswered();
        solo.hello(2);
        assert_eq!(solo.trace(), ["EXIT 2 restarted", "send 2 ping 2"]);
        solo
    }

    /// Node `n` is discovered, connected, and says HELLO. Forgets the trace of it.
    pub(crate) fn meet(&mut self, n: u8) {
        self.beacon(n);
        self.up(n);
        self.hello(n);
        assert_eq!(self.events(), [format!("ENTER {n}")]);
    }

    /// Hands over an input, and collects what comes of it.
    pub(crate) fn handle(&mut self, input: Input<'_>) {
        self.promises.input(&input);
        self.engine.handle(self.now, input);
        self.collect();
    }

    fn collect(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            self.promises.output(&output);
            if let Output::Connect { peer, conn, endpoint, .. } = &output {
                self.links.insert(*conn, (peer.as_bytes()[0], Some(*endpoint)));
            }
            if let Output::Scout { conn, endpoint, .. } = &output {
                self.links.insert(*conn, (0, Some(*endpoint)));
            }
            if let Output::Identified { conn, peer } = &output {
                self.identify(*conn, peer.as_bytes()[0]);
            }
            self.trace.push(self.describe(&output));
            self.outputs.push(output);
        }
        self.promises.agree_with(&self.engine);
    }

    pub(crate) fn act(&mut self, action: Action<'_>) -> Result<(), ActionError> {
        let result = self.engine.act(self.now, action);
        self.collect();
        result
    }

    /// The engine is told that a deadline has come.
    pub(crate) fn time_out(&mut self) {
        self.engine.handle_timeout(self.now);
        self.collect();
    }

    pub(crate) fn beacon(&mut self, n: u8) {
        self.beacon_at(n, endpoint(n));
    }

    /// A beacon of node `n` that names this endpoint.
    pub(crate) fn beacon_at(&mut self, n: u8, endpoint: Endpoint) {
        self.beacon_on(1, n, endpoint);
    }

    /// A beacon of node `n` that names this endpoint, and comes in by this interface.
    pub(crate) fn beacon_on(&mut self, interface: u32, n: u8, endpoint: Endpoint) {
        let source = endpoint.address();
        let beacon = Beacon { peer: id(n), port: source.port(), public_key: endpoint.key() };
        self.handle(Input::Beacon { beacon, source, interface: InterfaceId(interface) });
    }

    pub(crate) fn goodbye(&mut self, n: u8) {
        self.goodbye_with(n, None);
    }

    /// A goodbye of node `n` that has this key.
    pub(crate) fn goodbye_with(&mut self, n: u8, public_key: Option<PublicKey>) {
        let beacon = Beacon { peer: id(n), port: 0, public_key };
        let source = endpoint(n).address();
        self.handle(Input::Beacon { beacon, source, interface: InterfaceId(1) });
    }

    /// The connection that was dialled last to node `n`.
    pub(crate) fn link(&self, n: u8) -> ConnId {
        let dialled = |(conn, (to, place)): (&ConnId, &(u8, Option<Endpoint>))| {
            (*to == n && place.is_some()).then_some(*conn)
        };
        self.links.iter().filter_map(dialled).next_back().unwrap()
    }

    /// The connection that was dialled last to node `n` at an endpoint.
    pub(crate) fn link_at(&self, n: u8, endpoint: Endpoint) -> ConnId {
        *self.links.iter().rfind(|(_, it)| **it == (n, Some(endpoint))).unwrap().0
    }

    /// The dialled connections to node `n` that were neither closed nor lost.
    pub(crate) fn dials(&self, n: u8) -> Vec<ConnId> {
        self.promises.dialled().filter(|(peer, _)| *peer == id(n)).map(|(_, conn)| conn).collect()
    }

    /// To whom a dialled connection goes, if it was neither closed nor lost.
    pub(crate) fn is_open(&self, conn: ConnId) -> Option<PeerId> {
        self.promises.dialled().find(|(_, dialled)| *dialled == conn).map(|(peer, _)| peer)
    }

    /// The newest link to node `n` is connected, for one direction.
    pub(crate) fn up(&mut self, n: u8) {
        self.link_up(n, self.link(n));
    }

    /// The connection that was dialled last to node `n` is up, for both directions.
    pub(crate) fn up_two_way(&mut self, n: u8) -> ConnId {
        let conn = self.link(n);
        self.two_way_up(n, conn);
        conn
    }

    /// The scout that was sent last to an endpoint.
    pub(crate) fn scout_at(&self, endpoint: Endpoint) -> ConnId {
        self.link_at(0, endpoint)
    }

    /// The scout that was sent last to an endpoint has reached node `n`, whose mailbox tells whose it
    /// is.
    pub(crate) fn scout_finds(&mut self, endpoint: Endpoint, n: u8, two_way: bool) -> ConnId {
        let conn = self.scout_at(endpoint);
        self.identify(conn, n);
        self.connected(n, conn, two_way);
        conn
    }

    /// The scout that was sent last to an endpoint has reached a mailbox that does not tell whose it
    /// is.
    pub(crate) fn scout_up(&mut self, endpoint: Endpoint) -> ConnId {
        let conn = self.scout_at(endpoint);
        self.up.insert(conn);
        let own_endpoint = self.engine.endpoint();
        self.handle(Input::ScoutUp { conn, own_endpoint });
        conn
    }

    /// The scout that was sent last to an endpoint is no more.
    pub(crate) fn scout_lost(&mut self, endpoint: Endpoint, why: Loss) {
        let conn = self.scout_at(endpoint);
        self.handle(Input::ScoutLost { conn, why });
    }

    /// It is known now who is at the other end of a connection.
    fn identify(&mut self, conn: ConnId, n: u8) {
        self.links.get_mut(&conn).into_iter().for_each(|link| link.0 = n);
    }

    /// A connection of node `n` to the mailbox is up, for both directions.
    pub(crate) fn accept(&mut self, n: u8) -> ConnId {
        self.last_conn += 1;
        let conn = ConnId::Accepted(self.last_conn);
        self.two_way_up(n, conn);
        conn
    }

    /// A connection comes to the mailbox in the name of node `n`, and whoever has made it has proved a
    /// key.
    pub(crate) fn prove(&mut self, n: u8, key: PublicKey) -> ConnId {
        self.last_conn += 1;
        let conn = ConnId::Accepted(self.last_conn);
        self.handle(Input::Proved { peer: id(n), conn, key });
        conn
    }

    /// The newest link to node `n` breaks, or was refused.
    pub(crate) fn lost(&mut self, n: u8) {
        self.link_lost(n, self.link(n));
    }

    pub(crate) fn link_up(&mut self, n: u8, conn: ConnId) {
        self.connected(n, conn, false);
    }

    pub(crate) fn two_way_up(&mut self, n: u8, conn: ConnId) {
        self.links.entry(conn).or_insert((n, None));
        self.connected(n, conn, true);
    }

    fn connected(&mut self, n: u8, conn: ConnId, two_way: bool) {
        self.up.insert(conn);
        let own_endpoint = self.engine.endpoint();
        self.handle(Input::Connected { peer: id(n), conn, two_way, own_endpoint });
    }

    /// A connection that the engine may speak on is no more: it broke, or was refused.
    pub(crate) fn link_lost(&mut self, n: u8, conn: ConnId) {
        let refused = Loss::Failed(UnreachableReason::Refused);
        let why = if self.up.contains(&conn) { Loss::Ended } else { refused };
        self.handle(Input::Lost { peer: id(n), conn, why });
    }

    /// The newest dial to node `n` has led to nothing.
    pub(crate) fn failed(&mut self, n: u8, why: UnreachableReason) {
        self.handle(Input::Lost { peer: id(n), conn: self.link(n), why: Loss::Failed(why) });
    }

    /// The queue to node `n` is full.
    pub(crate) fn overflow(&mut self, n: u8) {
        let conn = self.engine.speaks_on(id(n)).unwrap_or_else(|| self.link(n));
        self.handle(Input::Lost { peer: id(n), conn, why: Loss::Overflow });
    }

    /// Bytes have moved on a connection.
    pub(crate) fn progress(&mut self, n: u8, conn: ConnId, [received, sent]: [bool; 2]) {
        self.handle(Input::Progress { peer: id(n), conn, received, sent });
    }

    /// The connection of node `n` to the mailbox ends.
    pub(crate) fn mailbox_lost(&mut self, n: u8) {
        self.conn_lost(n, self.conn(n));
    }

    /// The address of ours where a connection begins is gone.
    pub(crate) fn left(&mut self, n: u8, conn: ConnId) {
        self.handle(Input::Lost { peer: id(n), conn, why: Loss::Left });
    }

    pub(crate) fn conn_lost(&mut self, n: u8, conn: ConnId) {
        self.handle(Input::Lost { peer: id(n), conn, why: Loss::Ended });
    }

    /// Node `n` opens a connection, on which it will go on where it was.
    pub(crate) fn reconnect(&mut self, n: u8) -> ConnId {
        self.last_conn += 1;
        let conn = ConnId::Accepted(self.last_conn);
        self.remotes.entry(n).and_modify(|r| r.conn = conn).or_insert(Remote { conn, sequence: 0 });
        conn
    }

    /// Node `n` says HELLO on a new connection. The one before has ended.
    pub(crate) fn hello(&mut self, n: u8) {
        self.hello_with(n, &hello(&endpoint(n).to_string()));
    }

    pub(crate) fn hello_with(&mut self, n: u8, hello: &Hello<'_>) {
        if self.remotes.contains_key(&n) {
            self.mailbox_lost(n);
        }
        self.reconnect(n);
        self.set_sequence(n, 0);
        self.say(n, Command::Hello(hello.clone()));
    }

    /// Node `n` says HELLO on a two-way connection, and goes on there.
    pub(crate) fn hello_on(&mut self, n: u8, conn: ConnId) {
        self.remotes.insert(n, Remote { conn, sequence: 0 });
        self.say(n, Command::Hello(hello(&endpoint(n).to_string())));
    }

    /// Node `n` has said HELLO on a connection, and goes on there.
    pub(crate) fn goes_on(&mut self, n: u8, conn: ConnId) {
        self.remotes.insert(n, Remote { conn, sequence: 1 });
    }

    /// The next message of node `n` will be the one behind this.
    pub(crate) fn set_sequence(&mut self, n: u8, sequence: u16) {
        self.remotes.get_mut(&n).unwrap().sequence = sequence;
    }

    /// Node `n` says what comes next in its sequence.
    pub(crate) fn say(&mut self, n: u8, command: Command<'_>) {
        self.send(n, command, Content::none());
    }

    pub(crate) fn send(&mut self, n: u8, command: Command<'_>, content: Content) {
        let remote = self.remotes.get_mut(&n).unwrap();
        remote.sequence = remote.sequence.wrapping_add(1);
        let Remote { conn, sequence } = *remote;
        self.raw(n, conn, &Message { sequence, command }.encode(), content);
    }

    pub(crate) fn whisper(&mut self, n: u8, text: &str) {
        self.send(n, Command::Whisper, text.into());
    }

    pub(crate) fn ping_ok(&mut self, n: u8) {
        self.say(n, Command::PingOk);
    }

    /// A message arrives on a connection that says it is node `n`'s.
    pub(crate) fn raw(&mut self, n: u8, conn: ConnId, header: &[u8], content: Content) {
        let source = SocketAddr::from(([10, 0, 0, n], 50_000));
        self.handle(Input::Message { peer: id(n), conn, source, header, content });
    }

    /// The connection on which node `n` speaks.
    pub(crate) fn conn(&self, n: u8) -> ConnId {
        self.remotes[&n].conn
    }

    /// Time goes on; the engine is woken as it wishes to be.
    pub(crate) fn wait(&mut self, millis: u64) {
        let until = self.now + Duration::from_millis(millis);
        while let Some(deadline) = self.engine.next_deadline().filter(|next| *next <= until) {
            self.now = self.now.max(deadline);
            self.wake();
        }
        self.now = until;
    }

    /// Time goes on, and the engine is not woken.
    pub(crate) fn sleep(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
    }

    /// The engine is woken, once.
    pub(crate) fn wake(&mut self) {
        self.time_out();
        let next = self.engine.next_deadline();
        assert!(next.is_none_or(|next| next > self.now), "a deadline that does not pass");
    }

    /// Seconds go by in which these nodes send their beacons.
    pub(crate) fn wait_with_beacons(&mut self, seconds: u64, nodes: &[u8]) {
        for _ in 0..seconds {
            self.wait(1000);
            nodes.iter().for_each(|n| self.beacon(*n));
        }
    }

    /// The moment that it is.
    pub(crate) const fn now(&self) -> Instant {
        self.now
    }

    /// Milliseconds since the start.
    pub(crate) fn millis(&self) -> u128 {
        (self.now - self.start).as_millis()
    }

    /// What the engine did since this was last asked.
    pub(crate) fn trace(&mut self) -> Vec<String> {
        self.outputs.clear();
        std::mem::take(&mut self.trace)
    }

    /// Whether the engine did this since it was last asked.
    pub(crate) fn has_done(&self, what: &str) -> bool {
        self.trace.iter().any(|line| line == what)
    }

    /// What the application heard since anything was last asked.
    pub(crate) fn events(&mut self) -> Vec<String> {
        let mut trace = self.trace();
        trace.retain(|line| line.starts_with(|c: char| c.is_uppercase()));
        trace
    }

    /// What the engine did since this was last asked, as it is.
    pub(crate) fn outputs(&mut self) -> Vec<Output> {
        self.trace.clear();
        std::mem::take(&mut self.outputs)
    }

    /// An output in a few words: what the application hears in capitals, all else in small.
    fn describe(&self, output: &Output) -> String {
        match output {
            Output::Connect { peer, endpoint: place, .. } => {
                let n = peer.as_bytes()[0];
                format!("connect {n}{}", unless_usual(n, *place))
            }
            Output::Scout { endpoint, .. } => format!("scout {endpoint}"),
            Output::Identified { peer, .. } => format!("identified {}", peer.as_bytes()[0]),
            Output::Resolve { endpoint } => format!("resolve {endpoint}"),
            Output::Send { conn, header, .. } => {
                let message = Message::decode(header, &MessageLimits::default()).unwrap();
                let (n, _) = self.links[conn];
                let by = if let ConnId::Accepted(number) = conn {
                    format!(" by mailbox {number}")
                } else {
                    String::new()
                };
                format!("send {n} {} {}{by}", command_name(&message.command), message.sequence)
            }
            Output::Close { conn: ConnId::Accepted(number) } => format!("close mailbox {number}"),
            Output::Close { conn } => {
                let (n, place) = self.links[conn];
                format!("close {n}{}", place.map_or_else(String::new, |at| unless_usual(n, at)))
            }
            Output::Event(event) => describe_event(event),
        }
    }
}

/// Where a node is dialled, if that is not where it is.
fn unless_usual(n: u8, place: Endpoint) -> String {
    if place == endpoint(n) { String::new() } else { format!(" at {place}") }
}

fn command_name(command: &Command<'_>) -> &'static str {
    match command {
        Command::Hello(_) => "hello",
        Command::Whisper => "whisper",
        Command::Shout { .. } => "shout",
        Command::Join { .. } => "join",
        Command::Leave { .. } => "leave",
        Command::Ping => "ping",
        Command::PingOk => "ping-ok",
        Command::Goodbye => "goodbye",
        Command::Elect { .. } => "elect",
        Command::Leader { .. } => "leader",
    }
}

/// An event in a few words, such as `EXIT 2 link lost`.
pub(crate) fn describe_event(event: &Event) -> String {
    let n = event.peer().map_or(0, |peer| peer.as_bytes()[0]);
    match event {
        Event::Enter { .. } => format!("ENTER {n}"),
        Event::Exit { reason, .. } => format!("EXIT {n} {reason}"),
        Event::Join { group, .. } => format!("JOIN {n} {group}"),
        Event::Leave { group, .. } => format!("LEAVE {n} {group}"),
        Event::Whisper { content, .. } => format!("WHISPER {n} {}", content.to_text()),
        Event::Shout { group, content, .. } => format!("SHOUT {n} {group} {}", content.to_text()),
        Event::Evasive { .. } => format!("EVASIVE {n}"),
        Event::Silent { .. } => format!("SILENT {n}"),
        Event::Returned { .. } => format!("RETURNED {n}"),
        Event::Unreachable { why, .. } => format!("UNREACHABLE {n} {why}"),
        Event::EndpointUnreachable { endpoint, why } => format!("UNREACHABLE {endpoint} {why}"),
        Event::Leader { group, leader, mine } => {
            let n = leader.map_or(0, |leader| leader.as_bytes()[0]);
            format!("LEADER {n} {group}{}", if *mine { " mine" } else { "" })
        }
        Event::Moved { endpoint } => format!("MOVED to {endpoint}"),
        Event::Stop => "STOP".to_owned(),
    }
}
