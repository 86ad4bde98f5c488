//! One node, on a thread and a runtime of its own, so that it can die and stall alone.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::MissedTickBehavior;
use zyre::{Level, Node, StartError};

use super::clock::{Clock, micros};
use super::habitant::Habitant;
use super::protocol::{How, Report, SlotOrder, Tally};

/// Where and how nodes of this process are started.
#[derive(Clone)]
pub(super) struct Setting {
    pub(super) interface: String,
    pub(super) port: u16,
    /// Nodes record a log.
    pub(super) logged: bool,
    pub(super) clock: Clock,
    pub(super) reports: Sender<Report>,
    /// Messages of all nodes of this process since they were last told of.
    pub(super) tally: Arc<Mutex<Tally>>,
}

impl Setting {
    pub(super) fn report(&self, report: Report) {
        // Nobody listens any more: the process ends.
        let _ = self.reports.send(report);
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut Tally)) {
        count(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// One node to be.
pub(super) struct Birth {
    pub(super) slot: usize,
    pub(super) name: String,
    pub(super) seed: u64,
    /// Drops some events before they are checked, to show that the checks see it.
    pub(super) sabotaged: bool,
}

/// What the end of a life is like.
enum End {
    /// The node has stopped, or never was.
    Gone,
    /// The node is to die with its runtime.
    Crash(Box<Habitant>),
}

/// Runs one node from its start to its end. The thread is its own.
pub(super) fn run(setting: &Setting, birth: Birth, orders: UnboundedReceiver<SlotOrder>) {
    let slot = birth.slot;
    match Builder::new_current_thread().enable_io().enable_time().build() {
        Ok(runtime) => {
            if let End::Crash(habitant) = runtime.block_on(live(setting, birth, orders)) {
                habitant.ending(How::Crash);
                habitant.abort();
                // All tasks go, and with them the mailbox and what is connected to it.
                drop(runtime);
                habitant.ended();
            }
        }
        Err(error) => setting.report(Report::Failed { slot, error: error.to_string() }),
    }
    setting.report(Report::Free { slot });
}

async fn start(setting: &Setting, birth: Birth) -> Result<Habitant, StartError> {
    let mut builder =
        Node::builder().name(birth.name.clone()).interface(setting.interface.as_str());
    if setting.logged {
        builder = builder.logging(Level::Info);
    }
    let (node, events) = builder.beacon_port(setting.port).start().await?;
    Ok(Habitant::new(setting.clone(), birth, node, events))
}

async fn live(setting: &Setting, birth: Birth, mut orders: UnboundedReceiver<SlotOrder>) -> End {
    let slot = birth.slot;
    let mut habitant = match start(setting, birth).await {
        Ok(habitant) => habitant,
        Err(error) => {
            setting.report(Report::Failed { slot, error: error.to_string() });
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
                Some(SlotOrder::Crash) => return End::Crash(Box::new(habitant)),
                Some(SlotOrder::Stall { millis, dies }) => {
                    stall(setting, slot, &habitant, Duration::from_millis(millis));
                    if dies {
                        return End::Crash(Box::new(habitant));
                    }
                }
                Some(SlotOrder::Stop) | None => {
                    habitant.stop().await;
                    return End::Gone;
                }
                Some(SlotOrder::Hush(hushed)) => habitant.hush(hushed),
                Some(SlotOrder::Snapshot { round }) => habitant.snapshot(round),
                Some(SlotOrder::History { peer, ticket }) => habitant.history(&peer, ticket),
            },
            _ = second.tick() => habitant.each_second(),
            event = habitant.event() => {
                if let Some(event) = event {
                    habitant.hear(&event);
                } else {
                    setting.report(Report::Failed { slot, error: "stopped by itself".into() });
                    return End::Gone;
                }
            }
        }
    }
}

/// Holds up the whole runtime of the node: nothing is read, written, sent or timed.
fn stall(setting: &Setting, slot: usize, habitant: &Habitant, time: Duration) {
    let (node, at) = (habitant.id(), setting.clock.now());
    setting.report(Report::Stalled {
        node: node.clone(),
        at: micros(at),
        until: micros(at + time),
    });
    std::thread::sleep(time);
    setting.report(Report::Woken { slot, node, at: setting.clock.micros() });
}
