//! Gossip: clients of the target's hub, and a hub that the target connects to, that lie, flood, and
//! break the protocol.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use zre_proto::PublicKey;

use super::attack::{Attack, Done};
use super::target::{GossipTarget, Target, linger};
use crate::wire::connection::Connection;
use crate::wire::{MORE, frame, message, noise};

/// How long the target may take to close a connection, or to come back to a hub that it has left.
const SOON: Duration = Duration::from_secs(3);

/// How long a flood goes on.
const FLOOD: Duration = Duration::from_secs(2);

pub(super) const HELLO: &[u8] = &[0xAA, 0xA0, 1, 1];
const PING: &[u8] = &[0xAA, 0xA0, 3, 1];
const PONG: &[u8] = &[0xAA, 0xA0, 4, 1];
const INVALID: &[u8] = &[0xAA, 0xA0, 5, 1];

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new("gossip-malformed", "messages that are none, to the target's hub", |target| {
        Box::pin(malformed(target))
    }),
    Attack::new(
        "gossip-lies",
        "tuples of the target and its peers elsewhere, of nobody",
        |target| Box::pin(lies(target)),
    ),
    Attack::new("gossip-flood", "tuples, HELLOs and PINGs by the hundred thousand", |target| {
        Box::pin(flood(target))
    }),
    Attack::new("gossip-clients", "1,000 clients that say HELLO and never read", |target| {
        Box::pin(clients(target))
    }),
    Attack::new("gossip-hub-malformed", "a hub that says what is no message", |target| {
        Box::pin(hub_malformed(target))
    }),
    Attack::new(
        "gossip-hub-lies",
        "a hub that tells of nobody, and of the target's peers elsewhere",
        |target| Box::pin(hub_lies(target)),
    ),
    Attack::new("gossip-hub-flood", "a hub that says INVALID and PUBLISH without end", |target| {
        Box::pin(hub_flood(target))
    }),
];

/// The gossip of the target, if it takes part in any.
fn gossip(target: &Target) -> Result<&GossipTarget, Result<Done, String>> {
    target.gossip.as_ref().ok_or_else(|| Done::said("the target does not gossip"))
}

fn publish(key: &str, value: &[u8]) -> Vec<u8> {
    let length = (value.len() as u32).to_be_bytes();
    let head = [0xAA, 0xA0, 2, 1, key.len() as u8];
    [&head[..], key.as_bytes(), &length, value, &[0; 4]].concat()
}

/// Returns messages, as they are on the wire, after which the connection is to be closed.
pub fn malformed_messages() -> Vec<Vec<u8>> {
    let key = "0A".repeat(16);
    let told = publish(&key, b"tcp://127.0.0.1:9");
    let mut cut: Vec<Vec<u8>> = (0..told.len()).map(|length| message(&[&told[..length]])).collect();
    cut.extend([
        message(&[&[0xAA, 0xA1, 1, 1]]),
        message(&[&[0xAA, 0xA0, 0, 1]]),
        message(&[&[0xAA, 0xA0, 6, 1]]),
        message(&[&[0xAA, 0xA0, 1, 2]]),
        message(&[&[HELLO, &[0]].concat()]),
        message(&[HELLO, HELLO]),
        message(&[HELLO, b""]),
        message(&[b"", HELLO]),
        frame(MORE, HELLO).repeat(10_000),
        message(&[&publish(&key, &[b'x'; 1024])]),
        message(&[&publish(&key, &vec![b'x'; 1 << 20])]),
        message(&[&noise(1000)]),
    ]);
    cut
}

async fn client(target: &Target, hub: &GossipTarget) -> Result<Connection, String> {
    let mut route = target.route(target.here);
    route.to = hub.hub;
    route.greet(b"").await.map_err(|error| format!("no connection to the hub: {error}"))
}

async fn malformed(target: Arc<Target>) -> Result<Done, String> {
    let hub = match gossip(&target) {
        Ok(hub) => hub,
        Err(done) => return done,
    };
    let all = malformed_messages();
    for (number, bytes) in all.iter().enumerate() {
        let mut client = client(&target, hub).await?;
        client.send(&[HELLO]).await;
        client.write(bytes).await;
        if !client.closed(SOON).await {
            return Err(format!("after the malformed message {number} the connection stays open"));
        }
    }
    Done::said(format!("{} connections, all closed", all.len()))
}

/// What stands behind an endpoint: of a secure node, the key that it is said to have.
fn keyed(target: &Target) -> Vec<String> {
    let Some(secure) = &target.secure else { return vec![String::new()] };
    let keys = [secure.insider.public, secure.key].into_iter().chain(secure.good.first().copied());
    let keys = keys.map(|key| format!("|{}", PublicKey::new(key)));
    let none = ["", "|", "|junk", &format!("|{}", "?".repeat(40))].map(ToOwned::to_owned);
    keys.chain(none).collect()
}

/// Keys that no good node has.
fn key(number: u64) -> String {
    format!("{number:016X}{:016X}", u64::MAX - number)
}

