//! What libzmq was given as a server (the vectors know what it did), given to ours.

use testkit::curve::{
    self, Client, Keys, OF_CLIENT, OF_SERVER, cases, frame, greeting, metadata, property,
};
use testkit::{hex, vectors};
use zmtp::{Config, Limits, SocketType};

use crate::ours::Outcome::{self, Closed, Open, Refused};
use crate::ours::{Ours, Owner, router};

/// The identity of the client in the vectors.
const IDENTITY: &[u8] = b"\x01\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f";

/// Every case, what libzmq does, and what ours does.
const CASES: &[(&str, &str, Outcome)] = &[
    ("valid: handshake, two-frame message", "open", Open),
    ("wrong server key in HELLO", "closed", Closed),
    ("HELLO truncated to 199", "closed", Closed),
    ("HELLO with 201 octets", "closed", Closed),
    ("HELLO of 6 octets", "closed", Closed),
    ("empty command instead of HELLO", "closed", Closed),
    ("HELLO version 1.1", "closed", Closed),
    ("HELLO version 2.0", "closed", Closed),
    ("HELLO padding not zero", "open", Open),
    // A command of the handshake is a command.
    ("HELLO flags 00 (COMMAND bit not set)", "open", Closed),
    ("HELLO flags 05 (MORE and COMMAND)", "open", Closed),
    ("HELLO in long form", "open", Open),
    ("HELLO with C' = 0 (low order)", "closed", Closed),
    ("PING before HELLO", "closed", Closed),
    ("INITIATE in place of HELLO", "closed", Closed),
    ("ERROR from the client", "closed", Closed),
    ("second HELLO instead of INITIATE", "closed", Closed),
    // Nonces increase, from the first one on.
    ("HELLO nonce 0, INITIATE nonce 0 (not increasing)", "open", Closed),
    ("HELLO nonce 9, INITIATE nonce 3 (decreasing), MESSAGE nonce 4", "open", Closed),
    ("INITIATE: cookie altered", "closed", Closed),
    ("INITIATE: cookie of another connection", "closed", Closed),
    ("INITIATE: 256 octets", "closed", Closed),
    ("INITIATE: vouch by another long-term key", "closed", Closed),
    ("INITIATE: vouch for another C'", "closed", Closed),
    // The whole vouch is checked.
    ("INITIATE: vouch for another S (accepted?)", "open", Closed),
    ("INITIATE flags 00", "open", Closed),
    // As with NULL: there is a `Socket-Type`, of exactly this name, and no identity is too long.
    ("metadata empty", "open", Closed),
    ("metadata: Socket-Type PUSH", "closed", Closed),
    ("metadata: names in lower case", "open", Closed),
    ("metadata: truncated property", "closed", Closed),
    ("metadata: identity of 300 octets", "open", Closed),
    ("metadata: user property X-Foo", "open", Open),
    ("MESSAGE before READY (same segment as INITIATE)", "open", Open),
    ("MESSAGE: replayed octets", "closed", Closed),
    ("MESSAGE: same nonce, other text", "closed", Closed),
    ("MESSAGE: lower nonce", "closed", Closed),
    ("MESSAGE: nonce equal to that of INITIATE (2)", "closed", Closed),
    // A gap means that somebody has left out a message.
    ("MESSAGE: gap in nonce (3 then 1000) accepted?", "open", Closed),
    ("MESSAGE: nonce 2^64-1 then 2^64-1", "closed", Closed),
    ("MESSAGE: box altered", "closed", Closed),
    ("MESSAGE: sealed with the prefix of the other direction", "closed", Closed),
    ("MESSAGE: 32 octets (no flags octet)", "closed", Closed),
    ("MESSAGE: 33 octets (empty frame)", "open", Open),
    ("plain text message frame after READY", "closed", Closed),
    ("plain PING command after READY", "closed", Closed),
    ("sealed PING (inner COMMAND) -> PONG?", "open", Open),
    ("sealed unknown command, then a message", "open", Open),
    // As with NULL.
    ("sealed command with bad name length, then a message", "open", Closed),
    // Flags that are not sealed are anybody's.
    ("MESSAGE with outer COMMAND bit, inner 00 (the RFC spelling)", "open", Closed),
    ("MESSAGE with outer MORE bit set by an attacker, inner 00", "open", Closed),
    ("MESSAGE with reserved inner bits (fc)", "open", Open),
    ("HELLO after READY", "closed", Closed),
    (
        "maxmsgsize 400: a MESSAGE body of 400 octets (367 of data), then one of 401",
        "closed",
        Closed,
    ),
    ("greeting: mechanism NULL", "closed", Closed),
    ("greeting: mechanism \"CURVEX\"", "closed", Closed),
    ("greeting: as-server 1 from the client", "open", Open),
    ("greeting: ZMTP 3.0", "open", Open),
    ("greeting: ZMTP 2.0 (downgrade)", "closed", Closed),
    ("ZMTP 1.0 (unversioned downgrade)", "closed", Closed),
    ("CURVE client to a NULL server", "closed", Closed),
    ("CURVE client to a NULL server: greeting says NULL (server has no CURVE)", "open", Open),
    ("ZAP says 200", "open", Open),
    ("ZAP says 200, domain set", "open", Open),
    ("ZAP says 300", "nothing sent, left open until handshake_ivl", Closed),
    ("ZAP says 400", "ERROR sent, then left open until handshake_ivl", Refused),
    ("ZAP says 500", "ERROR sent, then left open until handshake_ivl", Refused),
    ("ZAP says 401 (no such code)", "closed", Closed),
    ("ZAP says 400, client goes on with a MESSAGE", "closed", Refused),
    ("ZAP answers after 2 s", "open", Open),
    // Where nobody decides, nobody comes in.
    ("no ZAP handler, domain set", "open", Closed),
    ("no ZAP handler, domain set, ZAP_ENFORCE_DOMAIN 1", "closed", Closed),
    ("no ZAP handler, no domain, ZAP_ENFORCE_DOMAIN 1", "open", Closed),
    ("long-term client key = 0 (low order), no ZAP", "closed", Closed),
    ("handshake timeout 500 ms: nothing after greeting", "closed after handshake_ivl", Closed),
];

