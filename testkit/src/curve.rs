//! CURVE by hand: both sides of a handshake, as RFC 26 describes it and with whatever else may be
//! sent. It shares no code with the library, and its primitives are those of `crypto_box`.
//!
//! Everything that a test may want to be different is an argument or a public field.

#![allow(clippy::expect_used, clippy::panic, reason = "a test whose remote is wrong has failed")]

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use crypto_box::aead::AeadInPlace;
use crypto_box::{PublicKey, SalsaBox, SecretKey};
use serde_json::Value;

use crate::{hex, vectors};

/// The text before the counter in the nonce of a MESSAGE, by the side that seals it.
pub const OF_CLIENT: &[u8; 16] = b"CurveZMQMESSAGEC";
/// The same of a server.
pub const OF_SERVER: &[u8; 16] = b"CurveZMQMESSAGES";

/// A key pair.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    /// The secret key.
    pub secret: [u8; 32],
    /// The public key.
    pub public: [u8; 32],
}

impl Keys {
    /// Returns the pair of a secret key.
    pub fn of(secret: [u8; 32]) -> Self {
        Self { secret, public: *SecretKey::from(secret).public_key().as_bytes() }
    }

    /// Returns a pair that nobody had before. Its secret is none: it is for a test.
    pub fn draw() -> Self {
        let mut secret = [0; 32];
        for part in secret.as_chunks_mut::<8>().0 {
            part.copy_from_slice(&RandomState::new().hash_one(0).to_be_bytes());
        }
        Self::of(secret)
    }

    /// Returns a pair of the vectors.
    ///
    /// # Panics
    /// There is none of that name.
    pub fn named(name: &str) -> Self {
        let digits = vectors::curve()["keys"][name]["secret"].as_str().map(str::to_owned);
        let secret = hex::decode(&digits.expect("a pair of that name"));
        Self::of(secret.try_into().expect("32 bytes"))
    }
}

/// What two pairs share.
#[derive(Clone)]
struct Shared(Arc<SalsaBox>);

impl Shared {
    fn of(public: &[u8; 32], secret: &[u8; 32]) -> Self {
        Self(Arc::new(SalsaBox::new(&PublicKey::from(*public), &SecretKey::from(*secret))))
    }

    fn seal(&self, plain: &[u8], nonce: &[u8]) -> Vec<u8> {
        let mut sealed = plain.to_vec();
        let nonce: [u8; 24] = nonce.try_into().expect("24 bytes");
        let tag = self.0.encrypt_in_place_detached(&nonce.into(), &[], &mut sealed);
        [&tag.expect("it seals")[..], &sealed].concat()
    }

    fn open(&self, sealed: &[u8], nonce: &[u8]) -> Vec<u8> {
        let (tag, sealed) = sealed.split_at(16);
        let (mut plain, tag) = (sealed.to_vec(), <[u8; 16]>::try_from(tag).expect("16 bytes"));
        let nonce: [u8; 24] = nonce.try_into().expect("24 bytes");
        self.0
            .decrypt_in_place_detached(&nonce.into(), &[], &mut plain, &tag.into())
            .expect("it was sealed for us");
        plain
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared(..)")
    }
}

/// Seals `plain`: the tag comes first.
pub fn seal(plain: &[u8], nonce: &[u8], public: &[u8; 32], secret: &[u8; 32]) -> Vec<u8> {
    Shared::of(public, secret).seal(plain, nonce)
}

/// Opens what [`seal`] has made.
///
/// # Panics
/// It was sealed otherwise.
pub fn open(sealed: &[u8], nonce: &[u8], public: &[u8; 32], secret: &[u8; 32]) -> Vec<u8> {
    Shared::of(public, secret).open(sealed, nonce)
}

/// A nonce: what for, and a counter.
fn counted(prefix: &[u8; 16], counter: u64) -> Vec<u8> {
    [&prefix[..], &counter.to_be_bytes()].concat()
}

/// A greeting of this mechanism and version.
pub fn greeting(mechanism: &str, as_server: u8, minor: u8) -> Vec<u8> {
    let mut greeting = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03".to_vec();
    greeting.push(minor);
    greeting.extend(mechanism.as_bytes());
    greeting.resize(32, 0);
    greeting.push(as_server);
    greeting.resize(64, 0);
    greeting
}

/// A frame with these flags, in the long form if it has to be.
pub fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    match u8::try_from(body.len()) {
        Ok(size) => [&[flags, size], body].concat(),
        Err(_) => [&[flags | 2][..], &(body.len() as u64).to_be_bytes(), body].concat(),
    }
}

/// A property of the metadata.
pub fn property(name: &str, value: &[u8]) -> Vec<u8> {
    let size = (value.len() as u32).to_be_bytes();
    [&[name.len() as u8][..], name.as_bytes(), &size, value].concat()
}

