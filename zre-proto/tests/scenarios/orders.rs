//! Every order in which things can happen, one after the other.
//!
//! What happens at different nodes may as well happen the other way round, and nobody could tell.
//! So of all orders that differ in nothing else only one is tried (by *sleep sets*: what was tried
//! first at a choice is not tried again below the other ways, until something happens at the same
//! node). What happens at node 0 happens at all of them.

use std::collections::BTreeSet;

/// One order: which of the things that may happen next does.
#[derive(Debug)]
pub(crate) struct Orders<K> {
    choices: Vec<Choice<K>>,
    /// How many choices were made in this run.
    made: usize,
    /// The rest of this run is one that was tried before.
    is_known: bool,
}

/// What may happen next, each with the node where it does.
#[derive(Debug)]
struct Choice<K> {
    ways: Vec<(K, u8)>,
    /// The one of them that is tried now.
    now: usize,
    /// What would only change an order that makes no difference.
    asleep: BTreeSet<(K, u8)>,
}

impl<K> Default for Orders<K> {
    fn default() -> Self {
        Self { choices: Vec::new(), made: 0, is_known: false }
    }
}

impl<K: Copy + Ord> Orders<K> {
    /// Chooses one of the things that may happen next. Returns `None` if whatever comes now was
    /// tried before.
    pub(crate) fn choose(&mut self, ways: &[(K, u8)]) -> Option<K> {
        if self.made == self.choices.len() {
            let asleep = self.choices.last().map_or_else(BTreeSet::new, Choice::asleep_below);
            let ways = ways.iter().copied().filter(|way| !asleep.contains(way)).collect();
            self.choices.push(Choice { ways, now: 0, asleep });
        }
        let choice = &self.choices[self.made];
        self.made += 1;
        let way = choice.ways.get(choice.now);
        self.is_known |= way.is_none();
        way.map(|(key, _)| *key)
    }

    /// Whether this run was broken off.
    pub(crate) const fn is_known(&self) -> bool {
        self.is_known
    }

    /// Goes on to the next order. Returns `false` if there is none.
    pub(crate) fn advance(&mut self) -> bool {
        (self.made, self.is_known) = (0, false);
        while let Some(mut choice) = self.choices.pop() {
            choice.now += 1;
            if choice.now < choice.ways.len() {
                self.choices.push(choice);
                return true;
            }
        }
        false
    }
}

impl<K: Copy + Ord> Choice<K> {
    fn asleep_below(&self) -> BTreeSet<(K, u8)> {
        let node = self.ways.get(self.now).map(|(_, node)| *node);
        let tried = self.ways.iter().take(self.now);
        let apart =
            |way: &&(K, u8)| way.1 != 0 && node.is_some_and(|node| ![0, way.1].contains(&node));
        self.asleep.iter().chain(tried).filter(apart).copied().collect()
    }
}
