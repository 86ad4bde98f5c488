//! All targets.

pub mod beacon;
pub mod certificate;
pub mod command;
pub mod connection;
pub mod curve_client;
pub mod curve_server;
pub mod endpoint;
pub mod engine;
pub mod filemq;
pub mod frame;
pub mod gossip;
pub mod greeting;
pub mod handshake;
pub mod log;
pub mod message;
pub mod words;

/// Something that is put to the test.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name on the command line, and of its folder in `corpus/`.
    pub name: &'static str,
    /// What it puts to the test, in a few words.
    pub about: &'static str,
    /// Panics if these bytes break a promise.
    pub run: fn(&[u8]),
    /// Inputs to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

macro_rules! targets {
    ($($name:ident: $about:literal,)*) => {
        /// All of them.
        pub const TARGETS: &[Target] = &[$(Target {
            name: stringify!($name),
            about: $about,
            run: $name::target,
            seeds: $name::seeds,
        }),*];
    };
}

targets! {
    greeting: "the first 64 bytes of a ZMTP connection",
    handshake: "what comes between the ZMTP greeting and the first message",
    frame: "ZMTP frames, as messages and within limits",
    command: "ZMTP commands between the frames of a message",
    connection: "a ZMTP connection from its first byte on",
    curve_server: "a server of CURVE: its handshake, INITIATE, and what is sealed",
    curve_client: "a client of CURVE: its handshake, READY, and what is sealed",
    beacon: "ZRE beacons",
    endpoint: "endpoints as people write them, with addresses and host names",
    message: "headers of ZRE messages, and the endpoints and ids in them",
    log: "lines of the logging protocol",
    gossip: "messages of gossip, their tuples, and the machine that hears them",
    certificate: "files with the key pair of a node, as zcert writes them",
    words: "words that stand for the key of a network or of a node, and keys as text",
    filemq: "FILEMQ messages, and the sessions of a server and a client",
    engine: "a whole ZRE engine: what happens to a node, in any order",
}

impl Target {
    /// The target of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TARGETS.iter().copied().find(|target| target.name == name)
    }
}
