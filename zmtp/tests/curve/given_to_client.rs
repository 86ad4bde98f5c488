//! What libzmq was given as a client (the vectors know what it did), given to ours.

use testkit::curve::{Keys, Server, Traffic, cases, frame, greeting, metadata};
use zmtp::{Config, SocketType};

use crate::ours::Outcome::{self, Closed, Open, Refused};
use crate::ours::{Ours, client, dealer};

/// Every case, what libzmq does, and what ours does.
const CASES: &[(&str, &str, Outcome)] = &[
    ("valid: READY, message, answer", "open", Open),
    ("greeting: NULL", "closed", Closed),
    ("greeting: as-server 1", "open", Open),
    ("greeting: ZMTP 3.0", "open", Open),
    ("server is a client too (sends HELLO)", "closed", Closed),
    ("WELCOME by a server with another long-term key", "closed", Closed),
    ("WELCOME of 167 octets", "closed", Closed),
    ("WELCOME altered", "closed", Closed),
    // A command of the handshake is a command, and comes once.
    ("WELCOME flags 00", "open", Closed),
    ("WELCOME twice", "open", Closed),
    ("READY before WELCOME, sealed with an all-zero key", "closed", Closed),
    ("READY before WELCOME, garbage", "closed", Closed),
    ("READY altered", "closed", Closed),
    ("READY of 29 octets", "closed", Closed),
    // As with NULL: there is a `Socket-Type`.
    ("READY with empty metadata", "open", Closed),
    ("READY: Socket-Type PUB", "closed", Closed),
    ("READY with nonce 0, then MESSAGE nonce 1", "open", Open),
    ("READY nonce 5, MESSAGE nonce 5", "closed", Closed),
    ("ERROR 400 in place of WELCOME", "closed", Refused),
    ("ERROR 400 in place of READY", "closed", Refused),
    ("ERROR with empty reason", "closed", Refused),
    ("ERROR of 6 octets", "closed", Refused),
    ("ERROR, reason longer than command", "closed", Refused),
    ("server closes after HELLO", "closed", Closed),
    ("server closes after INITIATE", "closed", Closed),
    // Ours sends no PING by itself, and so misses no PONG.
    ("heartbeat: libzmq pings every 200 ms", "closed", Open),
    ("heartbeat: no PONG", "closed", Open),
    ("SUB over ZMTP 3.1", "open", Open),
    ("SUB over ZMTP 3.0", "open", Open),
    ("cookie of 96 random octets (no secretbox)", "open", Open),
];

/// A server by hand, and our client.
struct Game {
    server: Server,
    ours: Ours,
}

impl Game {
    fn send(&mut self, flags: u8, body: &[u8]) {
        self.ours.receive(&frame(flags, body));
    }

