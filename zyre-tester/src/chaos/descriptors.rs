//! Are there enough descriptors? Each node has up to two connections with each other node, and
//! holds one end of both.

/// Descriptors of a node for each peer: its link, and the peer's connection to its mailbox. Where
/// both share one connection, it is one; but dials may cross.
const PER_PEER: u64 = 2;

/// Descriptors of a node alone: mailbox, two for the beacon, and its runtime.
const PER_NODE: u64 = 8;

/// Descriptors of a process without nodes, and some to spare: connections that come and go.
const PER_PROCESS: u64 = 100;

/// More processes than this are not started without being asked for.
const MOST_PROCESSES: usize = 32;

/// How the nodes are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Processes that hold nodes.
    pub(super) processes: usize,
    /// Nodes that may be up at a time.
    pub(super) most: usize,
    /// Descriptors of one process.
    pub(super) limit: u64,
}

/// Raises the limit as far as it goes, and spreads the nodes over a number of processes of which
/// `kinds` kinds can have the same share.
pub(super) fn plan(nodes: usize, processes: Option<usize>, kinds: usize) -> Result<Plan, String> {
    // Where it cannot be raised it is what it is.
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(256);
    spread(nodes, processes, kinds, limit)
}

/// What a process needs that holds `here` of `all` nodes that are up.
const fn need(here: usize, all: usize) -> u64 {
    here as u64 * (PER_NODE + PER_PEER * (all as u64).saturating_sub(1)) + PER_PROCESS
}

fn spread(
    nodes: usize,
    processes: Option<usize>,
    kinds: usize,
    limit: u64,
) -> Result<Plan, String> {
    let share = |processes: usize| nodes.div_ceil(processes);
    let fits = |processes: &usize| need(share(*processes), nodes) <= limit;
    let enough = (1..=nodes).find(fits);
    let processes = match (processes, enough) {
        (Some(processes), _) => processes.min(nodes),
        (None, Some(enough)) => enough.min(MOST_PROCESSES),
        (None, None) => nodes.min(MOST_PROCESSES),
    };
    let processes = processes.next_multiple_of(kinds);
    let here = |most: usize| need(most.min(share(processes)), most);
    let most = (2..=nodes).rev().find(|most| here(*most) <= limit).unwrap_or(0);
    // About half of the slots hold a node. With room for few more, what is seldom is never seen.
    if most < nodes.min(2.max(nodes * 6 / 10)) {
        let needed = need(share(processes), nodes);
        let more = match enough {
            Some(enough) => format!("use --processes {enough}, "),
            None => String::new(),
        };
        return Err(format!(
            "{nodes} nodes in {processes} process(es) need {needed} descriptors each, and the hard \
             limit is {limit}.\n\
             Either {more}use fewer --nodes, or raise the limit: `ulimit -Hn {needed}` as root in \
             the shell that starts this, `LimitNOFILE=` of a service, or `nofile` in \
             /etc/security/limits.conf."
        ));
    }
    Ok(Plan { processes, most, limit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_if_it_is_enough() {
        let plan = spread(90, None, 1, 20_000).unwrap();
        assert_eq!(plan, Plan { processes: 1, most: 90, limit: 20_000 });
        assert_eq!(spread(100, None, 1, 20_000).unwrap().processes, 2);
        assert_eq!(spread(100, None, 1, 1024).unwrap().most, 100);
    }

    #[test]
    fn both_kinds_have_the_same_share() {
        for (processes, expected) in [(None, 2), (Some(1), 2), (Some(3), 4), (Some(4), 4)] {
            assert_eq!(spread(60, processes, 2, 20_000).unwrap().processes, expected);
        }
    }

    #[test]
    fn fewer_at_a_time_if_one_process_is_wished_for() {
        let plan = spread(100, Some(1), 1, 20_000).unwrap();
        assert!(plan.processes == 1 && (90..100).contains(&plan.most), "{plan:?}");
    }

    #[test]
    fn says_what_to_do() {
        let error = spread(100, Some(1), 1, 4096).unwrap_err();
        assert!(error.contains("--processes") && error.contains("ulimit"), "{error}");
        assert!(spread(500, None, 1, 256).unwrap_err().contains("fewer --nodes"));
    }
}
