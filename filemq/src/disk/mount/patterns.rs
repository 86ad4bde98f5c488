//! Patterns of what is left out of a mount on purpose.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::PublishError;
use crate::disk::{Directory, OpenMode};
use crate::version::Version;

/// The most patterns of a mount.
const MAX_PATTERNS: usize = 1000;

/// The most bytes of a file of patterns.
const MAX_FILE: u64 = 64 << 10;

/// How long a changed file has to stay as it is at least before what it does not leave out any more is
/// published. Many programs that save a file empty it first, or put another one in its place.
const SHORTEST_STABLE: Duration = Duration::from_millis(300);

/// The most states that leave out until one is stable.
const MAX_FRESH: usize = 8;

/// Patterns in the syntax of `.gitignore`: those in a file of the directory, and after them those of
/// the application. The last that matches a name decides.
#[derive(Debug)]
pub(super) struct Patterns {
    given: Vec<String>,
    file: Option<PatternFile>,
    /// By the last state of the file that was stable.
    stable: ReadPatterns,
    /// By the states since, of which the last one is not stable yet. Until it is all leave out.
    fresh: Vec<ReadPatterns>,
    /// When the last one is stable.
    due: Instant,
    /// Whether the file could not be read, or has something in it that is not a pattern.
    is_wrong: bool,
}

#[derive(Debug)]
struct PatternFile {
    name: String,
    /// Where it is, for people.
    path: PathBuf,
}

#[derive(Debug)]
struct ReadPatterns {
    /// The state in which the file was read; `None` if there is none.
    version: Option<Version>,
    matcher: Gitignore,
}

impl Patterns {
    /// Reads the file of this name in the directory at `real`, if there is one.
    ///
    /// # Errors
    /// The file cannot be read, or has something in it that is not a pattern, or is too large; or
    /// that is so with the patterns that are given.
    pub(super) fn open(
        given: Vec<String>,
        file: Option<&str>,
        directory: &Directory,
        real: &Path,
    ) -> Result<Self, PublishError> {
        let file = file.map(|name| PatternFile { name: name.to_owned(), path: real.join(name) });
        let stable = ReadPatterns { version: None, matcher: Gitignore::empty() };
        let mut patterns =
            Self { given, file, stable, fresh: Vec::new(), due: Instant::now(), is_wrong: false };
        let (version, text) = patterns.read(directory).map_err(|source| {
            let path = patterns.file.as_ref().map(|file| file.path.clone()).unwrap_or_default();
            PublishError::Unreadable { path, source }
        })?;
        patterns.stable = ReadPatterns { version, matcher: patterns.compile(&text)? };
        Ok(patterns)
    }