    fn greet(&mut self, greeting: &[u8]) {
        let theirs = self.ours.take_greeting();
        assert_eq!(theirs[10..32], *b"\x03\x01CURVE\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        self.ours.receive(greeting);
        let (flags, hello) = self.ours.take_frame().unwrap();
        assert_eq!(flags, 4);
        self.server.take_hello(&hello);
    }

    fn welcome(&mut self) {
        self.send(4, &self.server.welcome());
    }

    /// Takes INITIATE. Returns its metadata.
    fn take_initiate(&mut self) -> Vec<u8> {
        let (_, body) = self.ours.take_frame().unwrap();
        let (client, metadata) = self.server.take_initiate(&body);
        assert_eq!(client, Keys::named("client_long").public);
        metadata
    }

    /// Goes on until READY is due.
    fn until_initiate(&mut self) {
        self.greet(&greeting("CURVE", 0, 1));
        self.welcome();
        let said = self.take_initiate();
        assert_eq!(said, metadata("DEALER", b"dealer"));
    }

    fn ready(&mut self, counter: u64, kind: &str) {
        self.send(4, &self.server.ready(counter, &metadata(kind, b"")));
    }
}

fn play(case: &str) -> Game {
    let config = match case {
        "SUB over ZMTP 3.1" | "SUB over ZMTP 3.0" => {
            Config::new(SocketType::Sub).with_mechanism(client()).with_subscriptions(&[b"topic"])
        }
        _ => dealer(),
    };
    let mut game = Game { server: Server::new(), ours: Ours::new(&config) };
    match case {
        case if case.starts_with("SUB") => play_sub(case, &mut game),
        case if case.contains("WELCOME") || case.contains("HELLO") || case.contains("greeting") => {
            play_welcome(case, &mut game);
        }
        _ => play_ready(case, &mut game),
    }
    game
}

/// The messages of a connection that is open: one comes in, one goes out.
fn talk(game: &mut Game) {
    let mut traffic = game.server.traffic();
    game.send(0, &traffic.message(0, b"hello"));
    assert_eq!(game.ours.messages.pop().unwrap().frames(), ["hello"]);
    let wire = game.ours.say(b"queued", &[]);
    let (flags, body) = (wire[0], &wire[2..]);
    assert_eq!((flags, traffic.open(body)), (0, (0, b"queued".to_vec())));
}

fn play_welcome(case: &str, game: &mut Game) {
    match case {
        "greeting: NULL" => {
            game.ours.receive(&greeting("NULL", 0, 1));
            return;
        }
        "greeting: as-server 1" | "greeting: ZMTP 3.0" => {
            let (as_server, minor) = if case.ends_with('1') { (1, 1) } else { (0, 0) };
            game.greet(&greeting("CURVE", as_server, minor));
            game.welcome();
            game.take_initiate();
            game.ready(1, "ROUTER");
            talk(game);
            return;
        }
        _ => game.greet(&greeting("CURVE", 0, 1)),
    }
    let mut body = game.server.welcome();
    match case {
        "server is a client too (sends HELLO)" => {
            body = testkit::curve::Client::new().hello(1);
        }
        "WELCOME by a server with another long-term key" => {
            game.server.keys = Keys::named("other_server");
            body = game.server.welcome();
        }
        "WELCOME of 167 octets" => drop(body.pop()),
        "WELCOME altered" => body[100] ^= 1,
        "ERROR 400 in place of WELCOME" => body = b"\x05ERROR\x03400".to_vec(),
        "READY before WELCOME, garbage" => {
            body = [&b"\x05READY"[..], &[7; 59]].concat();
        }
        "READY before WELCOME, sealed with an all-zero key" => {
            // Whatever it is sealed with: there is no key yet.
            body = game.server.ready(1, &metadata("ROUTER", b""));
        }
        "server closes after HELLO" => return game.ours.close(),
        _ => {}
    }
    game.send(if case == "WELCOME flags 00" { 0 } else { 4 }, &body);
    if case == "WELCOME twice" {
        game.take_initiate();
        game.welcome();
        assert_eq!(game.ours.take_frame(), None, "there is no second INITIATE");
    }
}

fn play_ready(case: &str, game: &mut Game) {
    if case.starts_with("cookie") {
        game.server.cookie = (0..96).collect();
    }
    game.until_initiate();
    let mut body = game.server.ready(1, &metadata("ROUTER", b""));
    let counter = match case {
        "READY with nonce 0, then MESSAGE nonce 1" => 0,
        "READY nonce 5, MESSAGE nonce 5" => 5,
        _ => 1,
    };
    match case {
        "READY altered" => body[30] ^= 1,
        "READY of 29 octets" => body.truncate(29),
        "READY with empty metadata" => body = game.server.ready(1, b""),
        "READY: Socket-Type PUB" => body = game.server.ready(1, &metadata("PUB", b"")),
        "ERROR 400 in place of READY" => body = b"\x05ERROR\x03400".to_vec(),
        "ERROR with empty reason" => body = b"\x05ERROR\0".to_vec(),
        "ERROR of 6 octets" => body = b"\x05ERROR".to_vec(),
        "ERROR, reason longer than command" => body = b"\x05ERROR\x09400".to_vec(),
        "server closes after INITIATE" => return game.ours.close(),
        _ => body = game.server.ready(counter, &metadata("ROUTER", b"")),
    }
    game.send(4, &body);
    let mut traffic = game.server.traffic();
    match case {
        "READY with nonce 0, then MESSAGE nonce 1" => {
            traffic.next = 1;
            game.send(0, &traffic.message(0, b"first"));
            assert_eq!(game.ours.messages.len(), 1);
        }
        "READY nonce 5, MESSAGE nonce 5" => {
            traffic.next = 5;
            game.send(0, &traffic.message(0, b"first"));
        }
        case if case.starts_with("heartbeat") => ping(game, &mut traffic),
        _ if game.ours.encoder.is_some() => talk(game),
        _ => {}
    }
}

fn ping(game: &mut Game, traffic: &mut Traffic) {
    game.send(0, &traffic.message(2, b"\x04PING\0\x02"));
    let (flags, body) = game.ours.take_frame().unwrap();
    assert_eq!((flags, traffic.open(&body)), (0, (2, b"\x04PONG".to_vec())));
}

fn play_sub(case: &str, game: &mut Game) {
    let minor = if case.ends_with("3.1") { 1 } else { 0 };
    game.greet(&greeting("CURVE", 0, minor));
    game.welcome();
    assert_eq!(game.take_initiate(), metadata("SUB", b""));
    game.ready(1, "XPUB");
    game.ours.connection.cancel(b"topic");
    game.ours.poll();
    let traffic = game.server.traffic();
    let said = [game.ours.take_frame().unwrap(), game.ours.take_frame().unwrap()]
        .map(|(flags, body)| (flags, traffic.open(&body)));
    let expected = match minor {
        1 => [(0, (2, &b"\x09SUBSCRIBEtopic"[..])), (0, (2, b"\x06CANCELtopic"))],
        _ => [(0, (0, &b"\x01topic"[..])), (0, (0, b"\0topic"))],
    };
    assert_eq!(said, expected.map(|(flags, (inner, data))| (flags, (inner, data.to_vec()))));
}

#[test]
fn no_case_is_missing() {
    let listed: Vec<_> =
        CASES.iter().map(|(case, theirs, _)| ((*case).to_owned(), (*theirs).to_owned())).collect();
    assert_eq!(listed, cases("libzmq_client_given"));
    assert_eq!(CASES.len(), 30);
}

#[test]
fn each_ends_as_it_must() {
    for (case, _, expected) in CASES {
        let game = play(case);
        assert_eq!(game.ours.outcome(), *expected, "{case}: {:?}", game.ours.error);
        assert_eq!(game.ours.connection.is_ready(), *expected == Open, "{case}");
    }
}
