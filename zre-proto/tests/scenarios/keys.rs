//! Secure nodes: an id belongs to the key that has greeted in its name, and nothing is said to, or
//! believed of, anybody with another one.

use zre_proto::message::{Command, Hello, Message};
use zre_proto::{
    Action, ActionError, Config, ConnId, Content, Endpoint, HostEndpoint, Input, Loss,
    MessageLimits, Output, PUBLIC_KEY_HEADER, UnreachableReason,
};

use crate::common::{endpoint, id, key};
use crate::solo::{Solo, hello};

/// Where node `n` is, or is said to be, with a key.
fn at(n: u8, of: u8) -> Endpoint {
    endpoint(n).with_key(Some(key(of)))
}

fn secure(n: u8) -> Solo {
    Solo::with(Config { key: Some(key(n)), ..Config::new(id(n), endpoint(n)) })
}

impl Solo {
    /// Node `n` is said to be at its endpoint, with its key.
    fn secure_beacon(&mut self, n: u8) {
        self.beacon_at(n, at(n, n));
    }

    /// Somebody has proved the key of one node, and says HELLO in the name of another: where that is,
    /// and with a key in a header, if it is told.
    fn hello_by(&mut self, n: u8, of: u8, told: Option<&str>) -> ConnId {
        let conn = self.prove(n, key(of));
        let place = endpoint(n).to_string();
        let headers = told.map(|told| (PUBLIC_KEY_HEADER.as_bytes(), told.as_bytes()));
        let greeting = Hello { headers: headers.into_iter().collect(), ..hello(&place) };
        if n == of && told.is_none_or(|told| told == key(of).to_string()) {
            self.goes_on(n, conn);
        }
        if self.is_open_mailbox(conn) {
            self.say_on(n, conn, 1, Command::Hello(greeting));
        }
        conn
    }

    fn say_on(&mut self, n: u8, conn: ConnId, sequence: u16, command: Command<'_>) {
        let header = Message { sequence, command }.encode();
        self.raw(n, conn, &header, Content::none());
    }

    /// A two-way connection comes to the mailbox, in the name of node `n` and with a key.
    fn accept_by(&mut self, n: u8, of: u8) -> ConnId {
        let conn = self.prove(n, key(of));
        if self.is_open_mailbox(conn) {
            self.two_way_up(n, conn);
        }
        conn
    }

    /// Whether a connection to the mailbox was not closed since anything was last asked.
    fn is_open_mailbox(&self, conn: ConnId) -> bool {
        let ConnId::Accepted(number) = conn else { return false };
        !self.has_done(&format!("close mailbox {number}"))
    }

    fn conflicts(&self) -> u64 {
        self.engine.stats().key_conflicts
    }
}

/// Node 1, which has met node 2 by a connection each way, as with the C library; and the one by which
/// it hears it.
fn met() -> (Solo, ConnId) {
    let mut solo = secure(1);
    solo.secure_beacon(2);
    solo.up(2);
    let conn = solo.hello_by(2, 2, Some(&key(2).to_string()));
    assert_eq!(
        solo.trace(),
        [
            "connect 2 at ".to_owned() + &at(2, 2).to_string(),
            "send 2 hello 1".to_owned(),
            "ENTER 2".to_owned()
        ]
    );
    (solo, conn)
}

/// Node 1, or node 9, with a two-way connection with node 2 on which nothing was heard.
fn connected_two_way(n: u8, accepted: bool) -> (Solo, ConnId) {
    let mut solo = secure(n);
    let conn = if accepted {
        solo.accept_by(2, 2)
    } else {
        solo.secure_beacon(2);
        solo.up_two_way(2)
    };
    (solo, conn)
}

/// Node 1, or node 9, which has met node 2 on a two-way connection.
fn met_two_way(n: u8, accepted: bool) -> (Solo, ConnId) {
    let (mut solo, conn) = connected_two_way(n, accepted);
    solo.hello_on(2, conn);
    assert_eq!(solo.events(), ["ENTER 2"]);
    (solo, conn)
}

