//! Mailboxes where a beacon says that a node is, that answer in the name of that node, take both
//! directions on one connection, and then do not do as they should.

use std::sync::Arc;

use zre_proto::PeerId;

use super::attack::{Attack, Done};
use super::mailboxes::{Bait, lure_with};
use super::target::Target;
use super::two_way::{on_two_way, wrong_first_messages, wrong_values};
use crate::wire::{
    self, GOODBYE, Hello, MORE, PING_OK, TWO_WAY, WHISPER, announcement, command, frame, greeting,
    header, noise, property, ready_with, two_way,
};

/// Nobody listens there.
const NOWHERE: &str = "tcp://127.0.0.1:9";

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new("two-way-mailbox-silent", "a mailbox of a node that says nothing", |target| {
        Box::pin(on_two_way(target, |target| answer(target, vec![Vec::new()])))
    }),
    Attack::new("two-way-mailbox-garbage", "one that sends garbage, and too much", |target| {
        Box::pin(on_two_way(target, |target| answer(target, garbage())))
    }),
    Attack::new("two-way-mailbox-first", "one that says anything but HELLO first", |target| {
        Box::pin(on_two_way(target, |target| answer(target, firsts())))
    }),
    Attack::new("two-way-mailbox-hello", "one whose HELLO is false, or not all", |target| {
        Box::pin(on_two_way(target, |target| {
            let said = hellos(&target);
            answer(target, said)
        }))
    }),
    Attack::new("two-way-mailbox-other", "one that says that it is another node", |target| {
        Box::pin(on_two_way(target, others))
    }),
];

fn message(header: &[u8]) -> Vec<u8> {
    wire::message(&[header, b"content"])
}

/// Greeting and READY of the node, or of one that says so.
fn shaken(id: PeerId) -> Vec<u8> {
    [greeting(0), ready_with("ROUTER", &id.routing_id(), &two_way())].concat()
}

fn garbage() -> Vec<Vec<u8>> {
    vec![
        noise(1 << 16),
        vec![0xFF; 4096],
        frame(0, b"").repeat(100_000),
        frame(MORE, b"x").repeat(100_000),
        command("PING", &[0; 18]).repeat(100_000),
        announcement(0, 1 << 31),
        announcement(MORE, (1 << 63) - 1),
        wire::message(&[b"not ZRE"]).repeat(10_000),
        message(&header(PING_OK, 1, &[])).repeat(10_000),
    ]
}

/// Some of the first messages that are not a good HELLO.
fn firsts() -> Vec<Vec<u8>> {
    wrong_first_messages().iter().step_by(5).map(|header| message(header)).collect()
}

/// HELLOs with the endpoints of others, and what should not follow a HELLO.
fn hellos(target: &Target) -> Vec<Vec<u8>> {
    let at = |place: &str| wire::message(&[&Hello::new(place).encode()]);
    let mut all = vec![at(&format!("tcp://{}", target.mailbox))];
    all.extend(target.good.first().map(|good| at(&format!("tcp://{}", good.mailbox))));
    let hello = at(NOWHERE);
    all.push(hello.repeat(1000));
    let whispers = [2, 2, 9].map(|sequence| message(&header(WHISPER, sequence, &[])));
    all.extend([GOODBYE, WHISPER].map(|id| [hello.clone(), message(&header(id, 2, &[]))].concat()));
    all.push([hello, whispers.concat()].concat());
    all
}

/// Each in the name of the node that is said to be there: one that should speak first, and one that
/// should not.
async fn answer(target: Arc<Target>, said: Vec<Vec<u8>>) -> Result<Done, String> {
    let bait = |id: PeerId, said: &[u8]| Bait { id, says: [&shaken(id), said].concat() };
    let both = said.iter().flat_map(|said| target.both().map(|id| bait(id, said))).collect();
    lure_with(target, both).await
}

/// Mailboxes of others, of nobody, and of nodes that do not say clearly what they know.
async fn others(target: Arc<Target>) -> Result<Done, String> {
    let hello = wire::message(&[&Hello::new(NOWHERE).encode()]);
    let good = target.good.iter().take(1).map(|good| good.id);
    let ids: Vec<_> = good.chain([target.id, target.stranger(), target.follower()]).collect();
    let mut readies: Vec<Vec<u8>> = ids.iter().map(|id| shaken(*id)).collect();
    let odd: [&[u8]; 3] = [b"", &[1; 16], &[2; 17]];
    readies.extend(odd.map(|id| [greeting(0), ready_with("ROUTER", id, &two_way())].concat()));
    let mut baits = Vec::new();
    for ready in readies {
        baits.push((target.stranger(), [&ready[..], &hello].concat()));
        baits.push((target.follower(), ready));
    }
    // The right name, and the property in a way that means nothing, or both.
    let wrong = wrong_values().into_iter().step_by(3).map(|value| property(TWO_WAY, &value));
    let twice = [two_way(), property(TWO_WAY, b"0")];
    let reverse = [property(TWO_WAY, b"0"), two_way()];
    for properties in wrong.chain([twice.concat(), reverse.concat(), two_way().repeat(2)]) {
        for id in target.both() {
            let ready = ready_with("ROUTER", &id.routing_id(), &properties);
            baits.push((id, [&greeting(0)[..], &ready, &hello].concat()));
        }
    }
    let baits = baits.into_iter().map(|(id, says)| Bait { id, says }).collect();
    lure_with(target, baits).await
}
