//! Publishes files and folders to everybody on the local network, or to a group of them.
//!
//! ```text
//! cargo run --release --bin share -- --group holiday ~/photos talk.pdf
//! ```
//!
//! Whoever runs `listen` gets them, also who comes later. Each is called by its own name; with `--as` a
//! single one has another.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use examples::bars::{Bars, size};
use examples::clean;
use zyre::{Event, Events, Node, PeerId};

/// Publishes files and folders on the local network, until it is stopped with Ctrl-C.
#[derive(Parser)]
#[command(name = "share")]
struct Options {
    /// Files and folders
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Only to members of this group
    #[arg(long)]
    group: Option<String>,
    /// What it is called on the network, as /talks/mine.pdf; for a single one
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    /// Interface: a name, an IPv4 address, or *. Default: where the default route goes
    #[arg(long, default_value = "*")]
    interface: String,
    /// UDP port of the beacon: only those with the same meet
    #[arg(long, default_value_t = zyre::BEACON_PORT)]
    port: u16,
}

#[tokio::main]
async fn main() -> ExitCode {
    match share(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("share: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn share(options: &Options) -> Result<(), Box<dyn Error>> {
    if options.name.is_some() && options.paths.len() > 1 {
        return Err("--as names a single file or folder".into());
    }
    // Nothing but what is published, and nothing is received: both directories stay empty.
    let own = tempfile::tempdir()?;
    let (node, events) = Node::builder()
        .interface(options.interface.as_str())
        .beacon_port(options.port)
        .share(own.path().join("outbox"), own.path().join("inbox"))
        .start()
        .await?;
    for path in &options.paths {
        let name = match &options.name {
            Some(name) => name.clone(),
            None => name_of(path)?,
        };
        let published = match &options.group {
            Some(group) => node.publish_to(group, path, &name).await,
            None => node.publish(path, &name).await,
        };
        published.map_err(|error| format!("{}: {error}", path.display()))?;
        println!("{} is published as {name}", path.display());
    }
    let stopping = node.clone();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        stopping.stop().await;
    });
    report(&node, events).await;
    Ok(())
}

/// A file's or folder's own name.
fn name_of(path: &Path) -> Result<String, Box<dyn Error>> {
    let absolute = path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?;
    let name = absolute.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| format!("{}: name it with --as", path.display()))?;
    Ok(format!("/{name}"))
}

async fn report(node: &Node, mut events: Events) {
    let mut bars = Bars::default();
    let name_of = |peer: PeerId| -> Arc<str> {
        node.peer(peer).map_or_else(|| peer.default_name().into(), |peer| peer.name)
    };
    while let Some(event) = events.recv().await {
        match event {
            Event::Enter { name, .. } => bars.say(format!("{} is here", clean::nick(&name))),
            Event::Exit { peer, name, .. } => {
                bars.end_all(peer);
                bars.say(format!("{} is gone", clean::nick(&name)));
            }
            Event::Sending { peer, name, octets, total, rate } => {
                bars.came_to(peer, &name_of(peer), &name, octets, total, rate);
            }
            Event::Sent { peer, name, size: octets } => {
                bars.end(peer, &name);
                let (who, name) = (name_of(peer), clean::message(&name));
                bars.say(format!("{} has {name}, {}", clean::nick(&who), size(octets)));
            }
            _ => {}
        }
    }
}
