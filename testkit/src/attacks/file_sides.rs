//! What attackers are towards the file sharing of a target: clients of its file server, and peers with a
//! file server of their own.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;
use zre_proto::PeerId;

use super::file_target::{FileTarget, PUBLIC, walk};
use super::target::Target;
use crate::wire::connection::Connection;
use crate::wire::filemq::{self, FETCH, ICANHAZ_OK, NOM, OHAI_OK, OURS};
use crate::wire::ghost::Ghost;
use crate::wire::mailbox::Mailbox;
use crate::wire::{count, longstr, string};

/// How long a good transfer may take while an attack goes on. A server that is not optimised, and runs
/// beside other tests, takes several times as long.
const PATIENCE: Duration = Duration::from_secs(if cfg!(debug_assertions) { 25 } else { 10 });

/// Connects to the file server of the target, and says nothing: as a stranger under this identity, or as a
/// peer if the target serves nobody else.
///
/// # Errors
/// If the target does not finish the handshake in time.
pub(super) async fn connect(
    target: &Target,
    files: &FileTarget,
    identity: &[u8],
) -> Result<Connection, String> {
    let connected = match target.insider().await? {
        Some(id) => connect_as(target, files, &id.routing_id()).await?,
        None => connect_as(target, files, identity).await?,
    };
    connected.ok_or_else(|| "the server refuses a peer".to_owned())
}

/// Connects to the file server of the target under this identity, and says nothing. `None` if the target
/// is a secure node, and says that it has nothing to do with one that has this key and this identity.
///
/// # Errors
/// If the target does not finish the handshake in time.
pub(super) async fn connect_as(
    target: &Target,
    files: &FileTarget,
    identity: &[u8],
) -> Result<Option<Connection>, String> {
    let mut route = target.route(target.here);
    (route.to, route.patience) = (files.server, PATIENCE);
    match route.greet(identity).await {
        Ok(connection) => Ok(Some(connection)),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(None),
        Err(error) => Err(format!("no connection to the server: {error}")),
    }
}

/// Connects as a stranger, and subscribes to everything with these options.
///
/// # Errors
/// If the target does not let it.
pub(super) async fn subscribed(
    target: &Target,
    files: &FileTarget,
    options: &[(&str, &str)],
) -> Result<Connection, String> {
    let mut client = connect(target, files, &target.stranger().routing_id()).await?;
    client.send(&[&filemq::ohai()]).await;
    client.send(&[&filemq::icanhaz(b"/", options)]).await;
    awaited(&mut client, OHAI_OK).await?;
    awaited(&mut client, ICANHAZ_OK).await?;
    Ok(client)
}

/// Reads until a message of this number has come.
///
/// # Errors
/// If it does not come in time.
pub(super) async fn awaited(connection: &mut Connection, number: u8) -> Result<Vec<u8>, String> {
    loop {
        let frames = connection.read_within(PATIENCE).await;
        let frames = frames.map_err(|error| format!("message {number} does not come: {error}"))?;
        if filemq::number(&frames) == Some(number) {
            return Ok(frames.concat());
        }
    }
}

/// Reads until the public file has come whole. Returns the names of all files that have begun.
///
/// # Errors
/// If it does not come in time, or with a gap.
pub(super) async fn whole(client: &mut Connection) -> Result<BTreeSet<Vec<u8>>, String> {
    let (name, size) = PUBLIC;
    let (mut begun, mut next) = (BTreeSet::new(), 0);
    let end = Instant::now() + PATIENCE;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let frames = client.read_within(left).await;
        let frames = frames.map_err(|error| format!("{name} does not come: {error}"))?;
        let Some(piece) = filemq::content(&frames.concat()) else { continue };
        begun.insert(piece.name.clone());
        if piece.name != name.as_bytes() {
            continue;
        }
        if piece.offset == 0 {
            next = 0;
        }
        if piece.offset != next {
            return Err(format!("{name} goes on at {} and not at {next}", piece.offset));
        }
        next += piece.length;
        if piece.eof || piece.length == 0 {
            return if next == size as u64 { Ok(begun) } else { Err(format!("{next} of {size}")) };
        }
    }
}

/// Comes as another client, and gets the public file.
///
/// # Errors
/// If it does not come whole and in time.
pub(super) async fn is_served(target: &Target, files: &FileTarget) -> Result<(), String> {
    let served = async {
        let mut client = subscribed(target, files, &[]).await?;
        client.send(&[&filemq::nom(1 << 62)]).await;
        whole(&mut client).await
    };
    served.await.map_err(|error| format!("another client: {error}"))?;
    Ok(())
}

