//! More than two nodes at once.

use std::time::Duration;

use serde_json::json;
use testkit::failure::{Failure, Result};

use crate::environment::{Bed, Options, run};
use crate::kind::Kind;
use crate::peer::Peer;

pub(crate) const EVERYONE: [Kind; 5] =
    [Kind::Ours, Kind::Pyre, Kind::ZyreJs, Kind::Ours, Kind::Ours];
pub(crate) const THE_OTHERS: [Kind; 3] = [Kind::Pyre, Kind::ZyreJs, Kind::Pyre];

pub(crate) fn everyone() {
    run("everyone together", |bed| mesh(bed, &EVERYONE));
}

pub(crate) fn the_others() {
    run("the others together", |bed| mesh(bed, &THE_OTHERS));
}

/// Every node finds every other, everybody's shout reaches all others exactly once, and all see
/// the first one go.
fn mesh(bed: &Bed, kinds: &[Kind]) -> Result<String> {
    let headers = &[("X-FROM", "the mesh")];
    let options = Options { groups: &["plaza"], headers, ..Options::default() };
    let mut peers = Vec::new();
    for (index, kind) in kinds.iter().enumerate() {
        peers.push(bed.start(*kind, &format!("node{index}"), &options)?);
    }
    for (one, other) in couples(&peers) {
        let headers = json!({ "X-FROM": "the mesh" });
        let (id, name) = (&other.id, &other.name);
        one.expect(&json!({ "event": "ENTER", "peer": id, "name": name, "headers": headers }))?;
        one.expect(&json!({ "event": "JOIN", "peer": id, "group": "plaza" }))?;
    }

    for (index, peer) in peers.iter().enumerate() {
        peer.say(&format!("shout plaza from {index}"))?;
    }
    for (one, other) in couples(&peers) {
        let content = json!([other.name.replace("node", "from ")]);
        let shout = json!({ "event": "SHOUT", "peer": other.id, "content": content });
        one.expect(&shout)?;
    }
    for peer in &peers {
        let heard = peer.events(&json!({ "event": "SHOUT" })).len();
        if heard != peers.len() - 1 {
            return Err(Failure::new(format!("{} heard {heard} shouts", peer.name)));
        }
    }
    bed.no_exit()?;

    let first = peers.remove(0);
    let mark = first.say("quit")?;
    for peer in &peers {
        let exit = json!({ "event": "EXIT", "peer": first.id });
        peer.expect_within(Duration::from_secs(2), mark, &exit)?;
    }
    Ok(format!("{} nodes", kinds.len()))
}

/// All ordered pairs of different peers.
fn couples(peers: &[Peer]) -> impl Iterator<Item = (&Peer, &Peer)> {
    peers.iter().flat_map(move |one| {
        peers.iter().filter(move |other| other.id != one.id).map(move |other| (one, other))
    })
}
