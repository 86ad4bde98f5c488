//! The log of secure nodes: a collector is a peer, and its lines are for its key alone.

use std::time::Duration;

use testkit::wait::{DEADLINE, free_port, until};
use tokio::time::timeout;
use zmtp::net::{Publisher, PublisherLimits, Subscriber, SubscriberLimits};
use zmtp::{Curve, Mechanism, SocketType};
use zre_proto::log::{HEADER, Log};
use zyre::{Identity, Level, NetworkKey, Trust};

use crate::common::Member;
use crate::stranger::{self, gets_nothing};
use crate::{identity, quick};

/// Long enough for what must not come.
const QUIET: Duration = Duration::from_millis(300);

/// Takes lines at a port of its own, as a node that announces it.
struct Collector {
    lines: Subscriber,
    member: Member,
}

impl Collector {
    /// `is_open`: it takes lines in the clear, whatever its node is.
    async fn start(builder: zyre::Builder, is_open: bool) -> Self {
        let member = Member::start(builder).await;
        let mut lines = Subscriber::new(&[b""], SubscriberLimits::default());
        let mechanism = if is_open { Mechanism::Null } else { member.node.service_mechanism() };
        let any = ([127, 0, 0, 1], 0).into();
        let address = lines.listen_with(any, mechanism).await.unwrap();
        member.node.set_service(HEADER, address.port()).unwrap();
        Self { lines, member }
    }

    /// Waits for a line with this text.
    async fn hears(&mut self, text: &str) {
        let heard = async {
            loop {
                let (_, message) = self.lines.recv().await;
                if Log::decode(&message.frames()[0]).unwrap().data == text {
                    return;
                }
            }
        };
        timeout(DEADLINE, heard).await.unwrap_or_else(|_| panic!("no line {text}"));
    }

    async fn hears_nothing(&mut self) {
        let came = timeout(QUIET, self.lines.recv()).await;
        assert!(came.is_err(), "{came:?}");
    }
}

#[tokio::test]
async fn a_collector_of_the_network_gets_the_lines_and_nobody_else_any_or_the_right_to_write_some()
{
    let port = free_port();
    let network = NetworkKey::generate().unwrap();
    let member = || quick(port).secure(identity(), Trust::network(network.clone()));
    let mut collector = Collector::start(member().name("collector"), false).await;
    let a = Member::start(member().name("a").logging(Level::Info)).await;
    until("it has its collector", || a.node.stats().log.collectors == 1).await;
    a.node.log(Level::Info, "hello");
    collector.hears("hello").await;
    let key = collector.member.node.key().unwrap();
    let address = collector.lines.local_addr().unwrap();
    gets_nothing(address, SocketType::Pub, key).await;
    // Also one that is made to publish.
    let mechanism = Curve::client(stranger::keys(), stranger::to(key)).into();
    let stranger = Publisher::connect_with(address, mechanism, PublisherLimits::default());
    stranger.publish(b"forged");
    collector.hears_nothing().await;
    assert!(!stranger.is_subscribed());
}

#[tokio::test]
async fn lines_go_to_no_door_that_is_not_that_of_the_collector_s_key() {
    let port = free_port();
    let network = NetworkKey::generate().unwrap();
    let member = || quick(port).secure(identity(), Trust::network(network.clone()));
    // At its address somebody takes lines who has not its key: here, who has none at all.
    let mut collector = Collector::start(member(), true).await;
    let mut a = Member::start(member().logging(Level::Info)).await;
    a.enter(collector.member.id()).await;
    a.node.log(Level::Info, "hello");
    collector.hears_nothing().await;
}

#[tokio::test]
async fn a_collector_that_is_not_trusted_any_more_gets_no_more_lines_and_takes_none() {
    let port = free_port();
    let identities = [identity(), identity()];
    let keys = identities.each_ref().map(Identity::public_key);
    let [first, second] = identities;
    let builder = quick(port).secure(first, Trust::only([keys[1]]));
    let mut collector = Collector::start(builder, false).await;
    let builder = quick(port).secure(second, Trust::only([keys[0]])).logging(Level::Info);
    let a = Member::start(builder).await;
    a.node.log(Level::Info, "first");
    collector.hears("first").await;
    a.node.distrust(keys[0]);
    until("it has no collector", || a.node.stats().log.collectors == 0).await;
    a.node.log(Level::Info, "second");
    a.node.trust(keys[0]);
    collector.hears("second").await;
    // The other way round.
    let Collector { lines, member } = &collector;
    lines.disconnect(|publisher| !member.node.still_lets_in(publisher));
    a.node.log(Level::Info, "third");
    collector.hears("third").await;
    let Collector { lines, member } = &collector;
    member.node.distrust(keys[1]);
    lines.disconnect(|publisher| !member.node.still_lets_in(publisher));
    a.node.log(Level::Info, "fourth");
    collector.hears_nothing().await;
}
