//! What happens next to which slot.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

/// What a slot is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It holds nothing.
    Free,
    /// It holds a node that can be stopped.
    Up,
    /// Something is under way: starting, ending, stalled.
    Busy,
}

/// What happens to a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    Start,
    Stop,
    Crash,
    Stall {
        time: Duration,
        dies: bool,
    },
    /// The process of the slot is killed.
    Kill,
}

/// Of 100 stops this number are crashes,
const CRASHES: u32 = 20;
/// stalls,
const STALLS: u32 = 20;
/// and the end of a whole process, if there is another one.
const KILLS: u32 = 2;

/// Throws the dice.
#[derive(Debug)]
pub(super) struct Schedule {
    rng: StdRng,
    pace: f64,
    most: usize,
    kills: bool,
}

impl Schedule {
    /// `most` nodes may be up at a time; `kills`: there is more than one process.
    pub(super) fn new(seed: u64, pace: f64, most: usize, kills: bool) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), pace, most, kills }
    }

    /// The seed of the next node.
    pub(super) fn seed(&mut self) -> u64 {
        self.rng.random()
    }

    /// How long to wait for the next move: 500 to 1000 ms at the normal pace.
    pub(super) fn pause(&mut self) -> Duration {
        Duration::from_secs_f64(self.rng.random_range(0.5..1.0) * self.pace)
    }

    /// A slot to start a node in.
    pub(super) fn start(&mut self, slots: &[State]) -> Option<usize> {
        self.pick(slots, |state| state == State::Free)
    }

    /// What happens now to one random slot.
    pub(super) fn next(&mut self, slots: &[State]) -> Option<(usize, Move)> {
        let holding = slots.iter().filter(|state| **state != State::Free).count();
        let full = holding >= self.most;
        let slot =
            self.pick(slots, |state| state == State::Up || (state == State::Free && !full))?;
        if slots[slot] == State::Free {
            return Some((slot, Move::Start));
        }
        let dice = self.rng.random_range(0..100);
        let stall = Move::Stall {
            time: Duration::from_millis(self.rng.random_range(1000..9000)),
            dies: self.rng.random_ratio(1, 3),
        };
        Some((
            slot,
            match dice {
                _ if dice < KILLS && self.kills => Move::Kill,
                _ if dice < KILLS + CRASHES => Move::Crash,
                _ if dice < KILLS + CRASHES + STALLS => stall,
                _ => Move::Stop,
            },
        ))
    }

    fn pick(&mut self, slots: &[State], fit: impl Fn(State) -> bool) -> Option<usize> {
        let fitting: Vec<usize> = (0..slots.len()).filter(|slot| fit(slots[*slot])).collect();
        fitting.choose(&mut self.rng).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_schedule() {
        let moves = |seed| {
            let mut schedule = Schedule::new(seed, 1.0, 4, true);
            let slots = [State::Free, State::Up, State::Busy, State::Up];
            (0..1000).map(|_| schedule.next(&slots)).collect::<Vec<_>>()
        };
        assert_eq!(moves(1), moves(1));
        assert_ne!(moves(1), moves(2));
        for kind in [Move::Start, Move::Stop, Move::Crash, Move::Kill] {
            assert!(moves(1).iter().flatten().any(|(_, it)| *it == kind), "{kind:?}");
        }
        assert!(moves(1).iter().flatten().all(|(slot, _)| *slot != 2), "busy");
    }

    #[test]
    fn no_more_than_may_be_up() {
        let mut schedule = Schedule::new(1, 1.0, 1, false);
        for _ in 0..100 {
            let (slot, next) = schedule.next(&[State::Up, State::Free]).unwrap();
            assert!(slot == 0 && next != Move::Kill, "{next:?}");
        }
    }
}
