//! Chaos on random topologies: nodes on hosts in network namespaces, on all interfaces.
//!
//! ```text
//!  world_run ── lines ──> member: a process inside the namespace of a host
//!   change       what happens next                node: zyre node, behaviour, ledger
//!   language     what is said on the lines        or a guest: pyre, or the release before
//!   partition    a network that falls apart, and heals
//!   topology     the hosts and networks, as data
//!   sources      how each node finds others; assignment: which does how
//!   machines     the same as namespaces
//!   neighbours   room for all of them in the kernel
//!   ways         how what is sent gets from host to host
//!   truth        which nodes are told of each other, and which can meet
//!   moment       do the nodes know the truth
//! ```
//!
//! Changes come for some seconds, then all is quiet. At a quiet moment each node has to know those
//! the nodes that it can meet, and no others: the truth is computed from the topology, and from what the
//! topology has been since the nodes have started. What two can hear of each other is checked beside
//! each node, in its [ledger](testkit::ledger).
//!
//! The seed decides the topology and the changes, not how fast the machine is: two runs with one
//! seed are alike, not equal. Nothing leaves the namespaces.

mod assignment;
mod change;
mod guests;
mod kind;
mod language;
mod last_words;
mod lateness;
mod machines;
mod member;
mod moment;
mod neighbours;
mod node;
mod options;
mod padding;
mod partition;
mod secrets;
mod sources;
mod summary;
mod topology;
mod truth;
mod ways;
mod world_run;

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;
use testkit::failure::Failure;
use testkit::namespace::{self, Namespace};

use self::assignment::assign;
use self::guests::Guests;
use self::moment::Patience;
pub(crate) use self::options::Options;
use self::topology::Topology;
use self::world_run::WorldRun;
use crate::json;

/// Returns whether a world can be made here.
///
/// # Errors
/// It cannot; says why not.
fn possible() -> Result<(), Failure> {
    namespace::possible()?;
    Namespace::new()?.nft("table ip x {}")
}

/// Runs a world. Returns whether nothing was wrong.
///
/// # Errors
/// If it cannot be run.
pub(crate) fn run(options: &Options) -> Result<bool, String> {
    if options.possible {
        return possible().map(|()| true).map_err(String::from);
    }
    json::prepare(options.json.as_deref());
    let seed = options.seed.unwrap_or_else(rand::random);
    let mut rng = StdRng::seed_from_u64(seed);
    let mut topology = Topology::random(&mut rng, options.hosts, options.plain);
    assign(&mut rng, &mut topology);
    if options.secure {
        topology.hosts.iter_mut().for_each(|host| host.sources.give_up_gossip());
    }
    // Guests take their chance from the seed themselves: the topology is the same without them.
    let mut rng = StdRng::seed_from_u64(seed.wrapping_add(2));
    let guests = Guests::invite(options, &mut rng, &mut topology)?;
    let (hosts, seconds) = (options.hosts, options.seconds);
    let patience = Patience::new(Duration::from_secs(options.expired));
    println!("world --seed {seed} --hosts {hosts} --seconds {seconds}\n{topology}{patience}");
    if options.show {
        return Ok(true);
    }
    possible()?;
    if let Some(raised) = neighbours::make_room(hosts.into())? {
        println!("{raised}");
    }
    let mut run = WorldRun::new(options, topology, guests, seed)?;
    let result = run.run();
    if options.transcript && (result.is_err() || !run.summary.wrong.is_empty()) {
        eprintln!("{}", run.transcript());
    }
    println!("{}", run.summary);
    if let Some(path) = &options.json {
        json::write(path, &run.summary.figures())?;
    }
    result?;
    Ok(run.summary.wrong.is_empty())
}

/// Plays a role in a world, if it is one of a world.
pub(crate) fn play(role: &str, settings: &Value) {
    if role != node::ROLE {
        return;
    }
    // One thread: what a node says when it is asked cannot be overtaken by what it is told.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = runtime.map_err(|error| error.to_string());
    if let Err(error) = result.and_then(|runtime| runtime.block_on(node::run(settings))) {
        eprintln!("{error}");
        std::process::exit(1);
    }
}