fn all_met() -> Vec<(Solo, ConnId)> {
    let two_way = [(1, true), (1, false), (9, true), (9, false)];
    let mut all: Vec<_> = two_way.map(|(n, accepted)| met_two_way(n, accepted)).into();
    all.push(met());
    all
}

#[test]
fn a_peer_is_known_by_its_key() {
    for (solo, _) in all_met() {
        let info = solo.engine.peer(id(2)).unwrap();
        assert_eq!(info.endpoint, at(2, 2));
        assert_eq!(solo.engine.key_of(id(2)), Some(key(2)));
        assert_eq!(solo.engine.key_of(id(3)), None);
        assert_eq!(solo.conflicts(), 0);
    }
}

#[test]
fn hello_tells_the_key_whatever_the_application_has_set() {
    let mut solo = secure(1);
    let header = Action::SetHeader { name: PUBLIC_KEY_HEADER, value: "mine" };
    assert_eq!(solo.act(header), Ok(()));
    solo.secure_beacon(2);
    solo.up(2);
    let outputs = solo.outputs();
    let said = outputs.iter().find_map(|output| match output {
        Output::Send { header, .. } => Some(header.clone()),
        _ => None,
    });
    let said = said.unwrap();
    let message = Message::decode(&said, &MessageLimits::default()).unwrap();
    let Command::Hello(hello) = message.command else { panic!("{message:?}") };
    let told: Vec<_> =
        hello.headers.iter().filter(|(name, _)| *name == PUBLIC_KEY_HEADER.as_bytes()).collect();
    assert_eq!(told, [&(PUBLIC_KEY_HEADER.as_bytes(), key(1).to_string().as_bytes())]);
    assert_eq!(hello.endpoint, endpoint(1).to_string().as_bytes(), "without the key");
}

// Who is not as this node is.

#[test]
fn a_secure_node_has_to_do_with_secure_nodes_only_and_a_plain_one_with_plain_ones() {
    let mut solo = secure(1);
    solo.beacon(2);
    solo.handle(Input::Candidate { peer: id(2), endpoint: endpoint(2) });
    solo.handle(Input::Rumour { peer: id(2), endpoint: endpoint(2) });
    assert!(solo.trace().is_empty());
    assert_eq!(solo.engine.stats().other_security, 3);
    assert!(!solo.engine.has_heard_of(id(2)));

    let mut solo = Solo::met();
    solo.beacon_at(3, at(3, 3));
    solo.goodbye_with(2, Some(key(2)));
    solo.wait(1_000);
    assert!(solo.trace().is_empty());
    assert_eq!(solo.engine.stats().other_security, 2);
}

#[test]
fn a_plain_goodbye_ends_no_secure_peer() {
    for (mut solo, _) in all_met() {
        solo.goodbye(2);
        solo.wait(1_000);
        assert!(solo.trace().is_empty());
        assert_eq!(solo.engine.stats().other_security, 1);
    }
}

#[test]
fn a_connection_without_a_proven_key_is_closed() {
    let mut solo = secure(1);
    let conn = solo.accept(2);
    assert_eq!(solo.trace(), ["close mailbox 1"]);
    let conn = ConnId::Accepted(if let ConnId::Accepted(n) = conn { n + 1 } else { 0 });
    solo.say_on(2, conn, 1, Command::Hello(hello(&endpoint(2).to_string())));
    assert_eq!(solo.trace(), ["close mailbox 2"]);
    assert_eq!(solo.conflicts(), 2);
}

// Forged claims.

