//! What goes wrong, and when: a list that is made before the run, so that it can be cut.

use std::fmt;
use std::str::FromStr;

use super::chance::Chance;
use super::quantity;
use super::queue::{MILLI, Micros, SECOND};
use super::rules::MINUTE;

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
    /// An application does not take its events for a while.
    Sleep { slot: u32, lasts: Micros },
    /// The network falls in two parts; which node is in which follows from `cut`.
    Partition { lasts: Micros, cut: u64 },
}

/// How a node ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum How {
    /// It says goodbye.
    Stop,
    /// Its process ends, and the kernel resets its connections.
    Crash,
    /// Its host is gone.
    Vanish,
}

/// Where the next node on a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Back {
    /// At the same endpoint.
    Same,
    /// At another port.
    Port,
    /// At another address.
    Address,
}

/// Who sees at once that connections to an old address are dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    pub(super) sleeps: f64,
}

impl Rates {
    /// Faults between two times.
    pub(super) fn faults(&self, seed: u64, nodes: u32, from: Micros, until: Micros) -> Vec<Fault> {
        let mut faults = Vec::new();
        if until <= from || nodes < 2 {
            return faults;
        }
        let rates = [self.crash, self.moves, self.breaks, self.stalls, self.sleeps];
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

impl Kind {
    fn any(what: usize, nodes: u32, chance: &mut Chance) -> Self {
        let slot = chance.below(nodes.into()) as u32;
        let other = (slot + 1 + chance.below(u64::from(nodes) - 1) as u32) % nodes;
        let pair = (slot.min(other), slot.max(other));
        let lasts = chance.between((SECOND, 20 * SECOND)) / MILLI * MILLI;
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
            _ => Self::Sleep { slot, lasts },
        }
    }

    /// The nodes it names; all must exist.
    pub(super) fn slots(&self) -> Vec<u32> {
        match self {
            Self::Down { slot, .. } | Self::Move { slot, .. } | Self::Sleep { slot, .. } => {
                vec![*slot]
            }
            Self::Break { pair } | Self::Stall { pair, .. } => vec![pair.0, pair.1],
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
                let how = format!("{how:?}").to_lowercase();
                let back = format!("{back:?}").to_lowercase();
                write!(f, "{how} {slot} for {} {back}", seconds(*lasts))
            }
            Kind::Move { slot, seen } => {
                write!(f, "move {slot} {}", format!("{seen:?}").to_lowercase())
            }
            Kind::Break { pair: (one, other) } => write!(f, "break {one} {other}"),
            Kind::Stall { pair: (one, other), lasts } => {
                write!(f, "stall {one} {other} for {}", seconds(*lasts))
            }
            Kind::Sleep { slot, lasts } => write!(f, "sleep {slot} for {}", seconds(*lasts)),
            Kind::Partition { lasts, cut } => write!(f, "partition for {} {cut}", seconds(*lasts)),
        }
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().filter(|word| *word != "for").collect();
        let wrong = || {
            format!(
                "{text:?} is no fault; a fault is one of `AT stop|crash|vanish NODE for TIME \
                 same|port|address`, `AT move NODE both|here|nowhere`, `AT break NODE NODE`, \
                 `AT stall NODE NODE for TIME`, `AT sleep NODE for TIME`, `AT partition for TIME \
                 [NUMBER]`"
            )
        };
        let number = |word: &str| word.parse::<u32>().map_err(|_| wrong());
        let two = |one: &str, other: &str| {
            let (one, other) = (number(one)?, number(other)?);
            Ok::<_, String>((one.min(other), one.max(other)))
        };
        let (at, words) = words.split_first().ok_or_else(wrong)?;
        let kind = match words {
            [how @ ("stop" | "crash" | "vanish"), slot, lasts, back] => Kind::Down {
                slot: number(slot)?,
                how: match *how {
                    "stop" => How::Stop,
                    "crash" => How::Crash,
                    _ => How::Vanish,
                },
                lasts: quantity::time(lasts)?.max(2 * SECOND),
                back: match *back {
                    "same" => Back::Same,
                    "port" => Back::Port,
                    "address" => Back::Address,
                    _ => return Err(wrong()),
                },
            },
            ["move", slot, seen] => Kind::Move {
                slot: number(slot)?,
                seen: match *seen {
                    "both" => Seen::Both,
                    "here" => Seen::Here,
                    "nowhere" => Seen::Nowhere,
                    _ => return Err(wrong()),
                },
            },
            ["break", one, other] => Kind::Break { pair: two(one, other)? },
            ["stall", one, other, lasts] => {
                Kind::Stall { pair: two(one, other)?, lasts: quantity::time(lasts)? }
            }
            ["sleep", slot, lasts] => {
                Kind::Sleep { slot: number(slot)?, lasts: quantity::time(lasts)? }
            }
            ["partition", lasts] => Kind::Partition { lasts: quantity::time(lasts)?, cut: 0 },
            ["partition", lasts, cut] => {
                Kind::Partition { lasts: quantity::time(lasts)?, cut: number(cut)?.into() }
            }
            _ => return Err(wrong()),
        };
        Ok(Self { at: quantity::time(at)?, kind })
    }
}
