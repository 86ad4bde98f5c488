//! `zyre listen`: keeps the files that others publish.
//!
//! ```text
//! zyre listen --group holiday --received ./received
//! ```
//!
//! What a node publishes goes to a folder of its own below the received folder, named by the node's
//! name. The node's id decides: a second alice gets the folder `alice-2`, and a node that is started
//! again under another name keeps the folder that it has.

use std::error::Error;
use std::path::PathBuf;

use clap::Args;
use zyre::{Builder, Event, Events, Node, ReceivedLimits};

use crate::interrupt::{interrupted, stop_when_interrupted};
use crate::network::Network;
use crate::output;
use crate::progress::Progress;
use crate::state::Identity;
use crate::text::{self, size};

#[derive(Args)]
pub(crate) struct Options {
    /// The directory that received files go to.
    #[arg(long, alias = "inbox", default_value = "received")]
    received: PathBuf,
    /// Take hidden files too, whose names begin with a dot. Programs may obey some of them, such as
    /// .git/config.
    #[arg(long)]
    hidden: bool,
    /// Group to be in; may be given several times.
    #[arg(long)]
    group: Vec<String>,
    /// TCP port of the file server, to which others connect. Default: the first free one from 49152 up.
    #[arg(long, value_name = "PORT")]
    file_port: Option<u16>,
    #[command(flatten)]
    identity: Identity,
    #[command(flatten)]
    network: Network,
}

pub(crate) async fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let limits = ReceivedLimits { hidden: options.hidden, ..ReceivedLimits::default() };
    let builder = options.network.builder().receive(&options.received).received_limits(limits);
    let builder = options.identity.apply(builder, "listen")?;
    let builder = options.group.iter().fold(builder, Builder::join);
    let builder = options.file_port.into_iter().fold(builder, Builder::file_port);
    let (node, events) = tokio::select! {
        started = builder.start() => started?,
        () = interrupted() => return Ok(()),
    };
    let (name, received) = (text::nick(node.name()), options.received.display());
    output::line(format!("listening as {name}; files go to {received}"));
    stop_when_interrupted(&node);
    report(node, events).await;
    Ok(())
}

async fn report(node: Node, mut events: Events) {
    let mut progress = Progress::new(node);
    while let Some(event) = events.recv().await {
        match event {
            Event::Deliver { peer, name, path, size: bytes } => {
                progress.finish(peer, &name);
                let (who, name) = (progress.name_of(peer), text::message(&name));
                let path = text::message(&path.display().to_string());
                progress.say(format!("{who}: {name}, {}, is at {path}", size(bytes)));
            }
            Event::Retract { peer, name, .. } => {
                progress.finish(peer, &name);
                let (who, name) = (progress.name_of(peer), text::message(&name));
                progress.say(format!("{who} has taken back {name}"));
            }
            event => progress.show(&event),
        }
    }
}
