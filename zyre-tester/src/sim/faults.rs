//! What goes wrong, and when: a list that is made before the run, so that it can be cut.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;

use super::chance::Chance;
use super::lie::Lie;
use super::quantity;
use super::rules::MINUTE;
use super::site::{Told, Wall};
use super::time::{MILLI, Micros, SECOND};

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fault {
    pub(super) at: Micros,
    pub(super) kind: Kind,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A node ends, and another is started in its place.
    Down { slot: u32, how: How, lasts: Micros, back: Back },
    /// A host gets another address.
    Move { slot: u32, seen: Seen },
    /// The connections of two nodes are reset.
    Break { pair: (u32, u32) },
    /// The connections of two nodes do not move for a while.
    Stall { pair: (u32, u32), lasts: Micros },
    /// What one node sends another on connections is swallowed for a while.
    Hole { way: (u32, u32), lasts: Micros },
    /// Every message between two nodes takes long for a while.
    Slow { pair: (u32, u32), lasts: Micros },
    /// An application does not take its events for a while.
    Sleep { slot: u32, lasts: Micros },
    /// A process does not run for a while.
    Suspend { slot: u32, lasts: Micros },
    /// A host lets no connection in for a while.
    Wall { slot: u32, how: Wall, lasts: Micros },
    /// A host is behind NAT, and tells to be where it is not.
    Nat { slot: u32, told: Told },
    /// A host is reached by no beacon, and sends none.
    Quiet { slot: u32 },
    /// A node does not trust the key of another for a while.
    Distrust { way: (u32, u32), lasts: Micros },
    /// A liar is there for a while: to be the node at this host, mostly, with the key
    /// of another.
    Lie { lie: Lie, victim: u32, insider: u32, lasts: Micros },
    /// The network falls in two parts; which node is in which follows from `cut`.
    Partition { lasts: Micros, cut: u64 },
}

/// How a node ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum How {
    /// It says goodbye.
    Stop,
    /// Its process ends, and the kernel resets its connections.
    Crash,
    /// Its host is gone.
    Vanish,
}

/// Where the next node on a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Back {
    /// At the same endpoint.
    Same,
    /// At another port.
    Port,
    /// At another address.
    Address,
}

/// Which side sees at once that connections to an old address are dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Seen {
    /// Both sides.
    Both,
    /// The host that has moved.
    Here,
    /// Nobody: TCP has to give up.
    Nowhere,
}

/// How often things go wrong: per node and minute.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rates {
    pub(super) crash: f64,
    pub(super) moves: f64,
    pub(super) breaks: f64,
    pub(super) stalls: f64,
    pub(super) holes: f64,
    pub(super) slow: f64,
    pub(super) sleeps: f64,
    pub(super) suspensions: f64,
    pub(super) distrusts: f64,
    pub(super) lies: f64,
}

/// Shares of the hosts that are what they are for the whole run, in parts of a million.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shares {
    pub(super) walls: u32,
    pub(super) nats: u32,
    pub(super) quiet: u32,
}

impl Rates {
    /// Faults between two times.
    pub(super) fn faults(&self, seed: u64, nodes: u32, from: Micros, until: Micros) -> Vec<Fault> {
        let mut faults = Vec::new();
        if until <= from || nodes < 2 {
            return faults;
        }
        let rates = [
            self.crash,
            self.moves,
            self.breaks,
            self.stalls,
            self.sleeps,
            self.holes,
            self.slow,
            self.suspensions,
            self.distrusts,
            self.lies,
        ];
        for (what, rate) in rates.into_iter().enumerate() {
            let mut chance = Chance::of(seed, 10, what as u64);
            let count = rate * f64::from(nodes) * (until - from) as f64 / MINUTE as f64;
            for _ in 0..count.round() as u64 {
                let at = chance.between((from, until)) / MILLI * MILLI;
                faults.push(Fault { at, kind: Kind::any(what, nodes, &mut chance) });
            }
        }
        faults.sort();
        faults
    }
}

impl Shares {
    /// What hosts are like from the beginning until `end`.
    pub(super) fn faults(&self, seed: u64, nodes: u32, end: Micros) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut add = |kind| faults.push(Fault { at: 0, kind });
        for slot in 0..nodes {
            let mut chance = Chance::of(seed, 11, slot.into());
            if chance.hit(self.walls) {
                let how = [Wall::Drop, Wall::Reject][chance.below(2) as usize];
                add(Kind::Wall { slot, how, lasts: end });
            }
            if chance.hit(self.nats) {
                let told = [Told::Nowhere, Told::Another, Told::Asker][chance.below(3) as usize];
                add(Kind::Nat { slot, told });
            }
            if chance.hit(self.quiet) {
                add(Kind::Quiet { slot });
            }
        }
        faults
    }
}

