//! Secure nodes on real sockets.

#![cfg(test)]

mod attacks;
mod c_node;
#[path = "../common/mod.rs"]
mod common;
#[cfg(feature = "files")]
mod files;
#[cfg(feature = "files")]
mod ghost;
mod gossip;
mod log;
mod meeting;
mod stranger;

use std::time::Duration;

use common::{Member, on};
use zyre::{Builder, Event, Identity, PublicKey, Trust};

/// Several beacons of everybody: what has not happened by then does not happen.
const BEACONS: Duration = Duration::from_secs(1);

fn quick(port: u16) -> Builder {
    on(port).beacon_interval(Duration::from_millis(50))
}

fn identity() -> Identity {
    Identity::create().unwrap()
}

/// Two that trust each other alone, each made by a function.
async fn pair_of(make: [&dyn Fn() -> Builder; 2]) -> ([Member; 2], [PublicKey; 2]) {
    let identities = [identity(), identity()];
    let keys = identities.each_ref().map(Identity::public_key);
    let [first, second] = identities;
    let a = Member::start(make[0]().secure(first, Trust::only([keys[1]]))).await;
    let b = Member::start(make[1]().secure(second, Trust::only([keys[0]]))).await;
    ([a, b], keys)
}

/// Two that trust each other alone.
async fn pair(port: u16) -> ([Member; 2], [PublicKey; 2]) {
    pair_of([&|| quick(port), &|| quick(port)]).await
}

async fn meet(a: &mut Member, b: &mut Member) {
    a.enter(b.id()).await;
    b.enter(a.id()).await;
    a.node.whisper(b.id(), "from a").unwrap();
    assert_eq!(b.whisper(a.id()).await, "from a".into());
    b.node.whisper(a.id(), "from b").unwrap();
    assert_eq!(a.whisper(b.id()).await, "from b".into());
}

/// Whether anybody enters in the next second.
async fn hears_of_nobody(member: &mut Member) {
    tokio::time::sleep(BEACONS).await;
    let entered: Vec<Event> =
        member.rest().into_iter().filter(|event| matches!(event, Event::Enter { .. })).collect();
    assert_eq!(entered, []);
}