    /// Reads the file again if it has changed. If it cannot be read, or has something in it that is
    /// not a pattern, everything stays as it was: what was left out is not published by mistake. For
    /// the same reason a new state, also that there is no file, takes nothing back before it has stayed
    /// for `stable`.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub(super) fn refresh(
        &mut self,
        directory: &Directory,
        now: Instant,
        stable: Duration,
    ) -> Result<(), String> {
        let Some(file) = &self.file else { return Ok(()) };
        self.is_wrong = true;
        let version = match directory.status(Path::new(&file.name)) {
            Ok(status) => Version::of(&status).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.to_string()),
        };
        if version != self.fresh.last().unwrap_or(&self.stable).version {
            // Also if it is wrong: what it was before is not stable.
            self.due = now + stable.max(SHORTEST_STABLE);
            let (version, text) = self.read(directory).map_err(|error| error.to_string())?;
            let matcher = self.compile(&text).map_err(|error| error.to_string())?;
            if self.fresh.len() >= MAX_FRESH {
                self.fresh.remove(0);
            }
            self.fresh.push(ReadPatterns { version, matcher });
        }
        if now >= self.due
            && let Some(fresh) = self.fresh.pop()
        {
            self.stable = fresh;
            self.fresh.clear();
        }
        self.is_wrong = false;
        Ok(())
    }

    /// Returns when to [`refresh`](Self::refresh) next; `None` also after an error, for the caller tries
    /// again then.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        (!self.is_wrong && !self.fresh.is_empty()).then_some(self.due)
    }

    /// Returns whether a name is left out. Names below one that is left out are too, which the
    /// caller sees to.
    pub(super) fn match_name(&self, name: &str, is_directory: bool) -> bool {
        let mut all = self.fresh.iter().chain([&self.stable]);
        all.any(|read| read.matcher.matched(name, is_directory).is_ignore())
    }

    /// Returns whether this is the file of patterns, which is not published.
    pub(super) fn is_file(&self, name: &str) -> bool {
        self.file.as_ref().is_some_and(|file| file.name == name)
    }

    /// Returns the name of the file of patterns, if one is looked for.
    pub(super) fn file_name(&self) -> Option<&str> {
        self.file.as_ref().map(|file| file.name.as_str())
    }

    /// Reads the file, if there is one, and returns its state and what is in it.
    fn read(&self, directory: &Directory) -> io::Result<(Option<Version>, String)> {
        let Some(file) = &self.file else { return Ok((None, String::new())) };
        let opened = match directory.open_file(&file.name, OpenMode::Read) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok((None, String::new()));
            }
            Err(error) => return Err(error),
        };
        let version = Version::of(&opened.status()?)?;
        let mut bytes = Vec::new();
        opened.read(&mut bytes, MAX_FILE + 1)?;
        if bytes.len() as u64 > MAX_FILE {
            let error = format!("it has more than {MAX_FILE} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))?;
        Ok((Some(version), text))
    }

    fn compile(&self, text: &str) -> Result<Gitignore, PublishError> {
        // Names are relative already: there is nothing to cut off.
        let mut builder = GitignoreBuilder::new(".");
        let place = self.file.as_ref().map(|file| format!(" in {}", file.path.display()));
        let place = place.unwrap_or_default();
        let lines = text.lines().map(|line| (line, place.as_str()));
        let given = self.given.iter().map(|pattern| (pattern.as_str(), ""));
        let wrong = |pattern: &str, reason: String| PublishError::Pattern {
            pattern: pattern.to_owned(),
            reason,
        };
        for (number, (pattern, place)) in lines.chain(given).enumerate() {
            if number >= MAX_PATTERNS {
                return Err(wrong(pattern, format!("there are more than {MAX_PATTERNS} patterns")));
            }
            let added = builder.add_line(None, pattern).map(drop);
            added.map_err(|error| wrong(pattern, format!("{error}{place}")))?;
        }
        builder.build().map_err(|error| wrong("", error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, Instant};

    use super::{MAX_PATTERNS, Patterns};
    use crate::disk::{Directory, NativeFileSystem};

    const STABLE: Duration = Duration::from_secs(2);

    fn directory(place: &tempfile::TempDir) -> Directory {
        Directory::open(&NativeFileSystem::shared(), place.path()).unwrap()
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join(".out"), "# notes\n*.tmp\n/build/\n!keep.tmp\n").unwrap();
        let given = vec!["!b.tmp".to_owned(), "docs/**/draft*".to_owned(), "[abc].x".to_owned()];
        let patterns =
            Patterns::open(given, Some(".out"), &directory(&place), place.path()).unwrap();
        for (name, is_directory, expected) in [
            ("a.tmp", false, true),
            ("d/e/a.tmp", false, true),
            ("keep.tmp", false, false),
            ("d/b.tmp", false, false),
            ("build", true, true),
            ("build", false, false),
            ("d/build", true, false),
            ("docs/x/y/draft-1", false, true),
            ("docs2/draft-1", false, false),
            ("b.x", false, true),
            ("./b.y", false, false),
            ("", true, false),
        ] {
            assert_eq!(patterns.match_name(name, is_directory), expected, "{name}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_an_error_and_later_changes_nothing() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join(".out");
        let root = directory(&place);
        let open = |given: Vec<String>| Patterns::open(given, Some(".out"), &root, place.path());
        let error = open(vec!["a{".to_owned()]).unwrap_err().to_string();
        assert!(error.starts_with("\"a{\" cannot be left out: "), "{error}");
        assert!(open(vec![String::new(); MAX_PATTERNS + 1]).is_err());
        let mut patterns = open(vec![]).unwrap();
        assert!(!patterns.match_name("a", false));
        let now = Instant::now();
        let at = |seconds| now + Duration::from_secs(seconds);
        fs::write(&file, "a\n").unwrap();
        patterns.refresh(&root, at(0), STABLE).unwrap();
        assert!(patterns.match_name("a", false), "at once");
        for bad in [b"b{".to_vec(), vec![b'x'; 70_000], vec![0xff]] {
            fs::write(&file, bad).unwrap();
            for seconds in [1, 20] {
                patterns.refresh(&root, at(seconds), STABLE).unwrap_err();
                assert!(patterns.match_name("a", false), "what is private stays private");
            }
            open(vec![]).unwrap_err();
        }
    }

    #[test]
    fn what_is_not_left_out_any_more_is_so_when_the_file_is_stable() {
        let place = tempfile::tempdir().unwrap();
        let (file, root) = (place.path().join(".out"), directory(&place));
        fs::write(&file, "a\n").unwrap();
        let mut patterns = Patterns::open(vec![], Some(".out"), &root, place.path()).unwrap();
        let now = Instant::now();
        let mut look = |seconds| {
            patterns
                .refresh(&root, now + Duration::from_secs(seconds), STABLE)
                .map(|()| ["a", "b"].map(|name| patterns.match_name(name, false)))
        };
        // As programs save it: it is away, or empty, or there is something else for a moment.
        fs::remove_file(&file).unwrap();
        assert_eq!(look(0), Ok([true, false]));
        fs::write(&file, "b{").unwrap();
        look(3).unwrap_err();
        fs::write(&file, "b\n").unwrap();
        assert_eq!(look(4), Ok([true, true]), "what is new counts at once");
        fs::write(&file, "").unwrap();
        assert_eq!(look(5), Ok([true, true]), "and is not published in a moment either");
        fs::write(&file, "b\nc\n").unwrap();
        assert_eq!(look(6), Ok([true, true]));
        assert_eq!(look(7), Ok([true, true]));
        assert_eq!(look(8), Ok([false, true]));
        fs::remove_file(&file).unwrap();
        assert_eq!(look(10), Ok([false, true]));
        assert_eq!(look(12), Ok([false, false]));
    }
}