/// A client by hand, and our server.
struct Game {
    client: Client,
    ours: Ours,
}

impl Game {
    fn new(config: &Config) -> Self {
        Self { client: Client::new(), ours: Ours::new(config) }
    }

    fn send(&mut self, flags: u8, body: &[u8]) {
        self.ours.receive(&frame(flags, body));
    }

    fn greet(&mut self) {
        self.ours.receive(&greeting("CURVE", 0, 1));
        assert_eq!(self.ours.take_greeting(), greeting("CURVE", 0, 1));
    }

    /// Sends this body as HELLO, in the usual way.
    fn hello(&mut self, body: &[u8]) {
        self.greet();
        self.send(4, body);
    }

    /// Goes on until INITIATE is due.
    fn until_welcome(&mut self) {
        let hello = self.client.hello(1);
        self.hello(&hello);
        self.take_welcome();
    }

    fn take_welcome(&mut self) {
        let (flags, body) = self.ours.take_frame().unwrap();
        assert_eq!(flags, 4);
        self.client.take_welcome(&body);
    }

    fn metadata() -> Vec<u8> {
        metadata("DEALER", IDENTITY)
    }

    /// Sends an INITIATE that is right but for this.
    fn initiate(&mut self, change: impl FnOnce(&mut curve::Initiate)) {
        self.until_welcome();
        let mut parts = self.client.initiate(Self::metadata());
        change(&mut parts);
        let body = self.client.seal_initiate(&parts);
        self.send(4, &body);
    }

    /// Goes on until both are ready.
    fn until_ready(&mut self) -> curve::Traffic {
        self.initiate(|_| {});
        self.take_ready()
    }

    fn take_ready(&mut self) -> curve::Traffic {
        let (flags, body) = self.ours.take_frame().unwrap();
        assert_eq!((flags, body.len()), (4, 65));
        let said = self.client.open_ready(&body);
        assert_eq!(said, [metadata("ROUTER", b""), property("Identity", b"")].concat());
        self.client.traffic()
    }

    /// Sends messages with these nonces.
    fn messages(&mut self, counters: &[u64]) {
        let traffic = self.until_ready();
        for (counter, text) in counters.iter().zip([b"one", b"two"]) {
            let body = traffic.message_with(OF_CLIENT, *counter, 0, text);
            self.send(0, &body);
        }
    }
}