impl Kind {
    fn any(what: usize, nodes: u32, chance: &mut Chance) -> Self {
        let slot = chance.below(nodes.into()) as u32;
        let other = (slot + 1 + chance.below(u64::from(nodes) - 1) as u32) % nodes;
        let pair = (slot.min(other), slot.max(other));
        let lasts = chance.between((SECOND, 20 * SECOND)) / MILLI * MILLI;
        // Longer than peers wait for each other.
        let long = chance.below(4) == 0;
        let long = lasts + if long { 30 * SECOND } else { 0 };
        match what {
            0 => {
                let how = [How::Stop, How::Crash, How::Vanish][chance.below(3) as usize];
                let back = [Back::Same, Back::Port, Back::Address][chance.below(3) as usize];
                Self::Down { slot, how, lasts: lasts.max(2 * SECOND), back }
            }
            1 => {
                let seen = [Seen::Both, Seen::Here, Seen::Nowhere][chance.below(3) as usize];
                Self::Move { slot, seen }
            }
            2 => Self::Break { pair },
            3 => Self::Stall { pair, lasts },
            4 => Self::Sleep { slot, lasts: long },
            5 => Self::Hole { way: (slot, other), lasts: long },
            6 => Self::Slow { pair, lasts },
            7 => Self::Suspend { slot, lasts: long },
            8 => Self::Distrust { way: (slot, other), lasts },
            _ => {
                let lies = Lie::value_variants();
                let lie = lies[chance.below(lies.len() as u64) as usize];
                Self::Lie { lie, victim: slot, insider: other, lasts }
            }
        }
    }

    /// Whether it says what a host is like, whether or not a process runs there.
    pub(super) const fn is_of_host(&self) -> bool {
        matches!(self, Self::Wall { .. } | Self::Nat { .. } | Self::Quiet { .. })
    }