#[test]
fn what_is_meant_for_a_peer_never_goes_to_the_key_of_a_forged_beacon() {
    // Node 3 is trusted, and says that node 2 is where it is itself, before node 2 is met.
    let mut solo = secure(1);
    solo.beacon_at(2, at(3, 3));
    solo.up(2);
    assert_eq!(solo.trace()[1], "send 2 hello 1", "node 3 gets what every trusted node gets");
    let forged = solo.link(2);
    solo.hello_by(2, 2, None);
    let trace = solo.trace();
    assert_eq!(
        trace,
        [format!("close 2 at {}", at(3, 3)), format!("connect 2 at {}", at(2, 2)),],
        "what was proved counts"
    );
    solo.up(2);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"]);
    assert_eq!(solo.act(Action::Whisper { peer: id(2), content: "for 2".into() }), Ok(()));
    assert_ne!(solo.engine.speaks_on(id(2)), Some(forged));
}

#[test]
fn a_forged_claim_does_not_take_the_place_of_a_true_one() {
    let mut solo = secure(1);
    solo.secure_beacon(2);
    solo.beacon_at(2, at(2, 3));
    solo.beacon_at(2, at(7, 3));
    // Two are tried at a time, the first of them the true one.
    assert_eq!(solo.trace().len(), 2);
    let conn = solo.link_at(2, at(2, 2));
    solo.two_way_up(2, conn);
    solo.hello_on(2, conn);
    assert_eq!(solo.events(), ["ENTER 2"]);
    assert_eq!(solo.dials(2), [conn], "nobody else is dialled for it any more");
}

#[test]
fn a_claim_with_another_key_is_not_believed_of_a_peer_that_is_known() {
    for (mut solo, _) in all_met() {
        for _ in 0..60 {
            solo.wait(1_000);
            solo.secure_beacon(2);
            solo.ping_ok_if_asked();
            solo.trace();
            solo.beacon_at(2, at(3, 3));
            solo.beacon_at(2, at(2, 3));
            solo.goodbye_with(2, Some(key(3)));
            solo.handle(Input::Rumour { peer: id(2), endpoint: at(3, 3) });
            assert!(solo.trace().is_empty());
        }
        assert_eq!(solo.conflicts(), 240);
    }
}

impl Solo {
    fn ping_ok_if_asked(&mut self) {
        if self.trace().iter().any(|line| line.contains(" ping ")) {
            self.ping_ok(2);
        }
    }
}

#[test]
fn a_goodbye_with_the_peer_s_own_key_is_a_claim() {
    for (mut solo, _) in all_met() {
        solo.goodbye_with(2, Some(key(2)));
        assert_eq!(solo.trace().len(), 1, "a PING");
        solo.ping_ok(2);
        solo.wait(1_000);
        assert!(solo.events().is_empty());
    }
}

#[test]
fn a_beacon_in_the_node_s_own_name_leads_nowhere() {
    let mut solo = secure(1);
    solo.beacon_at(1, at(3, 3));
    assert!(solo.trace().is_empty());
    assert_eq!(solo.engine.stats().own, 1);
}

// Connections in the name of others.

#[test]
fn nobody_speaks_in_the_name_of_a_peer_with_another_key() {
    for (mut solo, _) in all_met() {
        for two_way in [true, false] {
            let conn = if two_way { solo.accept_by(2, 3) } else { solo.hello_by(2, 3, None) };
            let ConnId::Accepted(number) = conn else { panic!("{conn:?}") };
            assert_eq!(solo.trace(), [format!("close mailbox {number}")]);
        }
        solo.wait(1_000);
        assert!(solo.events().is_empty());
        solo.whisper(2, "still here");
        assert_eq!(solo.events(), ["WHISPER 2 still here"]);
        assert!(solo.conflicts() >= 2);
    }
}

#[test]
fn who_greets_first_has_the_id() {
    let mut solo = secure(9);
    solo.accept_by(2, 2);
    let second = solo.accept_by(2, 3);
    assert!(solo.trace().is_empty());
    solo.hello_on(2, second);
    let trace = solo.trace();
    assert_eq!(trace, ["close mailbox 1", "send 2 hello 1 by mailbox 2", "ENTER 2"]);
    assert_eq!(solo.engine.peer(id(2)).unwrap().endpoint.key(), Some(key(3)));
}