fn play(case: &str) -> Game {
    let mut game = Game::new(&match case {
        case if case.starts_with("CURVE client to a NULL server") => {
            Config::new(SocketType::Router)
        }
        case if case.starts_with("maxmsgsize") => {
            router().with_limits(Limits { frame: 367, command: 300, ..Limits::default() })
        }
        _ => router(),
    });
    game.ours.owner = match case {
        "ZAP says 300" | "ZAP says 401 (no such code)" => Owner::Closes,
        "ZAP answers after 2 s" => Owner::Hesitates,
        case if case.starts_with("no ZAP") => Owner::Hesitates,
        case if case.starts_with("ZAP says 400") || case == "ZAP says 500" => Owner::Refuses,
        _ => Owner::Admits,
    };
    if case.starts_with("HELLO") && !case.contains("nonce") && !case.contains("after")
        || case.contains("HELLO") && !case.starts_with("HELLO")
        || case == "ERROR from the client"
    {
        play_hello(case, &mut game);
    } else if case.starts_with("MESSAGE:") {
        play_nonces(case, &mut game);
    } else if case.contains("INITIATE") || case.contains("nonce") || case.starts_with("metadata") {
        play_initiate(case, &mut game);
    } else if case.contains("greeting") || case.contains("ZMTP") || case.contains("NULL") {
        play_greeting(case, &mut game);
    } else {
        play_rest(case, &mut game);
    }
    game
}

