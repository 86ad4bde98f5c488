//! A process that holds nodes: takes orders on its standard input, reports on its standard output.

use std::collections::BTreeMap;
use std::io::{BufRead, BufWriter, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use testkit::wait::free_port;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use zmtp::sync::Mutex;

use super::circle::{self, Circle, NetworkKeys};
use super::clock::Clock;
use super::kinds::Kind;
use super::level::Level;
use super::options::Options;
use super::protocol::{Order, Report, SlotOrder, Tally, When};
use super::setting::{Birth, Setting};
use super::slot;

/// How often messages are told of.
const TALLY: Duration = Duration::from_millis(250);

/// How many nodes are started and stopped before the level of memory is taken: what a program
/// needs once, it keeps.
const WARM: usize = 3;

/// The stack of a slot's thread.
const STACK: usize = 512 * 1024;

/// The slots of this process.
struct Holder {
    setting: Setting,
    slots: BTreeMap<usize, Occupied>,
}

struct Occupied {
    orders: UnboundedSender<SlotOrder>,
    thread: JoinHandle<()>,
}

/// Runs the process until it is told to finish, or the conductor is gone: then it returns `false`.
///
/// # Errors
/// The network keys cannot be read.
pub(super) fn run(options: &Options, epoch: u64) -> Result<bool, String> {
    let network_keys = options.network_keys.as_deref().map(circle::load).transpose()?;
    let clock = Clock::join(epoch);
    let tally = Arc::new(Mutex::new(Tally::default()));
    let before = warm_up(options, &network_keys, clock);
    let (reports, receiver) = mpsc::channel();
    let most = Arc::new(Mutex::new(before.unwrap_or_default()));
    let writer = {
        let (tally, most) = (Arc::clone(&tally), Arc::clone(&most));
        std::thread::spawn(move || write(&receiver, &tally, &most))
    };
    let mut setting = setting(options, options.port, clock, reports, tally);
    setting.network_keys = network_keys;
    if let Some(level) = before {
        setting.report(Report::Level { when: When::Before, level });
    }
    let mut holder = Holder { setting, slots: BTreeMap::new() };
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        match serde_json::from_str(&line) {
            Ok(Order::Start { slot, name, seed, sabotaged, kind, circle }) => {
                holder.start(Birth { slot, name, seed, sabotaged, kind, circle });
            }
            Ok(Order::Slot { slot, what }) => holder.order(slot, &what),
            Ok(Order::All { what }) => {
                holder.slots.values().for_each(|slot| drop(slot.orders.send(what.clone())));
            }
            Ok(Order::Finish) => {
                holder.finish(before, &most);
                // Everything is said when the last sender is gone.
                let _ = writer.join();
                return Ok(true);
            }
            Err(error) => eprintln!("an order that cannot be read: {error}: {line}"),
        }
    }
    // The conductor is gone: so are we.
    Ok(false)
}

fn setting(
    options: &Options,
    port: u16,
    clock: Clock,
    reports: Sender<Report>,
    tally: Arc<Mutex<Tally>>,
) -> Setting {
    let (interface, logged) = (options.interface.clone(), options.log.is_some());
    let mixed = options.half_by.is_some();
    let address = interface.parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let hub = options.gossip.then_some(SocketAddr::new(address, port));
    let network_keys = None;
    Setting { interface, port, logged, hub, network_keys, mixed, clock, reports, tally }
}

impl Holder {
    fn start(&mut self, birth: Birth) {
        let (orders, receiver) = unbounded_channel();
        let (setting, slot) = (self.setting.clone(), birth.slot);
        let thread = std::thread::Builder::new()
            .name(birth.name.clone())
            .stack_size(STACK)
            .spawn(move || slot::run(&setting, birth, receiver));
        match thread {
            Ok(thread) => {
                if let Some(before) = self.slots.insert(slot, Occupied { orders, thread }) {
                    // The slot was reported free, so its thread is about to end.
                    let _ = before.thread.join();
                }
            }
            Err(error) => {
                self.setting.report(Report::Failed { slot, error: error.to_string() });
                self.setting.report(Report::Free { slot });
            }
        }
    }

    fn order(&self, slot: usize, what: &SlotOrder) {
        if let Some(slot) = self.slots.get(&slot) {
            // Its node may just have ended.
            let _ = slot.orders.send(what.clone());
        }
    }

    /// Waits until every slot is empty, and looks at what is left.
    fn finish(self, before: Option<Level>, most: &Mutex<Level>) {
        for slot in self.slots.into_values() {
            drop(slot.orders);
            let _ = slot.thread.join();
        }
        let most = *most.lock();
        if let Some(level) = before.and_then(|before| Level::settled(&before, &most)) {
            self.setting.report(Report::Level { when: When::After, level });
        }
    }
}

/// Starts and stops some nodes that nobody watches, and takes the level after them. They have a
/// port of their own: on one that merely is not that of this run they would meet the nodes of
/// another.
fn warm_up(options: &Options, network_keys: &Option<NetworkKeys>, clock: Clock) -> Option<Level> {
    let (reports, _receiver) = mpsc::channel();
    let mut setting = setting(options, free_port(), clock, reports, Arc::default());
    setting.network_keys.clone_from(network_keys);
    let mut holder = Holder { setting, slots: BTreeMap::new() };
    for slot in 0..WARM {
        let name = format!("warm-{slot}");
        let (kind, circle) = (Kind::TwoWay, Circle::First);
        holder.start(Birth { slot, name, seed: 0, sabotaged: false, kind, circle });
    }
    // They run for a moment, so that what a node needs only later is there as well.
    std::thread::sleep(Duration::from_millis(300));
    for slot in std::mem::take(&mut holder.slots).into_values() {
        let _ = slot.orders.send(SlotOrder::Stop);
        let _ = slot.thread.join();
    }
    Level::now()
}

/// Writes reports until nobody can make any more.
fn write(reports: &Receiver<Report>, tally: &Mutex<Tally>, most: &Mutex<Level>) {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut told = Instant::now();
    let mut rounds = 0_u32;
    loop {
        let (report, over) = match reports.recv_timeout(TALLY.saturating_sub(told.elapsed())) {
            Ok(report) => (Some(report), false),
            Err(error) => (None, error == RecvTimeoutError::Disconnected),
        };
        let mut lines: Vec<Report> = report.into_iter().chain(reports.try_iter()).collect();
        if over || told.elapsed() >= TALLY {
            told = Instant::now();
            let mut tally = tally.lock();
            lines.push(Report::Tally(std::mem::take(&mut *tally)));
            drop(tally);
            rounds += 1;
            if rounds.is_multiple_of(4)
                && let Some(level) = Level::now()
            {
                let mut most = most.lock();
                *most = most.max(level);
                lines.push(Report::Level { when: When::During, level });
            }
        }
        for line in &lines {
            let written = serde_json::to_writer(&mut out, line).map_err(std::io::Error::from);
            if written.and_then(|()| out.write_all(b"\n")).is_err() {
                // The conductor is gone, and standard input will say so.
                return;
            }
        }
        if out.flush().is_err() || over {
            return;
        }
    }
}