/// Tuples that are not true.
fn false_tuples(target: &Target) -> Vec<Vec<u8>> {
    let of = |id: &dyn std::fmt::Display| id.to_string().to_ascii_uppercase();
    let elsewhere = b"tcp://127.0.0.1:9".as_slice();
    let mut lies = Vec::new();
    for key in keyed(target) {
        let elsewhere = format!("tcp://127.0.0.1:9{key}");
        let at_target = format!("tcp://{}{key}", target.mailbox);
        lies.push(publish(&of(&target.id), elsewhere.as_bytes()));
        for good in &target.good {
            lies.push(publish(&of(&good.id), elsewhere.as_bytes()));
            lies.push(publish(&of(&good.id), at_target.as_bytes()));
            // A stranger that is said to be where a good peer is.
            let there = format!("tcp://{}{key}", good.mailbox);
            lies.push(publish(&of(&target.stranger()), there.as_bytes()));
        }
        lies.push(publish(&of(&target.stranger()), at_target.as_bytes()));
    }
    for value in
        ["", "x", "tcp://", "tcp://host:1", "ipc:///tmp/x", "inproc://x", "tcp://0.0.0.0:1"]
    {
        lies.push(publish(&of(&target.stranger()), value.as_bytes()));
    }
    for bad in ["", "key", "zz", &"A".repeat(255)] {
        lies.push(publish(bad, elsewhere));
    }
    lies.push(publish(&of(&target.stranger()), &[b'1'; 900]));
    lies
}

async fn lies(target: Arc<Target>) -> Result<Done, String> {
    let hub = match gossip(&target) {
        Ok(hub) => hub,
        Err(done) => return done,
    };
    let mut client = client(&target, hub).await?;
    for bytes in [vec![HELLO.to_vec()], false_tuples(&target)].concat() {
        if !client.send(&[&bytes]).await {
            return Err("the hub has closed the connection of a liar".into());
        }
    }
    linger(FLOOD).await;
    // It is a good connection still.
    client.send(&[PING]).await;
    loop {
        match client.read().await {
            Ok(frames) if frames == [PONG] => return Done::holding("told, and not closed", client),
            Ok(_) => {}
            Err(error) => return Err(format!("the hub does not answer: {error}")),
        }
    }
}

async fn flood(target: Arc<Target>) -> Result<Done, String> {
    let hub = match gossip(&target) {
        Ok(hub) => hub,
        Err(done) => return done,
    };
    let [mut tells, mut asks] = [client(&target, hub).await?, client(&target, hub).await?];
    let told = keyed(&target).swap_remove(0);
    let mut number = 0_u64;
    let end = Instant::now() + FLOOD;
    while Instant::now() < end {
        let mut batch = Vec::new();
        for _ in 0..500 {
            number += 1;
            let value = format!("tcp://127.0.0.1:{}{told}", 1 + number % 1000);
            batch.extend(message(&[&publish(&key(number % 20_000), value.as_bytes())]));
        }
        tells.write(&batch).await;
        // It reads nothing of what comes back.
        asks.write(&[message(&[HELLO]), message(&[PING])].concat().repeat(200)).await;
    }
    Done::holding(format!("{number} tuples"), [tells, asks])
}

async fn clients(target: Arc<Target>) -> Result<Done, String> {
    let hub = match gossip(&target) {
        Ok(hub) => hub,
        Err(done) => return done,
    };
    let count = target.descriptors.min(1000);
    let mut held = Vec::new();
    for _ in 0..count {
        let Ok(mut client) = client(&target, hub).await else { break };
        client.send(&[HELLO]).await;
        held.push(client);
    }
    if held.is_empty() {
        return Err("no client is let in".into());
    }
    Done::holding(format!("{} clients", held.len()), held)
}

/// The target comes to the hub that lies.
async fn caught(hub: &GossipTarget) -> Result<Connection, String> {
    let end = Instant::now() + 3 * SOON;
    loop {
        match hub.lies.greet().await {
            Ok(mut connection) => {
                // What has waited in the kernel may be long dead.
                if connection.read().await.is_ok_and(|frames| frames == [HELLO]) {
                    return Ok(connection);
                }
            }
            Err(error) if Instant::now() > end => {
                return Err(format!("the target does not come to the hub: {error}"));
            }
            Err(_) => {}
        }
    }
}

async fn hub_malformed(target: Arc<Target>) -> Result<Done, String> {
    let hub = match gossip(&target) {
        Ok(hub) => hub,
        Err(done) => return done,
    };
    // Each of them takes a pause of the target.
    let all: Vec<Vec<u8>> = malformed_messages().into_iter().rev().take(8).collect();
    for (number, bytes) in all.iter().enumerate() {
        let mut victim = caught(hub).await?;
        victim.write(bytes).await;
        if !victim.closed(SOON).await {
            return Err(format!("the target does not leave a hub after message {number}"));
        }
    }
    Done::said(format!("left {} times, and back each time", all.len()))
}

async fn hub_lies(target: Arc<Target>) -> Result<Done, String> {
    let hub = match gossip(&target) {
        Ok(hub) => hub,
        Err(done) => return done,
    };
    let mut victim = caught(hub).await?;
    for bytes in false_tuples(&target) {
        if !victim.send(&[&bytes]).await {
            return Err("the target has left a hub that tells what is of no use".into());
        }
    }
    linger(FLOOD).await;
    Done::holding("told, and not left", victim)
}

async fn hub_flood(target: Arc<Target>) -> Result<Done, String> {
    let hub = match gossip(&target) {
        Ok(hub) => hub,
        Err(done) => return done,
    };
    let mut victim = caught(hub).await?;
    let told = keyed(&target).swap_remove(0);
    let mut number = 0_u64;
    let end = Instant::now() + FLOOD;
    while Instant::now() < end {
        let mut batch = message(&[INVALID]).repeat(500);
        for _ in 0..500 {
            number += 1;
            let value = format!("tcp://127.0.0.1:{}{told}", 1 + number % 1000);
            batch.extend(message(&[&publish(&key(1_000_000 + number), value.as_bytes())]));
        }
        victim.write(&batch).await;
    }
    Done::holding(format!("{number} tuples, and as many INVALIDs"), victim)
}
