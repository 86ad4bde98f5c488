//! A recording of a crowd: many nodes that talk, come and go.

use std::collections::BTreeMap;
use std::path::Path;

use zyre_logger::store::Entry;
use zyre_logger::{Change, Entered, Level, LogEvent, Record, Store, What, correlation_id};

use super::SECOND;

/// What a crowd is like.
pub struct Crowd {
    pub nodes: usize,
    pub groups: usize,
    pub seconds: i64,
    /// Lines a second.
    pub lines: usize,
    /// When it begins.
    pub from: i64,
}

/// A generator of numbers that are always the same.
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound
    }
}

/// A node of the crowd; it has another number each time that it comes.
struct Person {
    name: String,
    number: usize,
    groups: Vec<usize>,
}

fn endpoint(number: usize) -> String {
    format!("tcp://10.{}.{}.{}:49152", number / 60_000, number / 250 % 240, number % 250 + 1)
}

fn id(number: usize) -> u16 {
    correlation_id(&endpoint(number))
}

fn key(number: usize) -> String {
    format!("{number:032x}")
}

fn change(at: i64, number: usize, what: What) -> Entry {
    Entry::Change(Change { at, peer: key(number), what })
}

fn entered(number: usize, name: &str) -> What {
    let headers = BTreeMap::from([("X-ROLE".to_owned(), format!("role {}", number % 5))]);
    What::Entered(Box::new(Entered {
        correlation: id(number),
        endpoint: endpoint(number),
        name: name.to_owned(),
        key: number.is_multiple_of(3).then(|| "k".repeat(40)),
        headers,
    }))
}

fn line(at: i64, number: usize, event: LogEvent, peer: Option<usize>, data: &str) -> Record {
    Record {
        received: at,
        source: None,
        time: u64::try_from(at / SECOND).unwrap_or(0),
        level: Level::Info,
        event,
        node: id(number),
        peer: peer.map_or(0, id),
        data: data.to_owned(),
    }
}

const WORDS: [&str; 12] = [
    "lobby", "print", "cameras", "lights", "doors", "stage", "sound", "garden", "games", "backup",
    "lab", "roof",
];

impl Crowd {
    fn group(&self, i: usize) -> String {
        let word = WORDS[i % WORDS.len()];
        if i < WORDS.len() { word.to_owned() } else { format!("{word} {}", i / WORDS.len()) }
    }

    /// Writes the recording.
    pub fn record(&self, path: &Path) {
        let mut store = Store::create(path).unwrap();
        let mut dice = Dice::new(7);
        let collector = 59_999;
        let mut entries = vec![
            change(self.from, collector, What::Begun),
            change(self.from, collector, entered(collector, "zyre-logger")),
        ];
        let mut next = 0;
        let mut people = Vec::new();
        for i in 0..self.nodes {
            let at = self.from + SECOND / 10 + i as i64 * 1_000;
            let groups = match self.groups {
                0 => Vec::new(),
                groups => vec![i % groups, dice.below(groups)],
            };
            let mut person = Person { name: format!("node-{:03}", i + 1), number: 0, groups };
            self.come(&mut person, &mut next, at, collector, &mut entries);
            people.push(person);
        }
        for second in 1..self.seconds {
            let begin = self.from + second * SECOND;
            for i in 0..self.lines {
                let at = begin + (i as i64 * SECOND) / self.lines as i64;
                entries.push(Entry::Record(self.talk(&mut dice, &people, at)));
            }
            self.happen(second, &mut dice, &mut people, &mut next, collector, &mut entries);
            store.write(&entries).unwrap();
            entries.clear();
        }
        store.write(&entries).unwrap();
    }

    fn come(
        &self,
        person: &mut Person,
        next: &mut usize,
        at: i64,
        collector: usize,
        entries: &mut Vec<Entry>,
    ) {
        person.number = *next;
        *next += 1;
        entries.push(change(at, person.number, entered(person.number, &person.name)));
        entries.push(Entry::Record(line(
            at,
            collector,
            LogEvent::Enter,
            Some(person.number),
            &person.name,
        )));
        for group in &person.groups {
            let group = self.group(*group);
            entries.push(Entry::Record(line(
                at,
                collector,
                LogEvent::Join,
                Some(person.number),
                &group,
            )));
        }
    }

    /// Makes a line of a node: a few nodes say much, most say little.
    fn talk(&self, dice: &mut Dice, people: &[Person], at: i64) -> Record {
        let someone = |dice: &mut Dice| {
            let a = dice.below(people.len());
            a.min(dice.below(people.len()))
        };
        let (a, b) = (&people[someone(dice)], &people[dice.below(people.len())]);
        match dice.below(4) {
            0 if !a.groups.is_empty() => {
                let group = self.group(a.groups[dice.below(a.groups.len())]);
                line(at, a.number, LogEvent::Send, None, &format!("SHOUT {group}"))
            }
            1 | 2 if !b.groups.is_empty() => {
                let group = self.group(b.groups[dice.below(b.groups.len())]);
                line(at, b.number, LogEvent::Recv, Some(a.number), &format!("SHOUT {group}"))
            }
            _ => line(at, b.number, LogEvent::Recv, Some(a.number), &format!("WHISPER {}", a.name)),
        }
    }

    /// Makes what happens once a second: a node leaves, enters, falls silent, warns, sends a file, or leads.
    fn happen(
        &self,
        second: i64,
        dice: &mut Dice,
        people: &mut [Person],
        next: &mut usize,
        collector: usize,
        entries: &mut Vec<Entry>,
    ) {
        let at = self.from + second * SECOND + SECOND - 1;
        let i = dice.below(people.len());
        let count = people.len();
        let (number, other) = (people[i].number, people[(i + 1) % count].number);
        match second % 7 {
            1 => entries.push(change(at, number, What::Evasive)),
            2 => entries.push(change(at, number, What::Silent)),
            3 => {
                let reason = ["goodbye", "link lost", "expired", "overflow"][dice.below(4)];
                let text = line(at, collector, LogEvent::Exit, Some(number), reason);
                entries.push(Entry::Record(text));
                entries.push(change(at, number, What::Gone { reason: reason.to_owned() }));
                for witness in 1..4.min(count) {
                    let witness = people[(i + witness) % count].number;
                    let text = line(at, witness, LogEvent::Exit, Some(number), reason);
                    entries.push(Entry::Record(Record { level: Level::Warning, ..text }));
                }
                self.come(&mut people[i], next, at, collector, entries);
            }
            4 => {
                let text =
                    ["battery at 20 %", "cannot open camera", "disk \"full\", 95 %"][dice.below(3)];
                let level = if dice.below(3) == 0 { Level::Error } else { Level::Warning };
                entries.push(Entry::Record(Record {
                    level,
                    ..line(at, number, LogEvent::None, None, text)
                }));
            }
            5 if self.groups > 0 => {
                let group = self.group(people[i].groups[0]);
                let text = format!("{} leads {group}", people[i].name);
                entries.push(Entry::Record(line(at, other, LogEvent::None, Some(number), &text)));
            }
            _ => {
                let step = 1 + second / 7 % 10;
                let text = format!(
                    "sending {} of 10485760 bytes: photos/{}.jpg",
                    step * 1_048_576,
                    second / 70
                );
                let (from, to) = (people[0].number, people[1].number);
                entries.push(Entry::Record(line(at, from, LogEvent::None, Some(to), &text)));
            }
        }
    }
}
