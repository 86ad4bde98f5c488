//! Attacks on what else a secure node has open, and connects to: its gossip hub and its file server, and
//! the hub that it is a client of. Those who are let in there are trusted: what such an insider may do is in
//! the other lists, whose connections are sealed if the target is a secure node.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::attack::{Attack, Done};
use super::secure::{NOT_SECURE, id_of};
use super::secure_target::SecureTarget;
use super::target::Target;
use super::transport::odd_greetings;
use crate::curve::{Client, Keys, Server, metadata};
use crate::network_key::NetworkKey;
use crate::wire::dealer::{Credentials, Route};
use crate::wire::{self, filemq, handshake, message};

/// How long an attacker waits until nothing more comes.
const REST: Duration = Duration::from_millis(500);

/// What a node may say where the other end has no key: its greeting.
const GREETING: usize = 64;

/// What a node may say where the other end does not answer: its greeting, and HELLO.
const UNANSWERED: usize = GREETING + 202;

/// How long the target may take to come back to a hub that it has left.
const BACK: Duration = Duration::from_secs(9);

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new("secure-doors-clear", "gossip and files, asked for in the clear", |target| {
        Box::pin(clear(target))
    }),
    Attack::new("secure-doors-strangers", "gossip and files, asked for by strangers", |target| {
        Box::pin(strangers(target))
    }),
    Attack::new("secure-hub-downgrade", "a hub that has not the key that is expected", |target| {
        Box::pin(hub(target))
    }),
];

/// A door of the target, and what is said first there.
struct Door {
    name: &'static str,
    at: SocketAddr,
    first: Vec<u8>,
}

/// All doors of the target but its mailbox.
fn doors(target: &Target) -> Result<Vec<Door>, String> {
    let gossip = target.gossip.as_ref().ok_or("the target does not gossip")?;
    let files = target.files.as_ref().ok_or("the target shares no files")?;
    let hello = message(&[super::gossip::HELLO]);
    let ohai = message(&[&filemq::ohai()]);
    Ok(vec![
        Door { name: "the hub", at: gossip.hub, first: hello },
        Door { name: "the file server", at: files.server, first: ohai },
    ])
}

async fn clear(target: Arc<Target>) -> Result<Done, String> {
    if target.secure.is_none() {
        return Done::said(NOT_SECURE);
    }
    let mut number = 0;
    for Door { name, at, first } in doors(&target)? {
        let mut attempts = odd_greetings();
        let good = target.good.first().map_or(target.id, |good| good.id);
        for id in [target.stranger(), good] {
            attempts.push([handshake(id), first.clone()].concat());
        }
        for mechanism in ["NULL", "PLAIN", "curve"] {
            attempts.push([crate::curve::greeting(mechanism, 1, 1), first.clone()].concat());
        }
        // The right mechanism, and then not a word of it.
        attempts.push([crate::curve::greeting("CURVE", 0, 1), first.clone()].concat());
        let ready = wire::ready("DEALER", &good.routing_id());
        attempts.push([crate::curve::greeting("CURVE", 0, 1), ready, first].concat());
        for bytes in &attempts {
            let route = Route { to: at, ..target.route(target.here) };
            let connection = route.connect().await;
            let mut connection = connection.map_err(|error| format!("{name}: {error}"))?;
            connection.write(bytes).await;
            let said = connection.read_rest(REST).await;
            if said.len() > GREETING {
                return Err(format!("{name} says {} bytes to {bytes:?}", said.len()));
            }
            number += 1;
        }
    }
    Done::said(format!("{number} connections, and nothing is said"))
}

/// Whom strangers take the target for, and what they prove.
fn credentials(secure: &SecureTarget) -> Vec<(&'static str, Credentials, Option<NetworkKey>)> {
    let keys = Keys::draw;
    let other = keys().public;
    let of = |keys, node| Credentials { keys, node };
    let good = secure.good.first().copied().unwrap_or(other);
    vec![
        ("a key that nobody trusts", of(keys(), secure.key), None),
        ("the proof of another network", of(keys(), secure.key), Some(NetworkKey::of([7; 16]))),
        ("a trusted key, and another server's", of(secure.insider, other), None),
        ("a trusted key, and a good peer's", of(secure.insider, good), None),
    ]
}

