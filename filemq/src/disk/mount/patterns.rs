//! Patterns of what is left out of a mount on purpose.

use std::io;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::PublishError;
use crate::disk::{Directory, OpenMode};
use crate::version::Version;

/// The most patterns of a mount.
const MAX_PATTERNS: usize = 1000;

/// The most bytes of a file of patterns.
const MAX_FILE: u64 = 64 << 10;

/// Patterns in the syntax of `.gitignore`: those in a file of the directory, and after them those of
/// the application. The last that matches a name decides.
#[derive(Debug)]
pub(super) struct Patterns {
    given: Vec<String>,
    file: Option<PatternFile>,
    matcher: Gitignore,
}

#[derive(Debug)]
struct PatternFile {
    name: String,
    /// Where it is, for people.
    path: PathBuf,
    /// The state in which it was read; `None` if there is none.
    version: Option<Version>,
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
        let file = file.map(|name| PatternFile {
            name: name.to_owned(),
            path: real.join(name),
            version: None,
        });
        let mut patterns = Self { given, file, matcher: Gitignore::empty() };
        let text = patterns.read(directory).map_err(|source| {
            let path = patterns.file.as_ref().map(|file| file.path.clone()).unwrap_or_default();
            PublishError::Unreadable { path, source }
        })?;
        patterns.matcher = patterns.compile(text.as_deref().unwrap_or_default())?;
        Ok(patterns)
    }

    /// Reads the file again if it has changed. If it cannot be read, or has something in it that is
    /// not a pattern, everything stays as it was: what was left out is not published by mistake.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub(super) fn refresh(&mut self, directory: &Directory) -> Result<(), String> {
        let Some(file) = &self.file else { return Ok(()) };
        let version = match directory.status(Path::new(&file.name)) {
            Ok(status) => Version::of(&status).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.to_string()),
        };
        if version == file.version {
            return Ok(());
        }
        let before = file.version;
        let text = self.read(directory).map_err(|error| error.to_string())?;
        match self.compile(text.as_deref().unwrap_or_default()) {
            Ok(matcher) => self.matcher = matcher,
            Err(error) => {
                // It is read again, and so is told as long as it is wrong.
                self.file.iter_mut().for_each(|file| file.version = before);
                return Err(error.to_string());
            }
        }
        Ok(())
    }

    /// Returns whether a name is left out. Names below one that is left out are too, which the
    /// caller sees to.
    pub(super) fn match_name(&self, name: &str, is_directory: bool) -> bool {
        self.matcher.matched(name, is_directory).is_ignore()
    }

    /// Returns whether this is the file of patterns, which is not published.
    pub(super) fn is_file(&self, name: &str) -> bool {
        self.file.as_ref().is_some_and(|file| file.name == name)
    }

    /// Returns the name of the file of patterns, if one is looked for.
    pub(super) fn file_name(&self) -> Option<&str> {
        self.file.as_ref().map(|file| file.name.as_str())
    }

    /// Reads the file, and notes its state; `None` if there is none.
    fn read(&mut self, directory: &Directory) -> io::Result<Option<String>> {
        let Some(file) = &mut self.file else { return Ok(None) };
        let opened = match directory.open_file(&file.name, OpenMode::Read) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                file.version = None;
                return Ok(None);
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
        file.version = Some(version);
        Ok(Some(text))
    }

    fn compile(&self, text: &str) -> Result<Gitignore, PublishError> {
        // Names are relative already: nothing is to be cut off.
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

    use super::{MAX_PATTERNS, Patterns};
    use crate::disk::{Directory, NativeFileSystem};

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
        fs::write(&file, "a\n").unwrap();
        patterns.refresh(&root).unwrap();
        assert!(patterns.match_name("a", false));
        for bad in [b"b{".to_vec(), vec![b'x'; 70_000], vec![0xff]] {
            fs::write(&file, bad).unwrap();
            for _ in 0..2 {
                patterns.refresh(&root).unwrap_err();
                assert!(patterns.match_name("a", false), "what is private stays private");
            }
            open(vec![]).unwrap_err();
        }
        fs::remove_file(&file).unwrap();
        patterns.refresh(&root).unwrap();
        assert!(!patterns.match_name("a", false));
    }
}
