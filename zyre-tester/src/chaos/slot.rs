//! One node, on a thread and a runtime of its own, so that it can die and stall alone.

use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::MissedTickBehavior;
use zyre::{Identity, Level, Node, Trust};

use super::clock::micros;
use super::kinds::Kind;
use super::node::ChaosNode;
use super::protocol::{How, Report, SlotOrder};
use super::setting::{Birth, Setting};

/// The slot of the node that is the gossip hub, if there is one.
pub(super) const HUB_SLOT: usize = 0;

/// What the end of a life is like.
enum End {
    /// The node has stopped, or never was.
    Gone,
    /// The node is to die with its runtime.
    Crash(Box<ChaosNode>),
}

/// Runs one node from its start to its end. The thread is its own.
pub(super) fn run(setting: &Setting, birth: Birth, orders: UnboundedReceiver<SlotOrder>) {
    let slot = birth.slot;
    match Builder::new_current_thread().enable_io().enable_time().build() {
        Ok(runtime) => {
            if let End::Crash(mut node) = runtime.block_on(live(setting, birth, orders)) {
                node.ending(How::Crash);
                node.abort();
                // All tasks go, and with them the mailbox and what is connected to it.
                drop(runtime);
                node.ended();
            }
        }
        Err(error) => setting.report(Report::Failed { slot, error: error.to_string() }),
    }
    setting.report(Report::Free { slot });
}

async fn start(setting: &Setting, birth: Birth) -> Result<ChaosNode, String> {
    let mut builder = Node::builder().name(birth.name.clone()).two_way(birth.kind == Kind::TwoWay);
    builder = builder.interface(setting.interface.as_str());
    if setting.logged {
        builder = builder.logging(Level::Info);
    }
    if let Some(hub) = setting.hub {
        builder = builder.beacon(false);
        builder = if birth.slot == HUB_SLOT {
            builder.gossip_listen(hub)
        } else {
            builder.gossip_connect(hub)
        };
    }
    if let Some(key) = setting.network_keys.as_ref().and_then(|keys| birth.circle.key(keys)) {
        let identity = Identity::create().map_err(|error| error.to_string())?;
        builder = builder.secure(identity, Trust::network(key.clone()));
    }
    let started = builder.beacon_port(setting.port).start().await;
    let (node, events) = started.map_err(|error| error.to_string())?;
    Ok(ChaosNode::new(setting.clone(), birth, node, events))
}

async fn live(setting: &Setting, birth: Birth, mut orders: UnboundedReceiver<SlotOrder>) -> End {
    let slot = birth.slot;
    let mut node = match start(setting, birth).await {
        Ok(node) => node,
        Err(error) => {
            setting.report(Report::Failed { slot, error });
            return End::Gone;
        }
    };
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    second.reset();
    loop {
        tokio::select! {
            biased;
            order = orders.recv() => match order {
                Some(SlotOrder::Crash) => return End::Crash(Box::new(node)),
                Some(SlotOrder::Stall { millis, dies }) => {
                    stall(setting, slot, &node, Duration::from_millis(millis));
                    if dies {
                        return End::Crash(Box::new(node));
                    }
                }
                Some(SlotOrder::Stop) | None => {
                    node.stop().await;
                    return End::Gone;
                }
                Some(SlotOrder::Distrust { peer, millis }) => {
                    node.distrust(peer, Duration::from_millis(millis));
                }
                Some(SlotOrder::Hush(hushed)) => node.hush(hushed),
                Some(SlotOrder::Snapshot { round }) => node.snapshot(round),
                Some(SlotOrder::History { peer, ticket }) => node.history(peer, ticket),
            },
            _ = second.tick() => node.each_second(),
            event = node.event() => {
                if let Some(event) = event {
                    node.hear(&event);
                } else {
                    setting.report(Report::Failed { slot, error: "stopped by itself".into() });
                    return End::Gone;
                }
            }
        }
    }
}

/// Holds up the whole runtime of the node: nothing is read, written, sent or timed.
fn stall(setting: &Setting, slot: usize, node: &ChaosNode, time: Duration) {
    let (id, at) = (node.id(), setting.clock.now());
    setting.report(Report::Stalled { node: id, at: micros(at), until: micros(at + time) });
    std::thread::sleep(time);
    setting.report(Report::Woken { slot, node: id, at: setting.clock.micros() });
}
