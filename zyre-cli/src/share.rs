//! `zyre share`: publishes files and folders.
//!
//! ```text
//! zyre share --group holiday ~/photos talk.pdf
//! ```
//!
//! Everybody who runs `zyre listen` gets them, also those who start later. A file or folder is
//! called by its own name; with `--as` a single one gets another.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::Args;
use zyre::{Builder, Event, Events, Node};

use crate::counted::Counted;
use crate::interrupt::{interrupted, stop_when_interrupted};
use crate::network::Network;
use crate::output;
use crate::progress::Progress;

#[derive(Args)]
pub(crate) struct Options {
    /// Files and folders.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Only to members of this group.
    #[arg(long)]
    group: Option<String>,
    /// What it is called on the network, such as /talks/mine.pdf; for a single file or folder.
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    network: Network,
}

pub(crate) async fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if options.name.is_some() && options.paths.len() > 1 {
        return Err("--as names a single file or folder".into());
    }
    // A node that shares has both directories; only what is published explicitly is sent.
    let own = tempfile::tempdir()?;
    let builder = options.network.builder();
    let builder = builder.share(own.path().join("shared"), own.path().join("received"));
    let (node, events) = tokio::select! {
        begun = begin(builder, options) => begun?,
        () = interrupted() => return Ok(()),
    };
    stop_when_interrupted(&node);
    report(node, events).await;
    Ok(())
}

async fn begin(builder: Builder, options: &Options) -> Result<(Node, Events), Box<dyn Error>> {
    let (node, events) = builder.start().await?;
    for path in &options.paths {
        publish(&node, path, options).await?;
    }
    Ok((node, events))
}

async fn publish(node: &Node, path: &Path, options: &Options) -> Result<(), Box<dyn Error>> {
    let name = match &options.name {
        Some(name) => name.clone(),
        None => name_of(path)?,
    };
    let published = match &options.group {
        Some(group) => node.publish_to(group, path, &name).await,
        None => node.publish(path, &name).await,
    };
    published.map_err(|error| format!("{}: {error}", path.display()))?;
    output::line(format!("{} is published as {name}", path.display()));
    Ok(())
}

/// A file's or folder's own name.
fn name_of(path: &Path) -> Result<String, Box<dyn Error>> {
    let absolute = path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?;
    let name = absolute.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| format!("{}: name it with --as", path.display()))?;
    Ok(format!("/{name}"))
}

async fn report(node: Node, mut events: Events) {
    let mut progress = Progress::new(node);
    let mut counted = Counted::default();
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = counted.due() => {
                for sentence in counted.take(|peer| progress.name_of(peer)) {
                    progress.say(sentence);
                }
                continue;
            }
        };
        let Some(event) = event else { return };
        match event {
            // What others publish comes to a directory that goes with this process.
            Event::Receiving { .. } => {}
            event => {
                if let Event::Declined { peer, name, .. } = &event {
                    progress.finish(*peer, name);
                }
                if !counted.note(&event) {
                    progress.show(&event);
                }
            }
        }
    }
}
