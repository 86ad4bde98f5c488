//! Whatever strangers send to a node, it lives on, and its peers notice nothing.
//!
//! The node under attack is a process of its own, so that its memory can be measured. A good peer
//! exchanges WHISPERs with it all the time.

#![cfg(test)]

mod beacons;
#[path = "../common/mod.rs"]
mod common;
mod impostors;
mod messages;
mod siege;
mod transport;

#[tokio::test]
#[ignore = "a process that other tests start"]
async fn child() {
    if let Some((_, settings)) = common::child::task() {
        common::child::echo(&settings).await;
    }
}
