//! `zyre share`: publishes files and folders.
//!
//! ```text
//! zyre share --group holiday ~/photos talk.pdf
//! ```
//!
//! Everybody who runs `zyre listen` gets them, also those who start later. A file or folder is
//! called by its own name; with `--as` a single one gets another. After a restart others know this node
//! again, and are sent only what they do not have.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::Args;
use zyre::{Builder, Events, Node};

use crate::interrupt::{interrupted, stop_when_interrupted};
use crate::network::Network;
use crate::output;
use crate::progress::Progress;
use crate::state::Identity;
use crate::text;

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
    alias: Option<String>,
    #[command(flatten)]
    identity: Identity,
    #[command(flatten)]
    network: Network,
}

pub(crate) async fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if options.alias.is_some() && options.paths.len() > 1 {
        return Err("--as names a single file or folder".into());
    }
    let builder = options.network.builder().publishing();
    let builder = options.identity.apply(builder, "share")?;
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
    output::line(format!("sharing as {}", text::nick(node.name())));
    for path in &options.paths {
        publish(&node, path, options).await?;
    }
    Ok((node, events))
}

async fn publish(node: &Node, path: &Path, options: &Options) -> Result<(), Box<dyn Error>> {
    let name = match &options.alias {
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
    while let Some(event) = events.recv().await {
        progress.show(&event);
    }
}
