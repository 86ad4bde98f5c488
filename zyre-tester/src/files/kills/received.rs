//! A received folder, looked at from outside.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::finding::{Finding, Rule};
use super::publication::Publication;
use crate::files::tree::files_below;
use testkit::content::Content;

/// Where a received folder keeps what is not for applications.
const HIDDEN: &str = ".filemq";

/// What may be there.
const STATE: [&str; 3] = ["lock", "journal", PARTIAL];

/// The directory in it for files that are not complete, which is empty when all are.
const PARTIAL: &str = "partial";

/// What has been looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Looked {
    pub(super) files: u64,
    pub(super) bytes: u64,
}

/// A received folder.
#[derive(Debug)]
pub(super) struct ReceivedFolder {
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// What is there, as of the last look.
    there: HashMap<String, (Mark, Content)>,
    /// What was there and published at the last look.
    held: HashMap<String, Content>,
    /// What was found to be wrong, so that it is not found again.
    told: HashSet<(String, Mark)>,
    pub(super) looked: Looked,
}

/// Tells whether a file is still the one that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Mark {
    size: u64,
    modified: Option<SystemTime>,
    /// The number of the file, and when anything of it was last changed, which nobody can set.
    system: (u64, i64, i64),
}

impl Mark {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let system = {
            use std::os::unix::fs::MetadataExt;
            (metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
        };
        #[cfg(not(unix))]
        let system = (0, 0, 0);
        Self { size: metadata.len(), modified: metadata.modified().ok(), system }
    }
}

impl ReceivedFolder {
    pub(super) fn new(name: String, path: PathBuf) -> Self {
        Self {
            name,
            path,
            there: HashMap::new(),
            held: HashMap::new(),
            told: HashSet::new(),
            looked: Looked::default(),
        }
    }

    fn finding(&self, rule: Rule, name: &str, what: String) -> Finding {
        Finding { rule, whose: self.name.clone(), name: name.to_owned(), what }
    }