/// The metadata of a socket of this type and, unless it is empty, with this identity.
pub fn metadata(kind: &str, identity: &[u8]) -> Vec<u8> {
    let mut all = property("Socket-Type", kind.as_bytes());
    if !identity.is_empty() {
        all.extend(property("Identity", identity));
    }
    all
}

/// What both sides do once the handshake is over.
#[derive(Clone, Debug)]
pub struct Traffic {
    ours: &'static [u8; 16],
    theirs: &'static [u8; 16],
    key: Shared,
    /// The next counter.
    pub next: u64,
}

impl Traffic {
    /// Returns the body of a MESSAGE with these flags inside.
    pub fn message(&mut self, flags: u8, data: &[u8]) -> Vec<u8> {
        let counter = self.next;
        self.next = counter.wrapping_add(1);
        self.message_with(self.ours, counter, flags, data)
    }

    /// Returns the same with another prefix, or another counter.
    pub fn message_with(&self, prefix: &[u8; 16], counter: u64, flags: u8, data: &[u8]) -> Vec<u8> {
        let plain = [&[flags], data].concat();
        let sealed = self.key.seal(&plain, &counted(prefix, counter));
        [b"\x07MESSAGE", &counter.to_be_bytes()[..], &sealed].concat()
    }

    /// Returns the flags inside a MESSAGE of the remote, and the data.
    ///
    /// # Panics
    /// It is none.
    pub fn open(&self, body: &[u8]) -> (u8, Vec<u8>) {
        assert!(body.starts_with(b"\x07MESSAGE"), "{body:?}");
        let nonce = [&self.theirs[..], &body[8..16]].concat();
        let mut plain = self.key.open(&body[16..], &nonce);
        (plain.remove(0), plain)
    }
}

/// A client that does what it is told.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its long-term pair.
    pub keys: Keys,
    /// The long-term key that it takes the server for.
    pub server: [u8; 32],
    /// Its pair for this connection.
    pub session: Keys,
    /// The server's key for this connection, and the cookie, when WELCOME has come.
    pub welcome: ([u8; 32], Vec<u8>),
}

/// What an INITIATE is made of.
#[derive(Clone, Debug)]
pub struct Initiate {
    /// The cookie that is returned.
    pub cookie: Vec<u8>,
    /// The counter of the nonce.
    pub counter: u64,
    /// The long-term key that is shown.
    pub client: [u8; 32],
    /// The secret key that the vouch is sealed with.
    pub vouch_secret: [u8; 32],
    /// The two keys in the vouch.
    pub vouched: Vec<u8>,
    /// The metadata.
    pub metadata: Vec<u8>,
}

impl Client {
    /// Creates a client with the pairs of the vectors.
    pub fn new() -> Self {
        Self {
            keys: Keys::named("client_long"),
            server: Keys::named("server_long").public,
            session: Keys::named("client_short"),
            welcome: ([0; 32], Vec::new()),
        }
    }

    /// Creates a client that has this pair, and takes the server for the one with this key.
    pub fn of(keys: Keys, server: [u8; 32]) -> Self {
        Self { keys, server, session: Keys::draw(), welcome: ([0; 32], Vec::new()) }
    }

    /// Returns the body of HELLO with this counter.
    pub fn hello(&self, counter: u64) -> Vec<u8> {
        let nonce = counted(b"CurveZMQHELLO---", counter);
        let signature = seal(&[0; 64], &nonce, &self.server, &self.session.secret);
        let head = [&b"\x05HELLO\x01\0"[..], &[0; 72], &self.session.public].concat();
        [&head, &counter.to_be_bytes()[..], &signature].concat()
    }

    /// Takes the body of WELCOME.
    ///
    /// # Panics
    /// It is none for this client.
    pub fn take_welcome(&mut self, body: &[u8]) {
        assert!(body.len() == 168 && body.starts_with(b"\x07WELCOME"), "{body:?}");
        let nonce = [b"WELCOME-", &body[8..24]].concat();
        let plain = open(&body[24..], &nonce, &self.server, &self.session.secret);
        let (session, cookie) = plain.split_at(32);
        self.welcome = (session.try_into().expect("32 bytes"), cookie.to_vec());
    }

    /// Returns what an INITIATE is made of that is right.
    pub fn initiate(&self, metadata: Vec<u8>) -> Initiate {
        Initiate {
            cookie: self.welcome.1.clone(),
            counter: 2,
            client: self.keys.public,
            vouch_secret: self.keys.secret,
            vouched: [self.session.public, self.server].concat(),
            metadata,
        }
    }

    /// Returns the body of an INITIATE that is made of this.
    pub fn seal_initiate(&self, parts: &Initiate) -> Vec<u8> {
        let server = &self.welcome.0;
        let nonce = [&b"VOUCH---"[..], &[7; 16]].concat();
        let vouch = seal(&parts.vouched, &nonce, server, &parts.vouch_secret);
        let plain = [&parts.client[..], &[7; 16], &vouch, &parts.metadata].concat();
        let nonce = counted(b"CurveZMQINITIATE", parts.counter);
        let sealed = seal(&plain, &nonce, server, &self.session.secret);
        [&b"\x08INITIATE"[..], &parts.cookie, &parts.counter.to_be_bytes(), &sealed].concat()
    }

