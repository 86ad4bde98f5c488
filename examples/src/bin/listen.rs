//! Keeps the files that others on the local network publish.
//!
//! ```text
//! cargo run --release --bin listen -- --group holiday --inbox ./received
//! ```
//!
//! What a node publishes comes to a folder of its own below the inbox, named by the node's id.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use examples::bars::{Bars, size};
use examples::clean;
use zyre::{Event, Events, Node};

/// Keeps the files that others on the local network publish, until it is stopped with Ctrl-C.
#[derive(Parser)]
#[command(name = "listen")]
struct Options {
    /// Where they go
    #[arg(long, default_value = "received")]
    inbox: PathBuf,
    /// Groups to be in; may be given again
    #[arg(long)]
    group: Vec<String>,
    /// Interface: a name, an IPv4 address, or *. Default: where the default route goes
    #[arg(long, default_value = "*")]
    interface: String,
    /// UDP port of the beacon: only those with the same meet
    #[arg(long, default_value_t = zyre::BEACON_PORT)]
    port: u16,
}

#[tokio::main]
async fn main() -> ExitCode {
    match listen(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("listen: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn listen(options: &Options) -> Result<(), Box<dyn Error>> {
    let outbox = tempfile::tempdir()?;
    let mut builder = Node::builder()
        .interface(options.interface.as_str())
        .beacon_port(options.port)
        .share(outbox.path(), &options.inbox);
    for group in &options.group {
        builder = builder.join(group);
    }
    let (node, events) = builder.start().await?;
    println!("listening; files go to {}", options.inbox.display());
    let stopping = node.clone();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        stopping.stop().await;
    });
    report(&node, events).await;
    Ok(())
}

async fn report(node: &Node, mut events: Events) {
    let mut bars = Bars::default();
    let name_of =
        |peer| node.peer(peer).map_or_else(|| "(gone)".into(), |peer| clean::nick(&peer.name));
    while let Some(event) = events.recv().await {
        match event {
            Event::Enter { name, .. } => bars.say(format!("{} is here", clean::nick(&name))),
            Event::Exit { peer, name, .. } => {
                bars.end_all(peer);
                bars.say(format!("{} is gone", clean::nick(&name)));
            }
            Event::Receiving { peer, name, octets, total, rate } => {
                bars.came_to(peer, &name_of(peer), &name, octets, total, rate);
            }
            Event::Deliver { peer, name, path, size: octets } => {
                bars.end(peer, &name);
                let who = name_of(peer);
                let (name, path) = (clean::message(&name), path.display().to_string());
                bars.say(format!(
                    "{who}: {name}, {}, is at {}",
                    size(octets),
                    clean::message(&path)
                ));
            }
            Event::Retract { peer, name, .. } => {
                bars.end(peer, &name);
                bars.say(format!("{} has taken back {}", name_of(peer), clean::message(&name)));
            }
            _ => {}
        }
    }
}
