//! What must hold when two nodes have met, and what does not.

use std::fmt;

use serde::Serialize;
use zyre::{PeerId, Stats};

use super::connections::Connections;
use super::entry::{Entry, Fact, Step, Told};
use super::role::Role;

/// What must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum Rule {
    /// Each application is told one ENTER, of the other node.
    Enter,
    /// No application is told EXIT.
    Exit,
    /// Each node has sent one HELLO, and received one, as it has counted, and as relays have seen.
    Hello,
    /// Of all connections the right number is left, and stays.
    Connections,
    /// All connections go through the relays.
    Relay,
    /// A WHISPER arrives each way, once.
    Whisper,
}

impl Rule {
    pub(super) const ALL: [Self; 6] =
        [Self::Enter, Self::Exit, Self::Hello, Self::Connections, Self::Relay, Self::Whisper];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Enter => "one ENTER each",
            Self::Exit => "no EXIT",
            Self::Hello => "one HELLO each way",
            Self::Connections => "connections left",
            Self::Relay => "all through the relays",
            Self::Whisper => "a WHISPER each way",
        }
    }
}

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Deviation {
    pub(super) rule: Rule,
    pub(super) what: String,
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule.name(), self.what)
    }
}

/// What is left of a run when it is over.
pub(super) struct Evidence<'a> {
    pub(super) entries: &'a [Entry],
    pub(super) ids: [PeerId; 2],
    pub(super) stats: [Stats; 2],
    /// What each node has whispered; `None`: it was not asked to, for they have not met.
    pub(super) words: Option<[&'static str; 2]>,
    /// The connections before that, and whether nothing became of them for a while.
    pub(super) settled: (Connections, bool),
    /// How many of them are to be left.
    pub(super) wanted: usize,
}

