//! A directory that changes, and all that was ever in it.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rand::{RngExt, SeedableRng};

use testkit::content::Content;

/// How old files look that are taken at once.
const AGE: Duration = Duration::from_secs(86_400);

/// What is published now under a name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Now {
    pub(super) content: Content,
    /// Changed a moment ago, so that it is not taken before it has been stable for a while.
    pub(super) fresh: bool,
}

/// The publisher's directory, and what was ever in it.
#[derive(Debug)]
pub(super) struct Publication {
    directory: PathBuf,
    /// Files are made here, and then put in place as they are.
    workshop: PathBuf,
    chance: StdRng,
    seed: u64,
    made: u64,
    largest: u64,
    now: BTreeMap<String, Now>,
    ever: HashMap<String, Vec<Content>>,
}

/// What files there are: their names, and how large they get.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Small,
    Middle,
    Large,
}

impl Publication {
    pub(super) fn new(directory: PathBuf, workshop: PathBuf, seed: u64, largest: u64) -> Self {
        let chance = StdRng::seed_from_u64(seed);
        let (now, ever) = Default::default();
        Self { directory, workshop, chance, seed, made: 0, largest, now, ever }
    }

    /// What is published now, by name.
    pub(super) const fn now(&self) -> &BTreeMap<String, Now> {
        &self.now
    }

    /// All that was ever published under a name.
    pub(super) fn ever(&self, name: &str) -> &[Content] {
        self.ever.get(name).map_or(&[], Vec::as_slice)
    }

    /// How many files were published, with those that replaced others.
    pub(super) const fn made(&self) -> u64 {
        self.made
    }

    /// Some changes: many to small files, few to large ones.
    pub(super) fn change(&mut self) -> io::Result<()> {
        for _ in 0..self.chance.random_range(3..40) {
            self.step(Kind::Small)?;
        }
        if self.chance.random_ratio(1, 2) {
            self.step(Kind::Middle)?;
        }
        if self.chance.random_ratio(2, 3) {
            self.step(Kind::Large)?;
        }
        // And some after it, so that it is not always the last.
        for _ in 0..self.chance.random_range(0..5) {
            self.step(Kind::Small)?;
        }
        Ok(())
    }

    fn step(&mut self, kind: Kind) -> io::Result<()> {
        let name = self.name(kind);
        let there = self.now.contains_key(&name);
        match self.chance.random_range(0..10) {
            0..=1 if there => self.remove(&name),
            2 if there => {
                let to = self.name(kind);
                self.rename(&name, &to)
            }
            _ => self.publish(name, kind),
        }
    }

    fn name(&mut self, kind: Kind) -> String {
        match kind {
            Kind::Small => {
                let number = self.chance.random_range(0..100);
                format!("small/{}/{number:02}", number / 20)
            }
            Kind::Middle => format!("middle {}", self.chance.random_range(0..8)),
            Kind::Large => format!("a/b/c/large-{}", self.chance.random_range(0..4)),
        }
    }

    fn size(&mut self, kind: Kind) -> u64 {
        let largest = self.largest.max(8);
        match kind {
            Kind::Small => match self.chance.random_range(0..10) {
                0 => 0,
                1..=4 => self.chance.random_range(1..200),
                _ => self.chance.random_range(200..16_384),
            },
            Kind::Middle => self.chance.random_range(1..largest / 4),
            Kind::Large => self.chance.random_range(largest / 4..=largest),
        }
    }

    /// Makes a file elsewhere, and renames it to its place.
    fn publish(&mut self, name: String, kind: Kind) -> io::Result<()> {
        self.made += 1;
        let stamp = self.seed ^ (self.made << 32);
        let content = Content { stamp, size: self.size(kind) };
        let fresh = self.chance.random_ratio(1, 10);
        let now = SystemTime::now();
        let changed = if fresh { now } else { now - AGE };
        let made = self.workshop.join("file");
        content.write(&made, changed)?;
        let path = self.directory.join(&name);
        std::fs::create_dir_all(path.parent().unwrap_or(&self.directory))?;
        // Before: from now on it may be delivered.
        self.enter(name, Now { content, fresh });
        std::fs::rename(made, path)
    }

    fn enter(&mut self, name: String, now: Now) {
        self.ever.entry(name.clone()).or_default().push(now.content);
        self.now.insert(name, now);
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.now.remove(name);
        std::fs::remove_file(self.directory.join(name))
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        if let Some(now) = self.now.remove(from) {
            self.enter(to.to_owned(), now);
        }
        let (from, to) = (self.directory.join(from), self.directory.join(to));
        std::fs::create_dir_all(to.parent().unwrap_or(&self.directory))?;
        std::fs::rename(from, to)
    }

    /// One of the files there are.
    pub(super) fn some(&mut self) -> Option<String> {
        self.now.keys().choose(&mut self.chance).cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::Publication;
    use crate::files::place::Place;
    use crate::files::tree::files_below;

    #[test]
    fn the_directory_is_what_the_publication_says() {
        let place = Place::new(None).unwrap();
        let (directory, workshop) = (place.fresh("p").unwrap(), place.fresh("w").unwrap());
        let mut publication = Publication::new(directory.clone(), workshop, 9, 50_000);
        for _ in 0..20 {
            publication.change().unwrap();
        }
        let files = files_below(&directory).unwrap();
        assert!(files.len() > 50 && files.len() == publication.now().len(), "{}", files.len());
        for (name, now) in publication.now() {
            let mut file = File::open(directory.join(name)).unwrap();
            assert_eq!(now.content.difference(&mut file).unwrap(), None, "{name}");
            assert!(publication.ever(name).contains(&now.content));
        }
        let gone = (0..100).any(|i| {
            let name = format!("small/{}/{i:02}", i / 20);
            !publication.now().contains_key(&name) && !publication.ever(&name).is_empty()
        });
        assert!(gone, "some were removed");
        let large = (0..4).map(|i| publication.ever(&format!("a/b/c/large-{i}")).len()).max();
        assert!(large > Some(1), "some were replaced");
    }
}