    /// The nodes it names; all must exist.
    pub(super) fn slots(&self) -> Vec<u32> {
        match self {
            Self::Down { slot, .. }
            | Self::Move { slot, .. }
            | Self::Sleep { slot, .. }
            | Self::Suspend { slot, .. }
            | Self::Wall { slot, .. }
            | Self::Nat { slot, .. }
            | Self::Quiet { slot } => vec![*slot],
            Self::Break { pair } | Self::Stall { pair, .. } | Self::Slow { pair, .. } => {
                vec![pair.0, pair.1]
            }
            Self::Hole { way, .. } | Self::Distrust { way, .. } => vec![way.0, way.1],
            Self::Lie { victim, insider, .. } => vec![*victim, *insider],
            Self::Partition { .. } => Vec::new(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |time: Micros| format!("{}s", time as f64 / SECOND as f64);
        write!(f, "{} ", seconds(self.at))?;
        match &self.kind {
            Kind::Down { slot, how, lasts, back } => {
                write!(f, "{} {slot} for {} {}", word(*how), seconds(*lasts), word(*back))
            }
            Kind::Move { slot, seen } => {
                write!(f, "move {slot} {}", word(*seen))
            }
            Kind::Break { pair: (one, other) } => write!(f, "break {one} {other}"),
            Kind::Stall { pair: (one, other), lasts } => {
                write!(f, "stall {one} {other} for {}", seconds(*lasts))
            }
            Kind::Hole { way: (from, to), lasts } => {
                write!(f, "hole {from} {to} for {}", seconds(*lasts))
            }
            Kind::Slow { pair: (one, other), lasts } => {
                write!(f, "slow {one} {other} for {}", seconds(*lasts))
            }
            Kind::Sleep { slot, lasts } => write!(f, "sleep {slot} for {}", seconds(*lasts)),
            Kind::Suspend { slot, lasts } => write!(f, "suspend {slot} for {}", seconds(*lasts)),
            Kind::Wall { slot, how, lasts } => {
                write!(f, "wall {slot} {} for {}", word(*how), seconds(*lasts))
            }
            Kind::Nat { slot, told } => write!(f, "nat {slot} {}", word(*told)),
            Kind::Quiet { slot } => write!(f, "quiet {slot}"),
            Kind::Distrust { way: (node, other), lasts } => {
                write!(f, "distrust {node} {other} for {}", seconds(*lasts))
            }
            Kind::Lie { lie, victim, insider, lasts } => {
                write!(f, "{} {victim} {insider} for {}", word(*lie), seconds(*lasts))
            }
            Kind::Partition { lasts, cut } => write!(f, "partition for {} {cut}", seconds(*lasts)),
        }
    }
}

/// Returns the word for a choice.
fn word(choice: impl ValueEnum) -> String {
    choice.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Reads the word for a choice.
fn read<T: ValueEnum>(word: &str) -> Option<T> {
    T::from_str(word, false).ok()
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().filter(|word| *word != "for").collect();
        let wrong = || {
            format!(
                "{text:?} is no fault; a fault is one of `AT stop|crash|vanish NODE for TIME \
                 same|port|address`, `AT move NODE both|here|nowhere`, `AT break NODE NODE`, \
                 `AT stall|hole|slow NODE NODE for TIME`, `AT sleep|suspend NODE for TIME`, \
                 `AT partition for TIME [NUMBER]`, `AT wall NODE drop|reject for TIME`, \
                 `AT nat NODE nowhere|another|asker`, `AT quiet NODE`, `AT distrust NODE NODE for \
                 TIME`, `AT stranger|forger|plain|insider|trap|copy|boaster NODE NODE for TIME`"
            )
        };
        let number = |word: &str| word.parse::<u32>().map_err(|_| wrong());
        let two = |one: &str, other: &str| {
            let (one, other) = (number(one)?, number(other)?);
            Ok::<_, String>((one.min(other), one.max(other)))
        };
        let (at, words) = words.split_first().ok_or_else(wrong)?;
        let kind = match words {
            ["move", slot, seen] => {
                Kind::Move { slot: number(slot)?, seen: read(seen).ok_or_else(wrong)? }
            }
            ["break", one, other] => Kind::Break { pair: two(one, other)? },
            ["stall", one, other, lasts] => {
                Kind::Stall { pair: two(one, other)?, lasts: quantity::time(lasts)? }
            }
            ["hole", from, to, lasts] => {
                Kind::Hole { way: (number(from)?, number(to)?), lasts: quantity::time(lasts)? }
            }
            ["slow", one, other, lasts] => {
                Kind::Slow { pair: two(one, other)?, lasts: quantity::time(lasts)? }
            }
            ["sleep", slot, lasts] => {
                Kind::Sleep { slot: number(slot)?, lasts: quantity::time(lasts)? }
            }
            ["suspend", slot, lasts] => {
                Kind::Suspend { slot: number(slot)?, lasts: quantity::time(lasts)? }
            }
            ["wall", slot, how, lasts] => Kind::Wall {
                slot: number(slot)?,
                how: read(how).ok_or_else(wrong)?,
                lasts: quantity::time(lasts)?,
            },
            ["nat", slot, told] => {
                Kind::Nat { slot: number(slot)?, told: read(told).ok_or_else(wrong)? }
            }
            ["quiet", slot] => Kind::Quiet { slot: number(slot)? },
            ["partition", lasts] => Kind::Partition { lasts: quantity::time(lasts)?, cut: 0 },
            ["partition", lasts, cut] => {
                Kind::Partition { lasts: quantity::time(lasts)?, cut: number(cut)?.into() }
            }
            ["distrust", node, other, lasts] => {
                let way = (number(node)?, number(other)?);
                Kind::Distrust { way, lasts: quantity::time(lasts)? }
            }
            [what, victim, insider, lasts] if read::<Lie>(what).is_some() => Kind::Lie {
                lie: read(what).ok_or_else(wrong)?,
                victim: number(victim)?,
                insider: number(insider)?,
                lasts: quantity::time(lasts)?,
            },
            [how, slot, lasts, back] => Kind::Down {
                slot: number(slot)?,
                how: read(how).ok_or_else(wrong)?,
                lasts: quantity::time(lasts)?.max(2 * SECOND),
                back: read(back).ok_or_else(wrong)?,
            },
            _ => return Err(wrong()),
        };
        Ok(Self { at: quantity::time(at)?, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_as_it_is_written() {
        let rates = Rates {
            crash: 5.0,
            moves: 5.0,
            breaks: 1.0,
            stalls: 1.0,
            holes: 1.0,
            slow: 1.0,
            sleeps: 1.0,
            suspensions: 1.0,
            distrusts: 1.0,
            lies: 5.0,
        };
        let shares = Shares { walls: 300_000, nats: 300_000, quiet: 300_000 };
        let mut faults = rates.faults(1, 20, 0, 60 * SECOND);
        faults.extend(shares.faults(1, 20, 60 * SECOND));
        faults.push(Fault { at: SECOND, kind: Kind::Partition { lasts: SECOND, cut: 7 } });
        for fault in faults {
            let text = fault.to_string();
            assert_eq!(text.parse().as_ref(), Ok(&fault), "{text}");
        }
        assert!("1s wall 3 open for 5s".parse::<Fault>().is_err());
        assert!("1s nat 3".parse::<Fault>().is_err());
    }
}