    /// Looks at every file that was not looked at before, or at all of them.
    pub(super) fn look(
        &mut self,
        publication: &Publication,
        all: bool,
    ) -> io::Result<Vec<Finding>> {
        let files = match files_below(&self.path) {
            // Not made yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            files => files?,
        };
        let mut findings = Vec::new();
        let mut there = HashMap::new();
        for (relative, path) in files {
            // On Windows with other separators.
            let name = relative.to_string_lossy().replace('\\', "/");
            match self.look_at(&name, &path, publication, all) {
                Ok(Ok(seen)) => {
                    there.insert(name, seen);
                }
                Ok(Err(Some(what))) => findings.push(self.finding(Rule::Wrong, &name, what)),
                Ok(Err(None)) => {}
                // A receiver that lives has removed it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    findings.push(self.finding(
                        Rule::Wrong,
                        &name,
                        format!("cannot be read: {error}"),
                    ));
                }
            }
        }
        self.there = there;
        findings.extend(self.vanished(publication));
        Ok(findings)
    }

    /// What was there and published at the last look, still is, and is not there any more.
    fn vanished(&mut self, publication: &Publication) -> Vec<Finding> {
        let is_held = |(name, content): &(&String, &Content)| {
            let now = publication.now().get(*name);
            let again = publication.ever(name).iter().filter(|other| other == content).count() > 1;
            // One that has come back in the meantime has gone before.
            now.is_some_and(|now| now.content == **content) && !again
        };
        let gone = self.held.iter().filter(is_held).filter(|(name, content)| {
            self.there.get(*name).is_none_or(|(_, there)| there != *content)
        });
        let what =
            |content: &Content| format!("{} bytes were there and are not any more", content.size);
        let gone = gone.map(|(name, content)| self.finding(Rule::Vanished, name, what(content)));
        let findings = gone.collect();
        let contents = self.there.iter().map(|(name, (_, content))| (name, content));
        self.held =
            contents.filter(is_held).map(|(name, content)| (name.clone(), *content)).collect();
        findings
    }

    /// What a file is, or what is wrong with it, if that was not said before.
    fn look_at(
        &mut self,
        name: &str,
        path: &Path,
        publication: &Publication,
        all: bool,
    ) -> io::Result<Result<(Mark, Content), Option<String>>> {
        let metadata = path.symlink_metadata()?;
        if !metadata.is_file() {
            let kind = metadata.file_type();
            return Ok(Err(
                self.tell(name, Mark::of(&metadata), || format!("it is no file: {kind:?}"))
            ));
        }
        if let Some(&(mark, content)) = self.there.get(name)
            && !all
            && mark == Mark::of(&metadata)
        {
            return Ok(Ok((mark, content)));
        }
        // Whatever takes its name from now on, this is the file that had it.
        let file = File::open(path)?;
        let mark = Mark::of(&file.metadata()?);
        self.looked.files += 1;
        self.looked.bytes += mark.size;
        let mut best = None;
        for content in publication.ever(name).iter().rev() {
            let difference = content.difference(&mut &file)?;
            let Some(difference) = difference else { return Ok(Ok((mark, *content))) };
            io::Seek::rewind(&mut &file)?;
            best = best.max(Some((difference.at, content.size)));
        }
        let published = publication.ever(name).len();
        Ok(Err(self.tell(name, mark, || match best {
            None => format!("{} bytes of a name that was never published", mark.size),
            Some((same, size)) => format!(
                "{} bytes, of which the first {same} are those of a published one of {size}; \
                {published} were published",
                mark.size
            ),
        })))
    }

    /// What is wrong with a file, unless that was said before.
    fn tell(&mut self, name: &str, mark: Mark, what: impl FnOnce() -> String) -> Option<String> {
        self.told.insert((name.to_owned(), mark)).then(what)
    }

    /// In how many places it is not what is published, as of the last look. Files that need not be
    /// there yet do not count.
    pub(super) fn wants(&self, publication: &Publication) -> usize {
        let missing = publication.now().iter().filter(|(name, now)| {
            !now.fresh && self.there.get(*name).is_none_or(|(_, content)| *content != now.content)
        });
        let extra = self.there.keys().filter(|name| !publication.now().contains_key(*name));
        missing.count() + extra.count()
    }

    /// Bytes of files that are not complete.
    pub(super) fn unfinished(&self) -> u64 {
        let Ok(entries) = std::fs::read_dir(self.path.join(HIDDEN).join(PARTIAL)) else { return 0 };
        let metadata = entries.flatten().filter_map(|entry| entry.metadata().ok());
        metadata.map(|metadata| metadata.len()).sum()
    }

    /// Where it is not what is published, as of the last look, and what is left over.
    pub(super) fn unsettled(&self, publication: &Publication) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (name, now) in publication.now() {
            let size = now.content.size;
            match self.there.get(name) {
                Some((_, content)) if *content == now.content => {}
                Some((_, content)) => {
                    let what = format!(
                        "the one of {size} bytes did not come; an older one of {} is there",
                        content.size
                    );
                    findings.push(self.finding(Rule::Lost, name, what));
                }
                None => findings.push(self.finding(
                    Rule::Lost,
                    name,
                    format!("{size} bytes did not come"),
                )),
            }
        }
        for name in self.there.keys().filter(|name| !publication.now().contains_key(*name)) {
            findings.push(self.finding(Rule::Extra, name, "it is not published any more".into()));
        }
        let hidden = self.path.join(HIDDEN);
        let names = |path: &Path| {
            let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
            entries
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect::<Vec<_>>()
        };
        let strange = names(&hidden).into_iter().filter(|name| !STATE.contains(&name.as_str()));
        let partial =
            names(&hidden.join(PARTIAL)).into_iter().map(|name| format!("{PARTIAL}/{name}"));
        for name in strange.chain(partial) {
            findings.push(self.finding(
                Rule::Leftover,
                &format!("{HIDDEN}/{name}"),
                "it is left".into(),
            ));
        }
        findings
    }
}

#[cfg(test)]
mod tests;
