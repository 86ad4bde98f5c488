//! Two nodes that have to meet, to talk, and to notice the other's end.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::transcript::Mark;
use testkit::wait::DEADLINE;

use crate::node::Node;

/// How soon a killed node's peer must notice.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Two nodes.
pub(crate) struct Pair {
    pub(crate) nodes: [Node; 2],
    /// How soon they have to meet.
    pub(crate) within: Duration,
}

/// How a node ends.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum End {
    /// By SIGKILL.
    Killed,
    Stopped,
}

impl Pair {
    /// Both nodes run since these marks: they must meet.
    pub(crate) fn meet(&self, marks: [Mark; 2]) {
        let [a, b] = &self.nodes;
        let began = Instant::now();
        a.meets(&b.id, marks[0], self.within);
        b.meets(&a.id, marks[1], self.within.saturating_sub(began.elapsed()));
    }

    /// Both nodes have just been started.
    pub(crate) fn meet_first(&self) {
        self.meet(self.nodes.each_ref().map(|node| node.born));
    }

    /// A number of messages goes both ways at the same time, and comes once and in order.
    pub(crate) fn talk(&self, count: u64) {
        let [a, b] = &self.nodes;
        let marks = [a, b].map(Node::mark);
        for (one, other) in [(a, b), (b, a)] {
            one.tell(&format!("send {} {count} 100", other.id)).unwrap();
        }
        for (one, other, mark) in [(a, b, marks[0]), (b, a, marks[1])] {
            let last = json!({ "event": "last", "peer": other.id });
            let seen = one.hears(mark, last, DEADLINE);
            assert_eq!(seen.report["count"], count);
            one.assert_nothing_wrong();
        }
    }

    /// One of them ends, and the other notices at once and by the right reason; started again, it
    /// is met again.
    pub(crate) fn ends_and_comes_back(&mut self, which: usize, end: End) {
        let mark = self.nodes[1 - which].mark();
        let node = &mut self.nodes[which];
        let (reason, within) = match end {
            End::Killed => {
                node.kill();
                ("link lost", AT_ONCE)
            }
            End::Stopped => {
                node.ask("stop");
                node.blocking_end().unwrap();
                ("goodbye", AT_ONCE)
            }
        };
        let id = node.id.clone();
        let other = &self.nodes[1 - which];
        let exit = json!({ "event": "EXIT", "peer": id });
        let seen = other.hears(mark, exit, within);
        assert_eq!(seen.report["reason"], reason);
        self.nodes[which].start_again();
        let start = self.nodes[which].born;
        self.meet(if which == 0 { [start, seen.after] } else { [seen.after, start] });
    }

    /// Neither has heard of the other since these marks but messages.
    pub(crate) fn assert_calm_since(&self, marks: [Mark; 2]) {
        let [a, b] = &self.nodes;
        for (one, other, mark) in [(a, b, marks[0]), (b, a, marks[1])] {
            assert_eq!(one.story(&other.id, mark), [""; 0], "at {}", one.name());
        }
    }

    /// They meet, talk, and notice every end of the other.
    pub(crate) fn live(&mut self) {
        self.meet_first();
        self.talk(1000);
        for (which, end) in
            [(0, End::Killed), (1, End::Stopped), (0, End::Stopped), (1, End::Killed)]
        {
            self.ends_and_comes_back(which, end);
            self.talk(10);
        }
    }
}
