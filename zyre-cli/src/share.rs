//! `zyre share`: publishes files and folders.
//!
//! ```text
//! zyre share --group holiday ~/photos talk.pdf
//! zyre share --to alice --ignore '*.tmp' ~/project
//! ```
//!
//! All who run `zyre listen` get them, also if they start later, or only the members of a
//! group, or one person. A file or folder is called by its own name; with `--as` a single one gets
//! another. After a restart others know this node again, and are sent only what they do not have.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use tokio::time::Instant;
use zyre::{Builder, Event, Events, Node, PeerId, Printable, Recipient, ShareError};

use crate::counted::Counted;
use crate::interrupt::{interrupted, stop_when_interrupted};
use crate::network::Network;
use crate::output;
use crate::progress::Progress;
use crate::state::Identity;
use crate::text;

/// How long is looked for others with the same name before one gets something. Nodes that are there
/// meet sooner.
const NAMESAKES: Duration = Duration::from_secs(2);

#[derive(Args)]
pub(crate) struct Options {
    /// Files and folders.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Only to members of this group.
    #[arg(long, conflicts_with = "to")]
    group: Option<String>,
    /// Only to one person: a name, or the id of a node. A name is only a claim. The command waits for
    /// it: the first node with that name gets the files, if no other has the same name.
    #[arg(long, value_name = "NAME|ID")]
    to: Option<String>,
    /// What is not shared, as in a .gitignore: *.tmp, /build/; may be given several times. A file
    /// .zyreignore in a folder has such lines too.
    #[arg(long, value_name = "PATTERN")]
    ignore: Vec<String>,
    /// Hidden files too, for peers that run listen with --hidden.
    #[arg(long)]
    hidden: bool,
    /// What it is called on the network, such as talks/mine.pdf; for a single file or folder.
    #[arg(long = "as", value_name = "NAME")]
    alias: Option<String>,
    /// TCP port of the file server, to which others connect. Default: the first free one from 49152 up.
    #[arg(long, value_name = "PORT")]
    file_port: Option<u16>,
    #[command(flatten)]
    identity: Identity,
    #[command(flatten)]
    network: Network,
}

pub(crate) async fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if options.alias.is_some() && options.paths.len() > 1 {
        return Err("--as names a single file or folder".into());
    }
    let builder = options.network.builder()?.publishing();
    let builder = options.identity.apply(builder, "share")?;
    let builder = options.file_port.into_iter().fold(builder, Builder::file_port);
    let (node, events) = tokio::select! {
        begun = begin(builder, options) => begun?,
        () = interrupted() => return Ok(()),
    };
    stop_when_interrupted(&node);
    report(node, events, options).await
}

async fn begin(builder: Builder, options: &Options) -> Result<(Node, Events), Box<dyn Error>> {
    let (node, events) = builder.start().await?;
    output::line(format!("sharing as {}", text::nick(node.name())));
    match (&options.group, options.person()) {
        (Some(group), _) => publish_all(&node, options, &group.as_str().into()).await?,
        (None, None) => publish_all(&node, options, &Recipient::Everyone).await?,
        (None, Some(Person::Id(id))) => publish_all(&node, options, &id.into()).await?,
        (None, Some(Person::Name(name))) => {
            output::line(format!("waiting for {}", text::nick(name)));
        }
    }
    Ok((node, events))
}

/// The recipient that `--to` names.
#[derive(Clone, Copy)]
enum Person<'a> {
    Id(PeerId),
    Name(&'a str),
}

impl Options {
    fn person(&self) -> Option<Person<'_>> {
        let to = self.to.as_deref()?;
        Some(to.parse().map_or(Person::Name(to), Person::Id))
    }
}

async fn publish_all(
    node: &Node,
    options: &Options,
    recipient: &Recipient,
) -> Result<(), Box<dyn Error>> {
    for path in &options.paths {
        let name = publish(node, path, options, recipient).await?;
        output::line(format!("{} is published as {name}", path.display()));
    }
    Ok(())
}

/// Publishes a file or folder, and returns its name on the network.
async fn publish(
    node: &Node,
    path: &Path,
    options: &Options,
    recipient: &Recipient,
) -> Result<String, Box<dyn Error>> {
    let mut publish = node.publish(path).to(recipient.clone()).hidden(options.hidden);
    if let Some(name) = &options.alias {
        // Names on the network begin so, which nobody has to know.
        publish = publish.named(format!("/{}", name.strip_prefix('/').unwrap_or(name)));
    }
    for pattern in &options.ignore {
        publish = publish.ignore(pattern);
    }
    publish.await.map_err(|error| match error {
        ShareError::NoName { .. } => format!("{}: name it with --as", path.display()).into(),
        ShareError::NameTaken { name, holder } => format!(
            "{} and {} would both be {}; share one of them by itself, with --as",
            holder.display(),
            path.display(),
            Printable::new(&name)
        )
        .into(),
        ShareError::Name(error) if options.alias.is_some() => format!("--as: {error}").into(),
        ShareError::GroupNameTooLong { .. } | ShareError::EmptyGroupName => error.into(),
        // The path is part of what these say.
        error @ (ShareError::Io { .. } | ShareError::Pattern { .. }) => error.into(),
        error => format!("{}: {error}", path.display()).into(),
    })
}

async fn report(node: Node, mut events: Events, options: &Options) -> Result<(), Box<dyn Error>> {
    let mut progress = Progress::new(node.clone());
    let mut counted = Counted::default();
    let mut awaited = match options.person() {
        Some(Person::Name(name)) if options.group.is_none() => Some(name),
        _ => None,
    };
    let mut decision = None;
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = counted.due() => {
                counted.tell(&progress);
                continue;
            }
            () = until(decision) => {
                decision = None;
                if let Some(name) = awaited
                    && let Some(peer) = called(&node, name)?
                {
                    publish_all(&node, options, &peer.into()).await?;
                    awaited = None;
                }
                continue;
            }
        };
        let Some(event) = event else {
            counted.tell(&progress);
            return Ok(());
        };
        match &event {
            Event::Enter { name, .. } if decision.is_none() && awaited == Some(&**name) => {
                decision = Some(Instant::now() + NAMESAKES);
            }
            Event::Declined { peer, name, .. } | Event::Rejected { peer, name, .. } => {
                progress.finish(*peer, name);
            }
            Event::Confirmed { peer, already: false, .. } => {
                counted.tell_of_waiting(*peer, &progress);
            }
            _ => {}
        }
        if !counted.note(&event) {
            progress.show(&event);
        }
    }
}

/// Waits until then, or forever.
async fn until(when: Option<Instant>) {
    match when {
        Some(when) => tokio::time::sleep_until(when).await,
        None => std::future::pending().await,
    }
}

/// Returns the one node that is called so, if it is here.
///
/// # Errors
/// There are several, and nobody knows which is meant.
fn called(node: &Node, name: &str) -> Result<Option<PeerId>, String> {
    let peers = node.peers_info();
    let called: Vec<_> = peers.iter().filter(|peer| *peer.name == *name).collect();
    match called[..] {
        [] => Ok(None),
        [peer] => Ok(Some(peer.id)),
        [one, other, ..] => Err(format!(
            "several nodes are called {}: use --to with the id of one, such as {} or {}",
            text::nick(name),
            one.id,
            other.id
        )),
    }
}
