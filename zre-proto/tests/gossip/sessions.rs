//! Captured sessions of C nodes, with this implementation in the place of one of them: as the hub it
//! is sent what the clients sent, as a client what the hub sent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use zre_proto::gossip::{Config, ConnId, Gossip, Message, Output, Remote};
use zre_proto::{Endpoint, PeerId};

use crate::captured::{Captured, scenarios};

/// What a machine has sent on each connection.
#[derive(Default)]
struct Sent(BTreeMap<ConnId, Vec<Vec<u8>>>);

/// Takes what the machine does: nothing is ever closed. Returns the nodes that are to be looked for.
fn take(gossip: &mut Gossip, now: Instant, sent: &mut Sent) -> Vec<(PeerId, Endpoint)> {
    let mut rumours = Vec::new();
    while let Some(output) = gossip.poll_output() {
        match output {
            Output::Send { conn, frame } => {
                gossip.handle_flushed(now, conn);
                sent.0.entry(conn).or_default().push(frame);
            }
            Output::Rumour { peer, endpoint } => rumours.push((peer, endpoint)),
            Output::Close { conn, why } => panic!("{conn:?}: {why}"),
        }
    }
    rumours
}

fn tuples_of(frames: &[Vec<u8>]) -> BTreeSet<PeerId> {
    let captured = |frame: &Vec<u8>| Captured {
        ms: 0,
        from: String::new(),
        to: String::new(),
        frame: frame.clone(),
    };
    frames.iter().filter_map(|frame| Some(captured(frame).tuple()?.peer)).collect()
}

#[test]
fn clients_of_c_hubs_are_served_by_ours_and_told_at_least_as_much() {
    let mut compared = 0;
    for (name, messages) in scenarios() {
        let hubs: BTreeSet<&String> =
            messages.iter().filter(|it| it.is_of_hub()).map(|it| &it.from).collect();
        for hub in hubs {
            let start = Instant::now();
            let own = Endpoint::new(([10, 88, 0, 77], 6001).into());
            let mut gossip = Gossip::new(Config::new(PeerId::new([7; 16])));
            let mut sent = Sent::default();
            let mut conns: BTreeMap<&String, ConnId> = BTreeMap::new();
            // What clients have told, and what each was told by the C hub of others.
            let mut told: BTreeMap<&String, BTreeSet<PeerId>> = BTreeMap::new();
            let mut expected: BTreeMap<&String, BTreeSet<PeerId>> = BTreeMap::new();
            for message in messages.iter().filter(|it| it.from == *hub || it.to == *hub) {
                let now = start + Duration::from_millis(message.ms);
                let peer = message.tuple().map(|tuple| tuple.peer);
                if message.is_of_hub() {
                    let known = |peer: &PeerId| {
                        told.iter()
                            .any(|(other, told)| **other != message.to && told.contains(peer))
                    };
                    let echo = told.get(&message.to);
                    let by_others = peer
                        .filter(known)
                        .filter(|peer| echo.is_none_or(|told| !told.contains(peer)));
                    expected.entry(&message.to).or_default().extend(by_others);
                } else {
                    let next = ConnId(conns.len() as u64);
                    let conn = *conns.entry(&message.from).or_insert_with(|| {
                        gossip.handle_connected(now, next, Remote::Client, Some(own), false);
                        next
                    });
                    gossip.handle_message(now, conn, &[&message.frame]);
                    told.entry(&message.from).or_default().extend(peer);
                }
                take(&mut gossip, now, &mut sent);
            }
            for (client, conn) in conns {
                let frames = sent.0.get(&conn).cloned().unwrap_or_default();
                let said = tuples_of(&frames);
                assert!(said.contains(&PeerId::new([7; 16])), "{name}: itself to {client}");
                let wanted = expected.remove(client).unwrap_or_default();
                compared += wanted.len();
                assert!(wanted.is_subset(&said), "{name}: {wanted:?} to {client}, not {said:?}");
                let echoed = frames.iter().any(|frame| {
                    let own = |it: &&Captured| it.from == *client && it.frame == *frame;
                    let first_of = messages.iter().find(|it| it.frame == *frame && !it.is_of_hub());
                    messages.iter().any(|it| own(&it))
                        && first_of.is_some_and(|it| it.from == *client)
                        && Message::decode(frame) != Ok(Message::Hello)
                });
                assert!(!echoed, "{name}: an echo to {client}");
            }
        }
    }
    assert!(compared > 15, "{compared}");
}

#[test]
fn a_client_of_ours_says_what_a_c_client_says_and_understands_c_hubs() {
    let (mut sessions, mut greeted_again) = (0, 0);
    for (name, messages) in scenarios() {
        let clients: BTreeSet<&String> =
            messages.iter().filter(|it| !it.is_of_hub()).map(|it| &it.from).collect();
        for client in clients {
            let of_client = || messages.iter().filter(|it| it.from == *client);
            let of_hub = || messages.iter().filter(|it| it.to == *client);
            // Its own tuple is what nobody has told it before.
            let own = of_client().find_map(|message| {
                let tuple = message.tuple()?;
                let is_told = |it: &Captured| {
                    it.ms < message.ms && it.tuple().is_some_and(|it| it.peer == tuple.peer)
                };
                (!messages.iter().any(is_told)).then_some(tuple)
            });
            let Some(own) = own else { continue };
            sessions += 1;
            let (start, conn) = (Instant::now(), ConnId(1));
            let mut gossip = Gossip::new(Config::new(own.peer));
            let mut sent = Sent::default();
            let said = |sent: &mut Sent| {
                let mut said = sent.0.remove(&conn).unwrap_or_default();
                // C clients never say PING.
                said.retain(|frame| *frame != Message::Ping.encode());
                said
            };
            gossip.handle_connected(start, conn, Remote::Hub, Some(own.endpoint), false);
            assert_eq!(take(&mut gossip, start, &mut sent), []);
            let first: Vec<Vec<u8>> = said(&mut sent);
            assert_eq!(first[0], Message::Hello.encode(), "{name}");
            let theirs = of_client().find(|it| it.tuple() == Some(own)).unwrap();
            assert_eq!(first[1], theirs.frame, "{name}");
            assert_eq!(first.len(), 2, "{name}");
            for message in of_hub() {
                let now = start + Duration::from_millis(message.ms);
                gossip.handle_message(now, conn, &[&message.frame]);
                let rumours = take(&mut gossip, now, &mut sent);
                let said = said(&mut sent);
                let tuple = message.tuple().filter(|tuple| tuple.peer != own.peer);
                let expected: Vec<_> = tuple.iter().map(|it| (it.peer, it.endpoint)).collect();
                assert_eq!(rumours, expected, "{name}");
                if Message::decode(&message.frame) == Ok(Message::Invalid) {
                    greeted_again += 1;
                    assert_eq!(said, first, "{name}: HELLO and its tuple");
                } else {
                    assert_eq!(said, Vec::<Vec<u8>>::new(), "{name}: no echo");
                }
            }
        }
    }
    assert!(sessions >= 17, "{sessions}");
    assert_eq!(greeted_again, 1);
}