impl Evidence<'_> {
    /// Returns what does not hold.
    pub(super) fn deviations(&self) -> Vec<Deviation> {
        let mut found = Vec::new();
        for role in Role::BOTH {
            self.check_told(role, &mut found);
            self.check_counted(role, &mut found);
        }
        self.check_connections(&mut found);
        found
    }

    fn told(&self, role: Role) -> impl Iterator<Item = &Told> {
        self.entries.iter().filter_map(move |entry| match &entry.fact {
            Fact::Told(of, told) if *of == role => Some(told),
            _ => None,
        })
    }

    /// What the application of a node was told.
    fn check_told(&self, role: Role, found: &mut Vec<Deviation>) {
        let mut note = |rule, what| found.push(Deviation { rule, what });
        let (mut enters, mut heard) = (0, 0);
        let other = role.other().of(&self.ids);
        let said = self.words.as_ref().map(|words| *role.other().of(words));
        for told in self.told(role) {
            match told {
                Told::Enter(peer) if peer == other => enters += 1,
                Told::Enter(peer) => {
                    note(Rule::Enter, format!("{role}: ENTER of {peer}, who is that?"))
                }
                Told::Exit(_, reason) => note(Rule::Exit, format!("{role}: EXIT, {reason}")),
                Told::Whisper(peer, text) if peer == other && Some(text.as_str()) == said => {
                    heard += 1
                }
                Told::Whisper(_, text) => {
                    note(Rule::Whisper, format!("{role}: {text:?}, who said that?"))
                }
                Told::Other(_) => {}
            }
        }
        if enters != 1 {
            note(Rule::Enter, format!("{role}: {enters} ENTERs"));
        }
        if said.is_some() && heard != 1 {
            note(Rule::Whisper, format!("{role}: {heard} have come"));
        }
    }

    /// What a node has counted.
    fn check_counted(&self, role: Role, found: &mut Vec<Deviation>) {
        let stats = role.of(&self.stats);
        let (sent, received) = (stats.protocol.hellos_sent, stats.protocol.hellos_received);
        let passed = self.entries.iter().filter(|entry| entry.hello() == Some(role)).count();
        if (sent, received, passed) != (1, 1, 1) {
            let what = format!("{role}: {sent} sent, {received} received, {passed} passed on");
            found.push(Deviation { rule: Rule::Hello, what });
        }
        let forwarded = self.entries.iter().filter(|entry| {
            matches!(&entry.fact, Fact::Dial(dial, Step::Forwarded) if dial.by == role.other())
        });
        let (forwarded, seen) = (forwarded.count() as u64, stats.network.connections);
        if seen > forwarded {
            let what = format!("{role}: {seen} at the mailbox, {forwarded} by the relay");
            found.push(Deviation { rule: Rule::Relay, what });
        }
    }

    fn check_connections(&self, found: &mut Vec<Deviation>) {
        let mut note = |what| found.push(Deviation { rule: Rule::Connections, what });
        let names = |connections: &Connections| {
            let names: Vec<_> = connections.open().map(|dial| dial.to_string()).collect();
            if names.is_empty() { "none".to_owned() } else { names.join(", ") }
        };
        let (settled, is_settled) = &self.settled;
        if !is_settled {
            note("they still come and go".to_owned());
        } else if settled.open().count() != self.wanted {
            note(names(settled));
        }
        let last = Connections::new(self.entries);
        if *is_settled && last != *settled {
            note(format!("{} in the end, {} before", names(&last), names(settled)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::dials::dial::{Dial, End};
    use crate::dials::entry::HELLO;

    const IDS: [PeerId; 2] = [PeerId::new([1; 16]), PeerId::new([2; 16])];
    const WORDS: [&str; 2] = ["from the chooser", "from the follower"];

    fn dial(by: Role, step: Step) -> Fact {
        Fact::Dial(Dial { by, number: 1 }, step)
    }

    fn hello(from: End) -> Step {
        Step::Passed { from, bytes: 48, held: Duration::ZERO, commands: vec![HELLO] }
    }

    /// Both dial, the chooser's dial is left, both enter, and say something.
    fn good() -> Vec<Fact> {
        let mut facts = Vec::new();
        for by in Role::BOTH {
            facts.push(dial(by, Step::Accepted));
            facts.push(dial(by, Step::Forwarded));
        }
        for from in [End::Dialler, End::Mailbox] {
            facts.push(dial(Role::Chooser, hello(from)));
        }
        facts.push(dial(Role::Follower, Step::Ended(End::Dialler)));
        facts.push(dial(Role::Follower, Step::Over));
        for role in Role::BOTH {
            facts.push(Fact::Told(role, Told::Enter(*role.other().of(&IDS))));
        }
        facts
    }

    fn words(by: Role) -> Fact {
        let told = Told::Whisper(*by.of(&IDS), (*by.of(&WORDS)).to_owned());
        Fact::Told(by.other(), told)
    }

    /// What is found if `more` happens after the connections have settled.
    fn found(facts: Vec<Fact>, more: Vec<Fact>, change: impl Fn(&mut Evidence<'_>)) -> Vec<Rule> {
        let entry = |fact| Entry { at: Duration::ZERO, fact };
        let mut entries: Vec<_> = facts.into_iter().map(entry).collect();
        let settled = (Connections::new(&entries), true);
        entries.extend(more.into_iter().map(entry));
        let mut stats = Stats::default();
        (stats.protocol.hellos_sent, stats.protocol.hellos_received) = (1, 1);
        stats.network.connections = 1;
        let mut evidence = Evidence {
            entries: &entries,
            ids: IDS,
            stats: [stats; 2],
            words: Some(WORDS),
            settled,
            wanted: 1,
        };
        change(&mut evidence);
        evidence.deviations().into_iter().map(|deviation| deviation.rule).collect()
    }

    fn both_words() -> Vec<Fact> {
        Role::BOTH.map(words).to_vec()
    }

    #[test]
    fn nothing_is_found_where_all_is_well() {
        assert_eq!(found(good(), both_words(), |_| {}), []);
    }

    #[test]
    fn each_rule_is_seen_when_it_does_not_hold() {
        let told = |told| {
            vec![words(Role::Chooser), words(Role::Follower), Fact::Told(Role::Chooser, told)]
        };
        let stranger = PeerId::new([3; 16]);
        let exit = told(Told::Exit(IDS[1], "link lost".into()));
        assert_eq!(found(good(), exit, |_| {}), [Rule::Exit]);
        for peer in [IDS[1], stranger] {
            assert_eq!(found(good(), told(Told::Enter(peer)), |_| {}), [Rule::Enter]);
        }
        let mute = good().into_iter().filter(|fact| !matches!(fact, Fact::Told(..))).collect();
        assert_eq!(found(mute, Vec::new(), |it| it.words = None), [Rule::Enter, Rule::Enter]);
        for (sent, received) in [(2, 1), (1, 2), (0, 1), (1, 0)] {
            let rules = found(good(), both_words(), |it| {
                let protocol = &mut it.stats[1].protocol;
                (protocol.hellos_sent, protocol.hellos_received) = (sent, received);
            });
            assert_eq!(rules, [Rule::Hello]);
        }
        let again = [both_words(), vec![dial(Role::Follower, hello(End::Mailbox))]].concat();
        assert_eq!(found(good(), again, |_| {}), [Rule::Hello]);
        let past_the_relay = |it: &mut Evidence<'_>| it.stats[0].network.connections = 2;
        assert_eq!(found(good(), both_words(), past_the_relay), [Rule::Relay]);
        assert_eq!(found(good(), vec![words(Role::Chooser)], |_| {}), [Rule::Whisper]);
        let twice = [both_words(), vec![words(Role::Chooser)]].concat();
        assert_eq!(found(good(), twice, |_| {}), [Rule::Whisper]);
    }

    #[test]
    fn one_connection_has_to_be_left_and_to_stay() {
        let two = Role::BOTH.map(|by| dial(by, Step::Accepted));
        let open = [good(), two.to_vec()].concat();
        assert_eq!(found(open.clone(), both_words(), |_| {}), [Rule::Connections]);
        assert_eq!(found(open, both_words(), |it| it.wanted = 2), []);
        let end = |step| vec![dial(Role::Chooser, step)];
        let none = [good(), end(Step::Over)].concat();
        assert_eq!(found(none, both_words(), |_| {}), [Rule::Connections]);
        for step in [Step::Ended(End::Mailbox), Step::Reset(End::Dialler)] {
            let late = [both_words(), end(step)].concat();
            assert_eq!(found(good(), late, |_| {}), [Rule::Connections]);
        }
        assert_eq!(found(good(), both_words(), |it| it.settled.1 = false), [Rule::Connections]);
    }
}
