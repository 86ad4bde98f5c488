//! As many peers as a node can have in a process with the usual number of descriptors.

use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::json;
use tokio::task::JoinSet;
use zyre::{Builder, Endpoint, Event, ExitReason, PeerId};

use crate::common::child::{Child, text};
use crate::common::{Member, free_port, on, until};

/// What a node has open besides the connections of its peers, and its runtime.
const OWN: u64 = 24;

pub(crate) async fn of_450_two_way_peers() {
    meets(450, 0).await;
}

pub(crate) async fn of_279_other_peers() {
    meets(0, 279).await;
}

pub(crate) async fn of_a_mixture() {
    meets(225, 139).await;
}

/// All peers come at once. The node meets each, gets a WHISPER of each, and keeps each.
async fn meets(two_way: usize, others: usize) {
    rlimit::increase_nofile_limit(u64::MAX).expect("a limit");
    let mut node = Child::start("echo", json!({ "port": free_port() })).await;
    let began = Instant::now();
    let kinds = std::iter::repeat_n(true, two_way).chain(std::iter::repeat_n(false, others));
    // Each has a beacon port of its own: it meets the node that it requires, and no other peer.
    let builders = kinds.map(|kind| on(free_port()).mailbox_port(0).two_way(kind));
    let coming = builders.map(|builder| enter(builder, node.id, node.endpoint));
    let met = coming.collect::<JoinSet<_>>().join_all().await;
    let took = began.elapsed();
    // All are there at the same time.
    let talking = met.into_iter().map(|member| hear_back(member, node.id));
    let met = talking.collect::<JoinSet<_>>().join_all().await;
    // What the node keeps open follows from what its peers are. Only Linux tells.
    let most = u64::try_from(two_way + 2 * others).unwrap() + OWN;
    let open = || node.usage().map(|usage| usage.descriptors);
    until("it has closed what it does not need", || open().is_none_or(|open| open <= most)).await;
    let open = open();
    let stats = node.ask("stats").await;
    println!("{two_way} + {others} peers after {took:?}, {open:?} descriptors; {stats}");
    let exits: Vec<_> = met.iter().flat_map(|(_, exits)| exits).collect();
    assert!(exits.is_empty(), "peers hear EXIT: {exits:?}");
    let ids: BTreeSet<_> = met.iter().map(|(member, _)| member.id().to_string()).collect();
    let entered = node.seen().into_iter().filter(|report| report["event"] == "ENTER");
    let entered: BTreeSet<_> = entered.map(|report| text(&report, "peer").to_owned()).collect();
    assert_eq!(entered, ids);
    let ended = node.seen().into_iter().find(|report| report["event"] == "EXIT");
    assert_eq!(ended, None, "the node hears an EXIT");
}

/// A node that has met the one that it requires.
async fn enter(builder: Builder, id: PeerId, endpoint: Endpoint) -> Member {
    let mut member = Member::start(builder).await;
    member.node.require_peer(id, endpoint).expect("it may be required");
    member.enter(id).await;
    member
}

/// A node that has sent something to the other one, which sends everything back; and why the other
/// has left it meanwhile, each time that it has.
async fn hear_back(mut member: Member, id: PeerId) -> (Member, Vec<ExitReason>) {
    let mut exits = Vec::new();
    // One that is gone is told of, and comes back.
    let _ = member.node.whisper(id, "hello");
    loop {
        match member.next().await {
            Event::Whisper { peer, .. } if peer == id => return (member, exits),
            Event::Exit { peer, reason, .. } if peer == id => exits.push(reason),
            Event::Enter { peer, .. } if peer == id => {
                let _ = member.node.whisper(id, "hello");
            }
            _ => {}
        }
    }
}