async fn strangers(target: Arc<Target>) -> Result<Done, String> {
    let Some(secure) = &target.secure else { return Done::said(NOT_SECURE) };
    let mut number = 0;
    for Door { name, at, .. } in doors(&target)? {
        let route = Route { to: at, ..target.route(target.here) };
        for (what, Credentials { keys, node }, network) in credentials(secure) {
            let good = target.good.iter().map(|good| good.id);
            for id in good.chain([target.id, id_of(&target, &keys.public)]) {
                let mut client = Client::of(keys, node);
                let connection = route.connect().await;
                let mut connection = connection.map_err(|error| format!("{name}: {error}"))?;
                if connection.say_hello(&mut client).await.is_ok() {
                    let proof = network.as_ref().map(|network| network.property(&client));
                    let named = metadata("DEALER", &id.routing_id());
                    let told = [named, proof.unwrap_or_default()].concat();
                    if connection.initiate(&client, told).await.is_ok() {
                        return Err(format!("{name} lets in who has {what}"));
                    }
                } else if node == secure.key {
                    return Err(format!("{name} does not answer HELLO"));
                }
                number += 1;
            }
        }
    }
    // A vouch that was made for another server.
    let mut client = Client::of(secure.insider, secure.key);
    for Door { name, at, .. } in doors(&target)? {
        let route = Route { to: at, ..target.route(target.here) };
        let connection = route.connect().await;
        let mut connection = connection.map_err(|error| format!("{name}: {error}"))?;
        let greeted = connection.say_hello(&mut client).await;
        greeted.map_err(|error| format!("{name} does not answer HELLO: {error}"))?;
        let mut parts = client.initiate(metadata("DEALER", b""));
        parts.vouched = [client.session.public, Keys::draw().public].concat();
        connection.write(&wire::frame(wire::COMMAND, &client.seal_initiate(&parts))).await;
        if !connection.read_rest(REST).await.is_empty() {
            return Err(format!("{name} answers to a vouch for another server"));
        }
        number += 1;
    }
    Done::said(format!("{number} connections, nobody is let in"))
}

async fn hub(target: Arc<Target>) -> Result<Done, String> {
    if target.secure.is_none() {
        return Done::said(NOT_SECURE);
    }
    let gossip = target.gossip.as_ref().ok_or("the target does not gossip")?;
    let replies = [
        [wire::greeting(0), wire::ready("ROUTER", b"")].concat(),
        crate::curve::greeting("PLAIN", 0, 1),
        crate::curve::greeting("CURVE", 0, 0),
        crate::curve::greeting("CURVE", 0, 1),
        wire::noise(300),
    ];
    for reply in &replies {
        let mut came = gossip.lies.take_fresh(BACK).await?;
        came.write(reply).await;
        let said = came.read_rest(REST).await;
        if said.len() > UNANSWERED {
            return Err(format!("{} bytes are said to a hub that proves nothing", said.len()));
        }
    }
    // One with another key cannot even read HELLO: it answers all the same.
    let mut came = gossip.lies.take_fresh(BACK).await?;
    came.write(&crate::curve::greeting("CURVE", 0, 1)).await;
    let read = async {
        came.read_greeting().await?;
        came.read_frame().await
    };
    let (_, hello) = read.await.map_err(|error| format!("the target says nothing: {error}"))?;
    let mut server = Server::of(Keys::draw());
    let session = hello.get(80..112).and_then(|key| key.try_into().ok());
    server.client_session = session.ok_or("the target's HELLO is too short")?;
    came.write(&wire::frame(wire::COMMAND, &server.welcome())).await;
    if !came.read_rest(REST).await.is_empty() {
        return Err("INITIATE is said to a hub with another key".to_owned());
    }
    Done::said(format!("{} hubs are told nothing", replies.len() + 1))
}