/// Waits until the public file is offered. Returns its number, and the names of all that is.
///
/// # Errors
/// If it is not offered in time.
pub(super) async fn offered(client: &mut Connection) -> Result<(u64, Vec<Vec<u8>>), String> {
    // Nothing is offered before it: there could be more that the client has.
    client.send(&[&filemq::nom(0)]).await;
    let mut names = Vec::new();
    loop {
        let offers = awaited(client, filemq::OFFERS).await?;
        let offers = filemq::offered(&offers).ok_or("the target's offers cannot be read")?;
        let found = offers.iter().find(|(_, name)| name == PUBLIC.0.as_bytes()).map(|(it, _)| *it);
        names.extend(offers.into_iter().map(|(_, name)| name));
        if let Some(number) = found {
            return Ok((number, names));
        }
    }
}

/// Fetches the public file.
///
/// # Errors
/// If it does not come whole and in time.
pub(super) async fn fetched(client: &mut Connection, number: u64) -> Result<(), String> {
    client.send(&[&filemq::answers(&[(number, FETCH, "")])]).await;
    client.send(&[&filemq::nom(1 << 40)]).await;
    whole(client).await.map(drop)
}

/// Subscribes as a client of this implementation.
///
/// # Errors
/// If the target does not let it.
pub(super) async fn subscribed_as_ours(
    target: &Target,
    files: &FileTarget,
) -> Result<Connection, String> {
    subscribed(target, files, OURS).await
}

/// A file server of the attacker, and the peer whose it says that it is.
pub(super) struct FileServer {
    /// It is a peer as long as this is there.
    _ghost: Ghost,
    mailbox: Mailbox,
    /// Where in the received folder its files go.
    folder: PathBuf,
}

impl FileServer {
    /// Meets the target as a new peer with a file server.
    ///
    /// # Errors
    /// If the target does not greet it in time.
    pub(super) async fn open(target: &Target, files: &FileTarget) -> Result<Self, String> {
        let mailbox = target.mailbox_at(target.here)?;
        let id = target.stranger();
        let name = folder_name(id);
        let header = [
            count(1),
            string(b"X-FILEMQ"),
            longstr(format!("tcp://{}", mailbox.address).as_bytes()),
        ];
        let (headers, called) = (header.concat(), name.clone());
        let ghost = target.ghost_as(id, |hello| {
            hello.headers = headers;
            hello.name = called.into_bytes();
        });
        let mut ghost = ghost.await?;
        if !ghost.is_heard().await {
            return Err("the target does not answer a new peer".into());
        }
        ghost.drain();
        Ok(Self { _ghost: ghost, mailbox, folder: files.folder(&name) })
    }

    /// Lets the target come and subscribe. These are the terms.
    ///
    /// # Errors
    /// If it does not come in time.
    pub(super) async fn client(&self, terms: &[(&str, &str)]) -> Result<Connection, String> {
        let end = Instant::now() + PATIENCE;
        loop {
            let come = self.mailbox.greet().await;
            match come {
                Ok(mut client) => {
                    awaited(&mut client, filemq::OHAI).await?;
                    client.send(&[&filemq::message(OHAI_OK, b"")]).await;
                    awaited(&mut client, filemq::ICANHAZ).await?;
                    let terms =
                        if terms.is_empty() { Vec::new() } else { filemq::dictionary(terms) };
                    client.send(&[&filemq::message(ICANHAZ_OK, &terms)]).await;
                    awaited(&mut client, NOM).await?;
                    return Ok(client);
                }
                Err(error) if Instant::now() > end => {
                    return Err(format!("the target does not come to the file server: {error}"));
                }
                Err(_) => {}
            }
        }
    }

    /// Returns the names of all files that have come to the target, relative to the folder.
    pub(super) fn received(&self) -> BTreeSet<PathBuf> {
        let files = walk(&self.folder).into_iter().filter(|path| path.is_file());
        files.filter_map(|path| Some(path.strip_prefix(&self.folder).ok()?.to_owned())).collect()
    }

    /// Waits until a file has come to the target with this content.
    ///
    /// # Errors
    /// If it does not in time.
    pub(super) async fn has_come(&self, name: &str, content: &[u8]) -> Result<(), String> {
        let (path, end) = (self.folder.join(name), Instant::now() + PATIENCE);
        while fs::read(&path).ok().as_deref() != Some(content) {
            if Instant::now() > end {
                return Err(format!("a good file of the same server, {name}, does not come"));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

/// What a peer of the attacker is called, and so its folder.
fn folder_name(id: PeerId) -> String {
    format!("liar-{}", &id.to_string()[8..16])
}
