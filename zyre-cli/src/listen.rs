//! `zyre listen`: keeps the files that others publish.
//!
//! ```text
//! zyre listen --group holiday --received ./received
//! ```
//!
//! What a node publishes goes to a folder of its own below the received folder, named by the node's
//! name. The node's id decides: a second alice gets the folder `alice-2`, and a node that is started
//! again under another name keeps the folder that it has. With `--ask` files are shown as a numbered
//! list, and come when they are accepted.

mod answer;
mod ask;

use std::error::Error;
use std::path::PathBuf;

use clap::Args;
use tokio::sync::mpsc;
use zyre::{Accept, Builder, Event, Events, Node, ReceivedLimits};

use crate::counted::Counted;
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
    /// Ask which files to take: type y 3, n 3, y *, or ? for the list and more.
    #[arg(long)]
    ask: bool,
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
    let builder = options.network.builder()?.receive(&options.received).received_limits(limits);
    let builder = builder.accept(if options.ask { Accept::Ask } else { Accept::All });
    let builder = options.identity.apply(builder, "listen")?;
    let builder = options.group.iter().fold(builder, Builder::join);
    let builder = options.file_port.into_iter().fold(builder, Builder::file_port);
    let (node, events) = tokio::select! {
        started = builder.start() => started?,
        () = interrupted() => return Ok(()),
    };
    let (name, received) = (text::nick(node.name()), options.received.display());
    output::line(format!("listening as {name}; files go to {received}"));
    if options.ask {
        output::line("type y and a number to take a file, ? for more");
    }
    stop_when_interrupted(&node);
    let lines = options.ask.then(ask::lines);
    report(node, events, lines).await;
    Ok(())
}

/// Tells what happens until the node stops, and does what the user types. At the end of the input the
/// command goes on.
async fn report(node: Node, mut events: Events, mut lines: Option<mpsc::Receiver<String>>) {
    let mut progress = Progress::new(node.clone());
    let mut counted = Counted::default();
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = counted.due() => {
                counted.tell(&progress);
                continue;
            }
            line = next(&mut lines) => {
                match line {
                    Some(line) => ask::obey(&node, &line, &mut progress),
                    None => lines = None,
                }
                continue;
            }
        };
        let Some(event) = event else { return counted.tell(&progress) };
        if counted.note(&event) {
            if let Event::Refused { peer, name, .. } = &event {
                progress.finish(*peer, name);
            }
            continue;
        }
        match event {
            Event::Offered { peer, offer } => {
                progress.go_on(peer, &offer.name);
                progress.say(ask::sentence(&progress.name_of(peer), &offer));
            }
            Event::Deliver { peer, name, path, size: bytes } => {
                progress.finish(peer, &name);
                counted.tell_of_waiting(peer, &progress);
                let (who, name) = (progress.name_of(peer), text::message(&name));
                let path = text::path(&path);
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

/// Waits for the next line; waits forever if none are read.
async fn next(lines: &mut Option<mpsc::Receiver<String>>) -> Option<String> {
    match lines {
        Some(lines) => lines.recv().await,
        None => std::future::pending().await,
    }
}
