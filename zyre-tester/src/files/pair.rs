//! A server and receivers, each a process of its own.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::child::Child;
use super::line::Said;

/// For a process to come up, and for connections.
const START: Duration = Duration::from_secs(30);

/// Starts one that publishes a directory; where it listens.
///
/// # Errors
/// It does not come up.
pub(super) fn server(
    directory: &Path,
    at: Option<SocketAddr>,
) -> Result<(Child, SocketAddr), String> {
    start_server(directory, at, false)
}

/// Starts a server and a receiver between which nothing passes in the clear, and connects them; with
/// this number of files in each folder the receiver is done.
///
/// # Errors
/// They do not come up.
pub(super) fn secure(
    directory: &Path,
    folders: &[PathBuf],
    files: Option<u64>,
) -> Result<(Child, Child), String> {
    let (server, address) = start_server(directory, None, true)?;
    Ok((server, start_receiver("the receiver".to_owned(), folders, address, files, true)?))
}

fn start_server(
    directory: &Path,
    at: Option<SocketAddr>,
    secure: bool,
) -> Result<(Child, SocketAddr), String> {
    let mut arguments: Vec<OsString> = vec!["serve".into(), directory.into()];
    arguments.extend(secure.then(|| "--secure".into()));
    if let Some(at) = at {
        arguments.extend(["--address".into(), at.to_string().into()]);
    }
    let mut server = Child::start("the server", arguments)?;
    let listens = |said: &Said| match said {
        Said::Listening(address) => Some(*address),
        _ => None,
    };
    let (_, address) = server.await_said(START, "to listen", listens)?;
    Ok((server, address))
}

/// Starts a process that receives into these folders; with this number of files in each it is done.
///
/// # Errors
/// There can be no further process.
pub(super) fn receiver(
    name: impl Into<String>,
    folders: &[PathBuf],
    from: SocketAddr,
    files: Option<u64>,
) -> Result<Child, String> {
    start_receiver(name.into(), folders, from, files, false)
}

fn start_receiver(
    name: String,
    folders: &[PathBuf],
    from: SocketAddr,
    files: Option<u64>,
    secure: bool,
) -> Result<Child, String> {
    let mut arguments: Vec<OsString> = vec!["receive".into()];
    arguments.extend(secure.then(|| "--secure".into()));
    arguments.extend(folders.iter().map(Into::into));
    arguments.extend(["--connect".into(), from.to_string().into()]);
    if let Some(files) = files {
        arguments.extend(["--files".into(), files.to_string().into()]);
    }
    Child::start(name, arguments)
}

/// Waits until it is connected.
///
/// # Errors
/// It is not.
pub(super) fn connected(receiver: &mut Child) -> Result<(), String> {
    receiver.await_line(START, &Said::Connected).map(|_| ())
}
