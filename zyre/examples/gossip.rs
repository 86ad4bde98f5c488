//! Nodes that find each other where no broadcast gets through, by way of one that all can reach.
//!
//! ```text
//! cargo run --example gossip -- listen 0.0.0.0:5999
//! cargo run --example gossip -- HUB:5999
//! ```

use std::net::SocketAddr;

use zyre::{Event, HostEndpoint, Node};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // No beacon, so that nothing but gossip leads anywhere. With it, both do.
    let builder = Node::builder().beacon(false);
    let builder = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["listen", address] => builder.gossip_listen(address.parse::<SocketAddr>()?),
        [hub] => builder.gossip_connect(hub.parse::<HostEndpoint>()?),
        _ => return Err("usage: gossip listen ADDRESS:PORT | gossip HUB:PORT".into()),
    };
    let (node, mut events) = builder.start().await?;
    println!("{} is at {}; Ctrl-C stops it", node.name(), node.endpoint());

    let stopping = node.clone();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        stopping.stop().await;
    });

    while let Some(event) = events.recv().await {
        match event {
            Event::Enter { name, endpoint, .. } => println!("{name:?} is here, at {endpoint}"),
            Event::Exit { name, reason, .. } => println!("{name:?} is gone: {reason}"),
            Event::HubUnreachable { hub, why } => println!("no hub at {hub}: {why}"),
            Event::HubReached { hub } => println!("the hub at {hub} is there"),
            _ => {}
        }
    }
    Ok(())
}