#[test]
fn an_id_stays_that_of_its_key_for_a_minute() {
    for (mut solo, _) in all_met() {
        solo.say(2, Command::Goodbye);
        assert_eq!(solo.events(), ["EXIT 2 goodbye"]);
        solo.wait(59_999);
        solo.accept_by(2, 3);
        solo.hello_by(2, 3, None);
        solo.beacon_at(2, at(3, 3));
        assert_eq!(solo.conflicts(), 3);
        assert!(!solo.trace().iter().any(|line| line.starts_with("connect")));
        solo.wait(1);
        solo.beacon_at(2, at(3, 3));
        assert_eq!(solo.trace(), [format!("connect 2 at {}", at(3, 3))]);
    }
}

#[test]
fn an_id_stays_that_of_its_key_while_the_peer_comes_back() {
    for (mut solo, conn) in all_met() {
        for lost in [solo.engine.speaks_on(id(2)).unwrap(), conn] {
            solo.link_lost(2, lost);
        }
        solo.wait(300);
        assert_eq!(solo.events(), ["EXIT 2 link lost"]);
        for _ in 0..3 {
            solo.wait(50_000);
            solo.hello_by(2, 2, None);
            solo.hello_by(2, 3, None);
        }
        assert!(solo.conflicts() >= 3);
    }
}

#[test]
fn an_id_stays_that_of_its_key_when_the_peer_is_back_before_its_exit() {
    let two_way = [true, false].map(|accepted| {
        let (mut solo, conn) = met_two_way(9, accepted);
        solo.handle(Input::Broken { peer: id(2), conn });
        let again = solo.accept_by(2, 2);
        solo.hello_on(2, again);
        assert_eq!(solo.events(), ["EXIT 2 link lost", "ENTER 2"]);
        solo
    });
    let (mut plain, _) = met();
    plain.link_lost(2, plain.link(2));
    plain.hello_by(2, 2, None);
    plain.up(2);
    assert_eq!(plain.events(), ["EXIT 2 link lost", "ENTER 2"]);
    for mut solo in two_way.into_iter().chain([plain]) {
        for _ in 0..120 {
            solo.wait(1_000);
            solo.secure_beacon(2);
            solo.ping_ok_if_asked();
        }
        solo.trace();
        solo.beacon_at(2, at(3, 3));
        assert!(solo.trace().is_empty());
        let ConnId::Accepted(number) = solo.accept_by(2, 3) else { panic!("it was accepted") };
        assert_eq!(solo.trace(), [format!("close mailbox {number}")]);
        assert!(solo.conflicts() >= 2);
    }
}

#[test]
fn a_hello_that_tells_another_key_than_was_proved_is_refused() {
    for told in ["", "junk", &"?".repeat(40), &"|".repeat(40), &key(3).to_string()] {
        let mut solo = secure(1);
        solo.hello_by(2, 2, Some(told));
        assert_eq!(solo.trace(), ["close mailbox 1"], "{told}");
        assert_eq!(solo.conflicts(), 1);

        // On the peer's own connection it would be a second one, and elsewhere it is put to the test.
        let (mut solo, _) = met();
        solo.hello_by(2, 2, Some(told));
        solo.ping_ok(2);
        assert_eq!(solo.trace(), ["send 2 ping 2", "close mailbox 2"], "{told}");

        // On two-way connections, dialled by either side, and either side speaks first.
        for (n, accepted) in [(1, true), (1, false), (9, true), (9, false)] {
            let (mut solo, conn) = connected_two_way(n, accepted);
            solo.trace();
            let place = endpoint(2).to_string();
            let headers = [(PUBLIC_KEY_HEADER.as_bytes(), told.as_bytes())].into_iter().collect();
            let greeting = Command::Hello(Hello { headers, ..hello(&place) });
            solo.say_on(2, conn, 1, greeting);
            let trace = solo.trace();
            assert!(trace[0].starts_with("close"), "{told}: {trace:?}");
            assert!(!trace.iter().any(|line| line.starts_with("ENTER")), "{told}: {trace:?}");
            assert_eq!(solo.conflicts(), 1);
        }
    }
}

