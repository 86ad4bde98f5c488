//! Nodes that meet without broadcast: in a cloud, by a VPN, across routers.
//!
//! ```text
//! cargo run --example static_peers -- 49152
//! cargo run --example static_peers -- 49153 localhost:49152
//! ```
//!
//! The first argument is the TCP port of this node, the others are where others are: an address or
//! the name of a host, and a port. It is enough that one of two knows the other, and can connect to it.

use zyre::{Event, HostEndpoint, Node};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().ok_or("name a port, and where others are")?.parse()?;
    // No UDP at all. With a beacon as well, those on this network meet by themselves.
    let mut builder = Node::builder().beacon(false).mailbox_port(port).join("chat");
    for argument in arguments {
        builder = builder.require_endpoint(argument.parse::<HostEndpoint>()?);
    }
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
            // It is tried again, for as long as this node runs.
            Event::Exit { name, reason, .. } => println!("{name:?} is gone: {reason}"),
            Event::EndpointUnreachable { endpoint, why } => println!("{endpoint}: {why}"),
            Event::Join { group, .. } => {
                // The node may just have been stopped.
                if let Err(refused) = node.shout(&group, "Hello, all!") {
                    println!("{refused}");
                }
            }
            Event::Shout { name, content, .. } => println!("{name:?}: {:?}", content.to_text()),
            _ => {}
        }
    }
    Ok(())
}
