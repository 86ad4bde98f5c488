//! `zyre shout` and `zyre whisper`: one message, for scripts.
//!
//! ```text
//! zyre shout ops 'the backup is done'
//! uptime | zyre whisper alice -
//! ```
//!
//! The exit status is 0 if the message was handed to the network for each peer that was to have it, and
//! 1 if nobody was there, or one of them is gone before it has taken it. That it was read nobody says.

use std::error::Error;
use std::io::{self, Read as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::time::Instant;
use zyre::{ActionError, Content, Node, PeerId, PeerInfo, Room};

use crate::interrupt::interrupted;
use crate::visit::{Visit, Visitor};
use crate::{account, output, text};

/// What reads from the standard input.
const STDIN: &str = "-";

/// The longest that peers are waited for that do not take the message.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often is looked whether a message has left.
const LOOK: Duration = Duration::from_millis(5);

#[derive(Args)]
pub(crate) struct ShoutOptions {
    /// The group: all nodes in it get the message.
    group: String,
    #[command(flatten)]
    message: Message,
}

#[derive(Args)]
pub(crate) struct WhisperOptions {
    /// The node: its name, its id, or the first digits of that after a #.
    #[arg(value_name = "NAME|ID")]
    to: String,
    #[command(flatten)]
    message: Message,
}

/// What is said.
#[derive(Args)]
struct Message {
    /// The text; several words are one message. - reads the standard input to its end.
    #[arg(required = true, value_name = "TEXT")]
    text: Vec<String>,
    #[command(flatten)]
    visit: Visit,
}

impl Message {
    /// Returns the message; the last line break of the standard input is no part of it.
    fn content(&self) -> io::Result<Content> {
        if self.text != [STDIN] {
            return Ok(self.text.join(" ").into());
        }
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        if bytes.pop_if(|last| *last == b'\n').is_some() {
            bytes.pop_if(|last| *last == b'\r');
        }
        Ok(bytes.into())
    }

    async fn visitor(&self) -> Result<Visitor, Box<dyn Error>> {
        self.visit.start(&account::name().unwrap_or_else(|| "zyre".to_owned())).await
    }
}

/// Says something to a group.
pub(crate) async fn shout(options: &ShoutOptions) -> Result<ExitCode, Box<dyn Error>> {
    let content = options.message.content()?;
    let mut visitor = options.message.visitor().await?;
    let group = options.group.as_str();
    let present = visitor.look().await;
    let members = present.iter().filter(|peer| peer.groups.iter().any(|its| **its == *group));
    let members: Vec<PeerId> = members.map(|peer| peer.id).collect();
    let node = &visitor.node;
    let result = say(node, &members, || node.shout(group, content.clone())).await;
    node.stop().await;
    Ok(told(members.len(), result?, &format!("nobody is in {}", text::room(group))))
}

/// Says something to one node.
pub(crate) async fn whisper(options: &WhisperOptions) -> Result<ExitCode, Box<dyn Error>> {
    let content = options.message.content()?;
    let mut visitor = options.message.visitor().await?;
    let to = options.to.as_str();
    let id = to.parse::<PeerId>().ok();
    // An id is one node; a name may be that of several, which come one after the other.
    let found = |present: &[PeerInfo]| id.is_some_and(|id| present.iter().any(|it| it.id == id));
    let present = visitor.look_until(found).await;
    let node = &visitor.node;
    let names = present.iter().map(|peer| (peer.id, &*peer.name)).collect::<Vec<_>>();
    let peer = match meant(&names, to) {
        Ok(peer) => peer,
        Err(error) => {
            node.stop().await;
            return Err(error.into());
        }
    };
    let peers: Vec<PeerId> = peer.into_iter().collect();
    let whisper = || peer.map_or(Ok(()), |peer| node.whisper(peer, content.clone()));
    let result = say(node, &peers, whisper).await;
    node.stop().await;
    Ok(told(peers.len(), result?, &format!("{} is not there", text::nick(to))))
}

/// Returns the exit status, and says why it is not 0.
fn told(peers: usize, lost: usize, nobody: &str) -> ExitCode {
    match (peers, lost) {
        (0, _) => output::warning(format!("{nobody}: zyre ls says who is there")),
        (_, 0) => return ExitCode::SUCCESS,
        (peers, lost) => output::warning(format!("{lost} of {peers} have not taken the message")),
    }
    ExitCode::FAILURE
}

/// Finds the node that is meant by a name, an id, or the beginning of one.
///
/// # Errors
/// Several are meant.
fn meant(present: &[(PeerId, &str)], to: &str) -> Result<Option<PeerId>, String> {
    let ids = |is_meant: &dyn Fn(PeerId, &str) -> bool| -> Vec<PeerId> {
        let meant = present.iter().filter(|(id, name)| is_meant(*id, name));
        meant.map(|(id, _)| *id).collect()
    };
    if let Ok(meant) = to.parse::<PeerId>() {
        return Ok(ids(&|id, _| id == meant).first().copied());
    }
    let mut found = ids(&|_, name| name == to);
    if let (true, Some(start)) = (found.is_empty(), to.strip_prefix('#')) {
        let start = start.to_lowercase();
        found = ids(&|id, _| id.to_string().to_lowercase().starts_with(&start));
    }
    match found[..] {
        [] => Ok(None),
        [peer] => Ok(Some(peer)),
        [one, other, ..] => Err(format!(
            "several nodes are called {}: say which by its id, such as {one} or {other}",
            text::nick(to)
        )),
    }
}

/// Sends a message, and waits until it has left for each of these peers. Returns how many of them have
/// not taken it.
async fn say(
    node: &Node,
    peers: &[PeerId],
    send: impl Fn() -> Result<(), ActionError>,
) -> Result<usize, ActionError> {
    let before: Vec<Option<Room>> = peers.iter().map(|peer| node.room(*peer)).collect();
    send()?;
    let end = Instant::now() + PATIENCE;
    let mut waiting: Vec<_> = peers.iter().zip(before).collect();
    let mut lost = 0;
    let leave = async {
        while !waiting.is_empty() && Instant::now() < end {
            waiting.retain(|(peer, before)| match (node.room(**peer), before) {
                (Some(now), Some(before)) => {
                    now.messages < before.messages || now.bytes < before.bytes
                }
                _ => {
                    lost += 1;
                    false
                }
            });
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::select! {
        () = leave => {}
        () = interrupted() => {}
    }
    Ok(lost + waiting.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_an_id_or_its_beginning_says_who_is_meant() {
        let [alice, bob, carol, other] = [1, 0xAB, 0xAC, 2].map(|byte| PeerId::new([byte; 16]));
        let present = [(alice, "alice"), (bob, "bob"), (carol, "carol"), (other, "carol")];
        assert_eq!(meant(&present, "alice"), Ok(Some(alice)));
        assert_eq!(meant(&present, &bob.to_string()), Ok(Some(bob)));
        assert_eq!(meant(&present, "#aBa"), Ok(Some(bob)));
        assert_eq!(meant(&present, "dave"), Ok(None));
        assert_eq!(meant(&present, &PeerId::new([9; 16]).to_string()), Ok(None));
        for several in ["carol", "#A"] {
            assert!(meant(&present, several).unwrap_err().contains("several nodes"), "{several}");
        }
    }
}