#[test]
fn the_two_directions_have_to_have_one_key() {
    // The link leads to node 3, which answers in its own name; nobody greets as node 2.
    let mut solo = secure(1);
    solo.beacon_at(2, at(3, 3));
    solo.up(2);
    solo.hello_by(3, 3, None);
    solo.wait(60_000);
    let events = solo.events();
    assert!(!events.iter().any(|event| event.starts_with("ENTER 2")), "{events:?}");
}

// What the application requires.

#[test]
fn a_secure_node_is_required_with_its_key() {
    let mut solo = secure(1);
    let plain: HostEndpoint = endpoint(2).into();
    let named: HostEndpoint = "server.example:49152".parse().unwrap();
    let refused = Err(ActionError::NoKey);
    assert_eq!(solo.act(Action::Require { peer: id(2), endpoint: endpoint(2) }), refused);
    for endpoint in [plain, named] {
        assert_eq!(solo.act(Action::RequireEndpoint { endpoint, peer: None }), refused);
    }
    assert_eq!(solo.act(Action::Require { peer: id(2), endpoint: at(2, 2) }), Ok(()));
    assert_eq!(solo.trace(), [format!("connect 2 at {}", at(2, 2))]);

    let mut solo = Solo::new();
    let refused = Err(ActionError::UselessKey);
    assert_eq!(solo.act(Action::Require { peer: id(2), endpoint: at(2, 2) }), refused);
}

#[test]
fn a_name_leads_to_the_key_that_stands_with_it() {
    let mut solo = secure(1);
    let named: HostEndpoint = format!("server.example:49152|{}", key(2)).parse().unwrap();
    let require = Action::RequireEndpoint { endpoint: named.clone(), peer: None };
    assert_eq!(solo.act(require), Ok(()));
    assert_eq!(solo.trace(), [format!("resolve {named}")]);
    solo.handle(Input::Resolved { endpoint: &named, addresses: &[endpoint(2)] });
    assert_eq!(solo.trace(), [format!("scout {}", at(2, 2))]);
    let conn = solo.scout_finds(at(2, 2), 2, true);
    solo.hello_on(2, conn);
    assert_eq!(solo.events(), ["ENTER 2"]);
}

#[test]
fn a_scout_that_finds_a_peer_s_id_under_another_key_has_found_nobody() {
    let (mut solo, _) = met_two_way(1, true);
    let endpoint = HostEndpoint::from(at(3, 3));
    assert_eq!(solo.act(Action::RequireEndpoint { endpoint, peer: None }), Ok(()));
    solo.trace();
    solo.scout_finds(at(3, 3), 2, true);
    let trace = solo.trace();
    assert!(trace[0].starts_with("close"), "{trace:?}");
    let told = format!("UNREACHABLE {} {}", at(3, 3), UnreachableReason::AnotherNode);
    assert_eq!(trace[1..], [told]);
    assert_eq!(solo.conflicts(), 1);
}

#[test]
fn nobody_else_answers_a_scout() {
    let mut solo = secure(1);
    let endpoint = HostEndpoint::from(at(2, 2));
    assert_eq!(solo.act(Action::RequireEndpoint { endpoint, peer: None }), Ok(()));
    solo.scout_up(at(2, 2));
    solo.trace();
    // From the same address and with the same endpoint.
    solo.hello_by(2, 3, None);
    let trace = solo.trace();
    assert!(!trace.contains(&"identified 2".to_owned()), "{trace:?}");

    let mut solo = secure(1);
    let endpoint = HostEndpoint::from(at(2, 2));
    assert_eq!(solo.act(Action::RequireEndpoint { endpoint, peer: None }), Ok(()));
    solo.scout_up(at(2, 2));
    solo.trace();
    solo.hello_by(2, 2, None);
    assert_eq!(solo.trace(), ["identified 2", "ENTER 2"]);
}

