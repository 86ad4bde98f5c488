//! One run: two nodes meet, and say something to each other.

use std::sync::Arc;
use std::time::Duration;

use super::check::Evidence;
use super::connections::Connections;
use super::entry::{Entry, Fact, Told, entered};
use super::finding::Finding;
use super::journal::Journal;
use super::member::Member;
use super::plan::{Plan, Variant};
use super::ports::Ports;
use super::relay::Relay;
use super::role::Role;

/// How long two nodes may take to meet,
const ENTER_LIMIT: Duration = Duration::from_secs(10);
/// their connections to settle,
const SETTLE_LIMIT: Duration = Duration::from_secs(10);
/// and a WHISPER to arrive.
const WHISPER_LIMIT: Duration = Duration::from_secs(5);

/// How long nothing has to become of any connection: longer than a relay takes to pass on what may
/// change that, both ways.
const QUIET: Duration = Duration::from_millis(300);

/// What became of a run.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) variant: Variant,
    pub(super) connections: Connections,
    /// From the start of the second node until both had entered.
    pub(super) meeting: Option<Duration>,
    pub(super) took: Duration,
    pub(super) finding: Option<Finding>,
}

/// Runs a plan. Of all connections the number `wanted` has to be left.
///
/// # Errors
/// A node or a relay cannot start.
pub(super) async fn run(plan: &Plan, ports: &Ports, wanted: usize) -> Result<Outcome, String> {
    let journal = Journal::new();
    let relay = |by: Role| {
        let (to, journal) = (by.other(), Arc::clone(&journal));
        Relay::start(by, ports.mailbox(to), plan.node(to).relay, journal)
    };
    // By the node that they lead to.
    let relays = [relay(Role::Follower).await?, relay(Role::Chooser).await?];
    let start = |role: Role| {
        Member::start(role, plan.node(role), ports, role.of(&relays).address, &journal)
    };
    let first = start(plan.first).await?;
    tokio::time::sleep(plan.gap).await;
    let second = start(plan.first.other()).await?;
    let started = journal.now();
    let members = if plan.first == Role::Chooser { [first, second] } else { [second, first] };

    let have_met =
        |entries: &[Entry]| Role::BOTH.iter().all(|role| entered(entries, *role).is_some());
    let met = journal.until(ENTER_LIMIT, have_met).await;
    let is_settled = journal.until_settled(QUIET, SETTLE_LIMIT).await;
    let connections = Connections::new(&journal.entries());
    if met {
        talk(&members, &journal).await;
    }
    let entries = journal.entries().clone();
    let meeting = Role::BOTH.into_iter().map(|role| entered(&entries, role)).max().flatten();
    let deviations = Evidence {
        entries: &entries,
        ids: Role::BOTH.map(|role| plan.node(role).id),
        stats: members.each_ref().map(Member::stats),
        words: met.then(|| members.each_ref().map(Member::words)),
        settled: (connections.clone(), is_settled),
        wanted,
    }
    .deviations();
    let finding = (!deviations.is_empty()).then(|| Finding::new(plan, deviations, &entries));
    for member in members {
        member.end().await;
    }
    let meeting = meeting.filter(|_| met).map(|at| at.saturating_sub(started));
    Ok(Outcome { variant: plan.variant, connections, meeting, took: journal.now(), finding })
}

/// Each says something, and what the other says is waited for.
async fn talk(members: &[Member; 2], journal: &Journal) {
    let [chooser, follower] = members;
    chooser.whisper(follower);
    follower.whisper(chooser);
    let have_heard = |entries: &[Entry]| {
        Role::BOTH.into_iter().all(|role| {
            let said = role.other().of(members).words();
            let hears = |entry: &Entry| {
                matches!(&entry.fact, Fact::Told(of, Told::Whisper(_, text))
                    if *of == role && text == said)
            };
            entries.iter().any(hears)
        })
    };
    // What has not come is found.
    journal.until(WHISPER_LIMIT, have_heard).await;
}
