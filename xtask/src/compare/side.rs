//! A revision that is built and run.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::commands::{answer, cargo, run};
use crate::git::{self, git};
use crate::metadata::Metadata;
use crate::workspace;

/// The package of the benchmarks.
const BENCHMARKS: &str = "zyre-tester";

/// A tree and what was built of it.
pub(super) struct Side {
    /// The commit; with `+` if something is not committed.
    pub(super) commit: String,
    release: PathBuf,
    /// How `track` is called here: a program of its own, or a subcommand.
    track: &'static [&'static str],
}

impl Side {
    /// Builds the tree that we are in.
    pub(super) fn of_workspace() -> Result<Self, String> {
        let commit = git::commit().ok_or("git cannot say which commit this is")?;
        Self::built(commit, &workspace::root(), &workspace::target())
    }

    /// Builds a revision, in a work tree of its own below `folder`.
    pub(super) fn of_revision(revision: &str, folder: &Path) -> Result<Self, String> {
        let name = format!("{revision}^{{commit}}");
        let commit = answer(git("rev-parse --verify --short=10").arg(name));
        let commit = commit.ok_or_else(|| format!("there is no revision {revision}"))?;
        let tree = folder.join(&commit);
        if !tree.join("Cargo.toml").exists() {
            // The directory may have been removed without the knowledge of git.
            run(&mut git("worktree prune"))?;
            run(git("worktree add --detach").arg(&tree).arg(&commit))?;
        }
        Self::built(commit, &tree, &tree.join("target"))
    }

    fn built(commit: String, tree: &Path, target: &Path) -> Result<Self, String> {
        println!("==> building {commit}");
        let metadata = Metadata::of(tree)?;
        let (package, track): (_, &[_]) = match metadata.package_of_program("track") {
            Some(package) => (package, &["track"]),
            None => (metadata.package_of_program("zyre").ok_or("no `track`")?, &["zyre", "track"]),
        };
        let mut build = cargo(&format!("build --release -p {BENCHMARKS} -p {}", package.name()));
        run(build.current_dir(tree).env("CARGO_TARGET_DIR", target))?;
        Ok(Self { commit, release: target.join("release"), track })
    }

    /// Returns the name of the revision for use in file names.
    pub(super) fn name(&self) -> &str {
        self.commit.trim_end_matches('+')
    }

    /// Returns the command that runs a benchmark.
    pub(super) fn tester(&self) -> Command {
        Command::new(self.release.join(BENCHMARKS))
    }

    /// Returns whether this revision has the benchmark with these arguments.
    pub(super) fn has_benchmark(&self, arguments: &str) -> bool {
        let mut command = self.tester();
        // What is wrong with the arguments is told before help is given.
        command.arg("bench").args(arguments.split_whitespace()).arg("--help");
        answer(&mut command).is_some()
    }

    /// Returns the command that copies a directory by FILEMQ.
    pub(super) fn track(&self) -> Command {
        let mut command = Command::new(self.release.join(self.track[0]));
        command.args(&self.track[1..]);
        command
    }
}