// Trust that ends.

#[test]
fn a_peer_whose_key_is_not_trusted_any_more_goes_at_once() {
    for (mut solo, _) in all_met() {
        let conns = [solo.engine.speaks_on(id(2)).unwrap(), solo.conn_heard(2)];
        assert_eq!(solo.act(Action::Distrust(key(3))), Ok(()));
        assert!(solo.trace().is_empty());
        assert_eq!(solo.act(Action::Distrust(key(2))), Ok(()));
        let trace = solo.trace();
        assert_eq!(trace[0], "EXIT 2 distrusted");
        let different = if conns[0] == conns[1] { 1 } else { 2 };
        assert_eq!(trace[1..].iter().filter(|line| line.starts_with("close")).count(), different);
        solo.wait(100_000);
        assert!(solo.trace().is_empty(), "nobody is dialled");
        // Trusted again, it is as new.
        solo.secure_beacon(2);
        assert_eq!(solo.trace(), [format!("connect 2 at {}", at(2, 2))]);
    }
}

impl Solo {
    /// The connection on which a peer is heard.
    fn conn_heard(&self, n: u8) -> ConnId {
        let spoken = self.engine.speaks_on(id(n)).unwrap();
        let heard = |conn: &ConnId| self.engine.hears(id(n), *conn);
        let accepted = (0..9).map(ConnId::Accepted);
        accepted.chain([spoken]).find(heard).unwrap()
    }
}

#[test]
fn nothing_that_leads_to_a_key_outlives_its_trust() {
    let mut solo = secure(9);
    // A dial, a greeting that is not answered, a silent connection, a scout, and a requirement.
    solo.secure_beacon(2);
    solo.beacon_at(3, at(3, 2));
    solo.up(3);
    let spare = solo.accept_by(4, 2);
    let silent = solo.prove(8, key(2));
    let scouted = HostEndpoint::from(at(5, 2));
    assert_eq!(solo.act(Action::RequireEndpoint { endpoint: scouted, peer: None }), Ok(()));
    assert_eq!(solo.act(Action::Require { peer: id(6), endpoint: at(6, 2) }), Ok(()));
    let others = solo.accept_by(7, 7);
    solo.trace();
    assert_eq!(solo.act(Action::Distrust(key(2))), Ok(()));
    let mut closed = solo.trace();
    closed.sort();
    let by = |conn: ConnId| match conn {
        ConnId::Accepted(number) => format!("close mailbox {number}"),
        ConnId::Dialled(_) => panic!("{conn:?}"),
    };
    let mut expected = vec![
        format!("close 0 at {}", at(5, 2)),
        format!("close 2 at {}", at(2, 2)),
        format!("close 3 at {}", at(3, 2)),
        format!("close 6 at {}", at(6, 2)),
        by(spare),
        by(silent),
    ];
    expected.sort();
    assert_eq!(closed, expected);
    assert_eq!(solo.engine.required().count(), 0);
    solo.wait(100_000);
    assert!(solo.trace().is_empty());
    solo.hello_on(7, others);
    assert_eq!(solo.events(), ["ENTER 7"], "others are as they were");
}

#[test]
fn a_scout_without_end_is_forgotten_with_its_key() {
    let mut solo = secure(1);
    let endpoint = HostEndpoint::from(at(2, 2));
    assert_eq!(solo.act(Action::RequireEndpoint { endpoint, peer: None }), Ok(()));
    solo.scout_lost(at(2, 2), Loss::Failed(UnreachableReason::Refused));
    solo.trace();
    assert_eq!(solo.act(Action::Distrust(key(2))), Ok(()));
    solo.wait(100_000);
    assert!(solo.trace().is_empty());
}