fn play_greeting(case: &str, game: &mut Game) {
    match case {
        "greeting: mechanism NULL" => game.ours.receive(&greeting("NULL", 0, 1)),
        "greeting: mechanism \"CURVEX\"" => game.ours.receive(&greeting("CURVEX", 0, 1)),
        "CURVE client to a NULL server" => game.ours.receive(&greeting("CURVE", 0, 1)),
        "greeting: ZMTP 2.0 (downgrade)" => {
            game.ours.receive(b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x05\0\0\0\x05plain");
        }
        "ZMTP 1.0 (unversioned downgrade)" => game.ours.receive(b"\x01\0\x06\0plain"),
        "handshake timeout 500 ms: nothing after greeting" => {
            game.greet();
            game.ours.time_out();
        }
        "CURVE client to a NULL server: greeting says NULL (server has no CURVE)" => {
            game.ours.receive(&greeting("NULL", 0, 1));
            let ready = [&b"\x05READY"[..], &Game::metadata()].concat();
            game.send(4, &ready);
            game.send(0, b"plain");
        }
        _ => {
            let (as_server, minor) = if case.ends_with("3.0") { (0, 0) } else { (1, 1) };
            game.ours.receive(&greeting("CURVE", as_server, minor));
            game.ours.take_greeting();
            let hello = game.client.hello(1);
            game.send(4, &hello);
            game.take_welcome();
            let initiate = game.client.seal_initiate(&game.client.initiate(Game::metadata()));
            game.send(4, &initiate);
            let mut traffic = game.take_ready();
            game.send(0, &traffic.message(0, b"x"));
        }
    }
}

fn play_hello(case: &str, game: &mut Game) {
    let mut hello = game.client.hello(1);
    match case {
        "wrong server key in HELLO" => {
            game.client.server = Keys::named("other_server").public;
            hello = game.client.hello(1);
        }
        "HELLO truncated to 199" => hello.truncate(199),
        "HELLO with 201 octets" => hello.push(0),
        "HELLO of 6 octets" => hello.truncate(6),
        "empty command instead of HELLO" => hello.clear(),
        "HELLO version 1.1" => hello[7] = 1,
        "HELLO version 2.0" => hello[6] = 2,
        "HELLO padding not zero" => hello[8..80].fill(0xff),
        "HELLO with C' = 0 (low order)" => hello[80..112].fill(0),
        "PING before HELLO" => hello = b"\x04PING\0\0".to_vec(),
        "ERROR from the client" => hello = b"\x05ERROR\x03400".to_vec(),
        "INITIATE in place of HELLO" => {
            hello = [&b"\x08INITIATE"[..], &[0; 255]].concat();
        }
        _ => {}
    }
    match case {
        "HELLO flags 00 (COMMAND bit not set)" => {
            game.greet();
            game.send(0, &hello);
        }
        "HELLO flags 05 (MORE and COMMAND)" => {
            game.greet();
            game.send(5, &hello);
        }
        "HELLO in long form" => {
            game.greet();
            let long = [&[6, 0, 0, 0, 0, 0, 0, 0, 200][..], &hello].concat();
            game.ours.receive(&long);
        }
        _ => game.hello(&hello),
    }
    if case == "second HELLO instead of INITIATE" {
        game.take_welcome();
        game.send(4, &hello);
    }
    if game.ours.error.is_none() {
        game.take_welcome();
    }
}

fn play_initiate(case: &str, game: &mut Game) {
    let other = Keys::named("imposter");
    match case {
        "INITIATE flags 00" => {
            game.until_welcome();
            let body = game.client.seal_initiate(&game.client.initiate(Game::metadata()));
            game.send(0, &body);
        }
        "HELLO nonce 0, INITIATE nonce 0 (not increasing)"
        | "HELLO nonce 9, INITIATE nonce 3 (decreasing), MESSAGE nonce 4" => {
            let (first, second) = if case.contains("9") { (9, 3) } else { (0, 0) };
            let hello = game.client.hello(first);
            game.hello(&hello);
            game.take_welcome();
            let mut parts = game.client.initiate(Game::metadata());
            parts.counter = second;
            let body = game.client.seal_initiate(&parts);
            game.send(4, &body);
        }
        "INITIATE: 256 octets" => {
            game.until_welcome();
            let parts = game.client.initiate(Vec::new());
            let mut body = game.client.seal_initiate(&parts);
            body.truncate(256);
            game.send(4, &body);
        }
        "INITIATE: cookie of another connection" => {
            let mut another = Game::new(&router());
            another.until_welcome();
            let cookie = another.client.welcome.1;
            game.initiate(|parts| parts.cookie = cookie);
        }
        "MESSAGE before READY (same segment as INITIATE)" => {
            game.until_welcome();
            let parts = game.client.initiate(Game::metadata());
            let initiate = frame(4, &game.client.seal_initiate(&parts));
            let message = frame(0, &game.client.traffic().message(0, b"early"));
            game.ours.receive(&[initiate, message].concat());
            game.take_ready();
            return;
        }
        _ => game.initiate(|parts| match case {
            "INITIATE: cookie altered" => parts.cookie[50] ^= 1,
            "INITIATE: vouch by another long-term key" => parts.vouch_secret = other.secret,
            "INITIATE: vouch for another C'" => parts.vouched[..32].copy_from_slice(&other.public),
            "INITIATE: vouch for another S (accepted?)" => parts.vouched[32..].fill(0),
            "metadata empty" => parts.metadata.clear(),
            "metadata: Socket-Type PUSH" => parts.metadata = metadata("PUSH", b""),
            "metadata: names in lower case" => {
                parts.metadata =
                    [property("socket-type", b"DEALER"), property("identity", IDENTITY)].concat();
            }
            "metadata: truncated property" => drop(parts.metadata.pop()),
            "metadata: identity of 300 octets" => parts.metadata = metadata("DEALER", &[1; 300]),
            "metadata: user property X-Foo" => parts.metadata.extend(property("X-Foo", b"bar")),
            other => panic!("{other}"),
        }),
    }
    if game.ours.error.is_none() {
        let mut traffic = game.take_ready();
        game.send(0, &traffic.message(0, b"x"));
    }
}

fn play_nonces(case: &str, game: &mut Game) {
    match case {
        "MESSAGE: same nonce, other text" => game.messages(&[3, 3]),
        "MESSAGE: lower nonce" => game.messages(&[3, 2]),
        "MESSAGE: nonce equal to that of INITIATE (2)" => game.messages(&[2]),
        "MESSAGE: gap in nonce (3 then 1000) accepted?" => game.messages(&[3, 1000]),
        "MESSAGE: nonce 2^64-1 then 2^64-1" => game.messages(&[u64::MAX, u64::MAX]),
        _ => {
            let mut traffic = game.until_ready();
            let mut body = traffic.message(0, b"once");
            match case {
                "MESSAGE: replayed octets" => game.send(0, &body),
                "MESSAGE: box altered" => body[20] ^= 1,
                "MESSAGE: sealed with the prefix of the other direction" => {
                    body = traffic.message_with(OF_SERVER, 3, 0, b"once");
                }
                "MESSAGE: 32 octets (no flags octet)" => body.truncate(32),
                "MESSAGE: 33 octets (empty frame)" => {
                    body = traffic.message_with(OF_CLIENT, 3, 0, b"");
                }
                other => panic!("{other}"),
            }
            game.send(0, &body);
        }
    }
}

fn play_rest(case: &str, game: &mut Game) {
    match case {
        "long-term client key = 0 (low order), no ZAP" => {
            game.initiate(|parts| parts.client = [0; 32]);
            return;
        }
        "ZAP says 400, client goes on with a MESSAGE" => {
            game.initiate(|_| {});
            assert_eq!(game.ours.take_frame(), Some((4, b"\x05ERROR\x03400".to_vec())));
            let body = game.client.traffic().message(0, b"x");
            game.send(0, &body);
            return;
        }
        _ => game.initiate(|_| {}),
    }
    match game.ours.owner {
        Owner::Refuses => {
            assert_eq!(game.ours.take_frame(), Some((4, b"\x05ERROR\x03400".to_vec())));
            return;
        }
        Owner::Closes => return,
        Owner::Hesitates if case.starts_with("no ZAP") => return game.ours.time_out(),
        Owner::Hesitates => {
            game.ours.connection.admit();
            game.ours.poll();
        }
        Owner::Admits => {}
    }
    play_traffic(case, game);
}

fn play_traffic(case: &str, game: &mut Game) {
    let mut traffic = game.take_ready();
    match case {
        "valid: handshake, two-frame message" => {
            game.send(0, &traffic.message(1, b"hi"));
            game.send(0, &traffic.message(0, b"there"));
        }
        "plain text message frame after READY" => game.send(0, b"plain text"),
        "plain PING command after READY" => game.send(4, b"\x04PING\0\0"),
        "HELLO after READY" => {
            let hello = game.client.hello(9);
            game.send(4, &hello);
        }
        "sealed PING (inner COMMAND) -> PONG?" => {
            game.send(0, &traffic.message(2, b"\x04PING\0\x64ctx"));
            let (flags, body) = game.ours.take_frame().unwrap();
            assert_eq!((flags, traffic.open(&body)), (0, (2, b"\x04PONGctx".to_vec())));
        }
        "sealed unknown command, then a message" => {
            game.send(0, &traffic.message(2, b"\x03FOObar"));
            game.send(0, &traffic.message(0, b"after"));
        }
        "sealed command with bad name length, then a message" => {
            game.send(0, &traffic.message(2, b"\x09FOO"));
            game.send(0, &traffic.message(0, b"after"));
        }
        "MESSAGE with outer COMMAND bit, inner 00 (the RFC spelling)" => {
            game.send(4, &traffic.message(0, b"rfc"));
            game.send(0, &traffic.message(0, b"after"));
        }
        "MESSAGE with outer MORE bit set by an attacker, inner 00" => {
            game.send(1, &traffic.message(0, b"one"));
            game.send(0, &traffic.message(0, b"two"));
        }
        "MESSAGE with reserved inner bits (fc)" => {
            game.send(0, &traffic.message(0xfc, b"one"));
            game.send(0, &traffic.message(0, b"two"));
        }
        case if case.starts_with("maxmsgsize") => {
            game.send(0, &traffic.message(0, &[b'a'; 367]));
            assert_eq!(game.ours.outcome(), Open);
            game.send(0, &traffic.message(0, &[b'b'; 368]));
        }
        _ => game.send(0, &traffic.message(0, b"x")),
    }
}

#[test]
fn no_case_is_missing() {
    let listed: Vec<_> =
        CASES.iter().map(|(case, theirs, _)| ((*case).to_owned(), (*theirs).to_owned())).collect();
    assert_eq!(listed, cases("libzmq_server_given"));
    assert_eq!(CASES.len(), 74);
}

#[test]
fn each_ends_as_it_must() {
    let vectors = vectors::curve();
    let given = vectors["libzmq_server_given"]["cases"].as_array().unwrap();
    for ((case, _, expected), known) in CASES.iter().zip(given) {
        let game = play(case);
        assert_eq!(game.ours.outcome(), *expected, "{case}: {:?}", game.ours.error);
        if *expected != Open {
            continue;
        }
        // What libzmq has heard, without the identity, ours hears as well.
        let theirs: Vec<Vec<Vec<u8>>> = known["received"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| {
                let frames = message.as_array().unwrap();
                frames[1..].iter().map(|frame| hex::decode(frame.as_str().unwrap())).collect()
            })
            .collect();
        let ours: Vec<Vec<Vec<u8>>> = game
            .ours
            .messages
            .iter()
            .map(|message| message.frames().iter().map(|frame| frame.to_vec()).collect())
            .collect();
        assert_eq!(ours, theirs, "{case}");
    }
}

#[test]
fn who_is_not_let_in_hears_nothing_of_the_server() {
    for (case, _, expected) in CASES {
        let ours = play(case).ours;
        // With NULL everybody hears it.
        if ours.encoder.is_none() && !case.contains("NULL server") {
            assert!(!ours.has_said(b"READY"), "{case}");
            assert_eq!(ours.has_said(b"ERROR"), *expected == Refused, "{case}");
        }
    }
}
