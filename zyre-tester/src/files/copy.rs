//! Ways to copy files between two processes, each measured once: from when the files are published,
//! or the order is given, until the receiver says that it has all.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use testkit::usage::Usage;

use super::child::Child;
use super::line::{Order, Said};
use super::pair;
use super::tree::{self, Tree, check_file};

/// For a process to come up.
const START: Duration = Duration::from_secs(30);

/// What one run has measured.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Measured {
    pub(super) seconds: f64,
    /// What the sender has used.
    pub(super) sender: Option<Usage>,
    /// What the receiver has used.
    pub(super) receiver: Option<Usage>,
}

impl Measured {
    /// Seconds of processor time of both.
    pub(super) fn cpu(&self) -> Option<f64> {
        Some((self.sender?.cpu + self.receiver?.cpu).as_secs_f64())
    }
}

/// Returns the most that a process has had in memory, in MB (10^6 bytes).
pub(super) fn megabytes(usage: Usage) -> f64 {
    usage.peak_memory as f64 / 1e6
}

/// By FILEMQ: the tree is renamed into a directory that is published, and back when all is over.
pub(super) fn filemq(
    tree: Tree,
    prepared: &Path,
    published: &Path,
    folders: &[PathBuf],
    within: Duration,
) -> Result<Measured, String> {
    let (server, address) = pair::server(published, None)?;
    let receiver = pair::receiver("the receiver", folders, address, Some(tree.files))?;
    between(server, receiver, tree, prepared, published, folders, within)
}

/// By FILEMQ, with nothing in the clear.
pub(super) fn secure_filemq(
    tree: Tree,
    prepared: &Path,
    published: &Path,
    folders: &[PathBuf],
    within: Duration,
) -> Result<Measured, String> {
    let (server, receiver) = pair::secure(published, folders, Some(tree.files))?;
    between(server, receiver, tree, prepared, published, folders, within)
}

fn between(
    server: Child,
    mut receiver: Child,
    tree: Tree,
    prepared: &Path,
    published: &Path,
    folders: &[PathBuf],
    within: Duration,
) -> Result<Measured, String> {
    pair::connected(&mut receiver)?;
    let there = published.join("tree");
    let wrong = |error: std::io::Error| format!("{}: {error}", there.display());
    let start = Instant::now();
    std::fs::rename(prepared, &there).map_err(wrong)?;
    let done = receiver.await_line(within, &Said::Done);
    let measured = done.map(|end| Measured {
        seconds: end.duration_since(start).as_secs_f64(),
        sender: server.usage(),
        receiver: receiver.usage(),
    });
    drop((server, receiver));
    std::fs::rename(&there, prepared).map_err(wrong)?;
    let measured = measured?;
    folders.iter().try_for_each(|folder| tree.check(&folder.join("tree")))?;
    Ok(measured)
}

/// By bare TCP: one file over a number of connections at once, to as many files.
pub(super) fn tcp(
    tree: Tree,
    prepared: &Path,
    to: &Path,
    connections: usize,
    within: Duration,
) -> Result<Measured, String> {
    let measured = bare(
        &prepared.join(Tree::path(0)),
        to,
        &["--connections", &connections.to_string()],
        within,
    )?;
    for i in 0..connections {
        check_file(&to.join(i.to_string()), tree.content(0))?;
    }
    Ok(measured)
}

/// By `tar`, TCP and `tar`.
pub(super) fn tar(
    tree: Tree,
    prepared: &Path,
    to: &Path,
    within: Duration,
) -> Result<Measured, String> {
    let measured = bare(prepared, to, &["--tar"], within)?;
    tree.check(to)?;
    Ok(measured)
}

/// On this machine, without any network.
pub(super) fn cp(tree: Tree, prepared: &Path, to: &Path) -> Result<Measured, String> {
    let start = Instant::now();
    tree::copy(prepared, to).map_err(|error| format!("{}: {error}", to.display()))?;
    let seconds = start.elapsed().as_secs_f64();
    tree.check(to)?;
    Ok(Measured { seconds, ..Measured::default() })
}

fn bare(from: &Path, to: &Path, how: &[&str], within: Duration) -> Result<Measured, String> {
    let arguments = |path: &Path| {
        let how = how.iter().map(OsString::from);
        ["bare".into(), path.into()].into_iter().chain(how).collect::<Vec<_>>()
    };
    let mut receiver = Child::start("the bare receiver", arguments(to))?;
    let listens = |said: &Said| match said {
        Said::Listening(address) => Some(*address),
        _ => None,
    };
    let (_, address) = receiver.await_said(START, "to listen", listens)?;
    let mut sender = arguments(from);
    sender.extend(["--to".into(), address.to_string().into()]);
    let mut sender = Child::start("the bare sender", sender)?;
    sender.await_line(START, &Said::Connected)?;
    let start = Instant::now();
    sender.order(&Order::Go);
    let end = receiver.await_line(within, &Said::Done)?;
    Ok(Measured {
        seconds: end.duration_since(start).as_secs_f64(),
        sender: sender.usage(),
        receiver: receiver.usage(),
    })
}
