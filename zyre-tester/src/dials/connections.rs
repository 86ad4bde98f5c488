//! The connections between two nodes, as their relays see them.

use std::collections::BTreeMap;

use super::dial::Dial;
use super::entry::{Entry, Fact, Step};
use super::role::Role;

/// All connections that there were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Connections {
    states: BTreeMap<Dial, State>,
    /// Whether both nodes had a dial open before anything was heard by any.
    pub(super) crossed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Neither end has said that it is over.
    Open,
    /// One end has, and the other may not know.
    Ending,
    Over,
}

impl Connections {
    /// Reads what has happened to them.
    pub(super) fn new(entries: &[Entry]) -> Self {
        let (mut connections, mut is_heard) = (Self::default(), false);
        for entry in entries {
            is_heard |= entry.hello().is_some();
            let Fact::Dial(dial, step) = &entry.fact else { continue };
            let state = match step {
                Step::Accepted => State::Open,
                Step::Ended(_) | Step::Reset(_) | Step::Unreachable(_) => State::Ending,
                Step::Refused | Step::Over => State::Over,
                Step::Forwarded | Step::Passed { .. } => continue,
            };
            connections.states.insert(*dial, state);
            let open = |by: Role| connections.open().any(|dial| dial.by == by);
            connections.crossed |= !is_heard && Role::BOTH.into_iter().all(open);
        }
        connections
    }

    /// Returns those that are open.
    pub(super) fn open(&self) -> impl Iterator<Item = Dial> {
        let states = self.states.iter().filter(|(_, state)| **state == State::Open);
        states.map(|(dial, _)| *dial)
    }

    /// Returns whether one has ended at one end only.
    pub(super) fn is_one_ending(&self) -> bool {
        self.states.values().any(|state| *state == State::Ending)
    }

    /// Returns how many there were.
    pub(super) fn count(&self) -> usize {
        self.states.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::dials::dial::End;
    use crate::dials::entry::HELLO;

    #[test]
    fn dials_cross_as_long_as_nothing_is_heard() {
        let entry = |by, step| {
            let fact = Fact::Dial(Dial { by, number: 1 }, step);
            Entry { at: Duration::ZERO, fact }
        };
        let passed = |commands| {
            let step =
                Step::Passed { from: End::Dialler, bytes: 64, held: Duration::ZERO, commands };
            entry(Role::Chooser, step)
        };
        let crossed = |passed| {
            let accepted = |by| entry(by, Step::Accepted);
            let entries = [accepted(Role::Chooser), passed, accepted(Role::Follower)];
            Connections::new(&entries).crossed
        };
        assert!(crossed(passed(Vec::new())));
        assert!(!crossed(passed(vec![HELLO])));
    }

    #[test]
    fn connections_come_cross_and_end() {
        let dial = |by| Dial { by, number: 1 };
        let (chooser, follower) = (dial(Role::Chooser), dial(Role::Follower));
        let mut entries = Vec::new();
        let mut after = |dial, step| {
            entries.push(Entry { at: Duration::ZERO, fact: Fact::Dial(dial, step) });
            Connections::new(&entries)
        };
        let open = |connections: &Connections| connections.open().collect::<Vec<_>>();
        assert_eq!(open(&after(chooser, Step::Accepted)), [chooser]);
        assert!(!after(chooser, Step::Forwarded).crossed);
        let two = after(follower, Step::Accepted);
        assert_eq!((open(&two), two.crossed, two.count()), (vec![chooser, follower], true, 2));
        let ending = after(chooser, Step::Ended(End::Dialler));
        assert_eq!((open(&ending), ending.is_one_ending()), (vec![follower], true));
        let one = after(chooser, Step::Over);
        assert_eq!((open(&one), one.is_one_ending(), one.crossed), (vec![follower], false, true));
    }
}