    /// Returns the metadata in the body of READY.
    ///
    /// # Panics
    /// It is none for this client.
    pub fn open_ready(&self, body: &[u8]) -> Vec<u8> {
        assert!(body.starts_with(b"\x05READY"), "{body:?}");
        let nonce = [&b"CurveZMQREADY---"[..], &body[6..14]].concat();
        open(&body[14..], &nonce, &self.welcome.0, &self.session.secret)
    }

    /// Returns what it does once the handshake is over.
    pub fn traffic(&self) -> Traffic {
        let key = Shared::of(&self.welcome.0, &self.session.secret);
        Traffic { ours: OF_CLIENT, theirs: OF_SERVER, key, next: 3 }
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

/// A server that does what it is told.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its long-term pair.
    pub keys: Keys,
    /// Its pair for this connection.
    pub session: Keys,
    /// The client's key for this connection, when HELLO has come.
    pub client_session: [u8; 32],
    /// What the client has to return.
    pub cookie: Vec<u8>,
}

impl Server {
    /// Creates a server with the pairs of the vectors.
    pub fn new() -> Self {
        Self {
            keys: Keys::named("server_long"),
            session: Keys::named("server_short"),
            client_session: [0; 32],
            cookie: vec![9; 96],
        }
    }

    /// Creates a server that has this pair.
    pub fn of(keys: Keys) -> Self {
        Self { keys, session: Keys::draw(), ..Self::new() }
    }

    /// Takes the body of HELLO.
    ///
    /// # Panics
    /// It is none for this server.
    pub fn take_hello(&mut self, body: &[u8]) {
        assert!(body.len() == 200 && body.starts_with(b"\x05HELLO\x01\0"), "{body:?}");
        self.client_session = body[80..112].try_into().expect("32 bytes");
        let nonce = [&b"CurveZMQHELLO---"[..], &body[112..120]].concat();
        let signature = open(&body[120..], &nonce, &self.client_session, &self.keys.secret);
        assert_eq!(signature, [0; 64]);
    }

    /// Returns the body of WELCOME.
    pub fn welcome(&self) -> Vec<u8> {
        self.welcome_with(&self.session.public)
    }

    /// Returns the body of WELCOME with this key for the connection.
    pub fn welcome_with(&self, session: &[u8; 32]) -> Vec<u8> {
        let plain = [&session[..], &self.cookie].concat();
        let nonce = [&b"WELCOME-"[..], &[8; 16]].concat();
        let sealed = seal(&plain, &nonce, &self.client_session, &self.keys.secret);
        [&b"\x07WELCOME"[..], &[8; 16], &sealed].concat()
    }

    /// Takes the body of INITIATE. Returns the client's long-term key, and its metadata.
    ///
    /// # Panics
    /// It is none for this server.
    pub fn take_initiate(&self, body: &[u8]) -> ([u8; 32], Vec<u8>) {
        assert!(body.starts_with(b"\x08INITIATE") && body[9..105] == self.cookie[..], "{body:?}");
        let nonce = [&b"CurveZMQINITIATE"[..], &body[105..113]].concat();
        let plain = open(&body[113..], &nonce, &self.client_session, &self.session.secret);
        let client = plain[..32].try_into().expect("32 bytes");
        let nonce = [b"VOUCH---", &plain[32..48]].concat();
        let vouched = open(&plain[48..128], &nonce, &client, &self.session.secret);
        assert_eq!(vouched, [self.client_session, self.keys.public].concat());
        (client, plain[128..].to_vec())
    }

    /// Returns the body of READY with this counter.
    pub fn ready(&self, counter: u64, metadata: &[u8]) -> Vec<u8> {
        let nonce = counted(b"CurveZMQREADY---", counter);
        let sealed = seal(metadata, &nonce, &self.client_session, &self.session.secret);
        [&b"\x05READY"[..], &counter.to_be_bytes(), &sealed].concat()
    }

    /// Returns what it does once the handshake is over.
    pub fn traffic(&self) -> Traffic {
        let key = Shared::of(&self.client_session, &self.session.secret);
        Traffic { ours: OF_SERVER, theirs: OF_CLIENT, key, next: 2 }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the names of the cases in which libzmq was given something as the server or as the
/// client, and what came of it.
///
/// # Panics
/// There are none.
pub fn cases(given: &str) -> Vec<(String, String)> {
    let vectors = vectors::curve();
    let cases = vectors[given]["cases"].as_array().expect("cases");
    let text = |case: &Value, field: &str| case[field].as_str().expect("a text").to_owned();
    cases.iter().map(|case| (text(case, "case"), text(case, "outcome"))).collect()
}
