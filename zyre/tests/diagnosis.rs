//! What a node and a watcher tell those who look for what is wrong with a network.

#![cfg(test)]

mod common;

use common::{Member, free_port, on, soon, until};
use zyre::BeaconWatch;

#[tokio::test]
async fn a_watch_hears_the_beacons_of_a_port_and_sends_none() {
    let port = free_port();
    let mut watch = BeaconWatch::open(port).unwrap();
    let mut other_port = BeaconWatch::open(free_port()).unwrap();
    let node = Member::start(on(port)).await;
    let heard = soon(watch.next()).await;
    let at = node.node.endpoint().address();
    assert_eq!(
        (heard.peer, heard.source.ip(), heard.mailbox_port),
        (node.id(), at.ip(), at.port())
    );
    assert!(!heard.is_secure);
    if cfg!(target_os = "linux") {
        assert_eq!(heard.destination, Some([127, 255, 255, 255].into()));
        assert!(heard.interface.is_some());
    }
    node.node.stop().await;
    // The last one says goodbye.
    while soon(watch.next()).await.mailbox_port != 0 {}
    let nothing = tokio::time::timeout(std::time::Duration::from_millis(100), other_port.next());
    assert!(nothing.await.is_err());
}

#[tokio::test]
async fn a_node_tells_who_gets_through_to_whom() {
    let port = free_port();
    let one = Member::start(on(port).two_way(false)).await;
    let other = Member::start(on(port).two_way(false)).await;
    let ways = |of: &Member, to: &Member| {
        let all = of.node.connections().into_iter().filter(|it| it.peer == Some(to.id()));
        let mut ways: Vec<bool> = all.map(|it| it.dialled).collect();
        ways.sort_unstable();
        ways
    };
    for (of, to) in [(&one, &other), (&other, &one)] {
        until("one each way", || ways(of, to) == [false, true]).await;
        let connections = of.node.connections();
        assert!(connections.iter().all(|it| it.remote.ip().to_canonical().is_loopback()));
    }
    other.node.stop().await;
    until("none", || one.node.connections().is_empty()).await;
}

#[tokio::test]
async fn an_interface_tells_its_subnets() {
    let node = Member::start(on(free_port())).await;
    let interfaces = node.node.interfaces();
    let lo = interfaces.iter().find(|it| it.is_loopback()).unwrap();
    assert_eq!(lo.prefix([127, 0, 0, 1].into()), Some(8));
    assert_eq!(lo.prefix([10, 0, 0, 1].into()), None);
    assert_eq!((lo.prefixes.len(), lo.unsent.as_deref()), (lo.addresses.len(), None));
}
