//! A whole node. Start it twice, on one machine or on two, and they meet.

use zyre::{Event, Node};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // "lo" stays on this machine; "*" is every network that can be used.
    let interface = std::env::args().nth(1).unwrap_or_else(|| "*".into());
    let builder = Node::builder().interface(interface).header("X-LANGUAGE", "Rust").join("chat");
    let (node, mut events) = builder.start().await?;
    println!("{} is at {}; Ctrl-C stops it", node.name(), node.endpoint());

    let stopping = node.clone();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        stopping.stop().await;
    });

    // The events end when the node has stopped.
    while let Some(event) = events.recv().await {
        println!("{event:?}");
        let sent = match event {
            Event::Enter { peer, name, .. } => node.whisper(peer, format!("Hello, {name}!")),
            Event::Join { group, .. } => node.shout(&group, ["Hello", "all!"]),
            _ => Ok(()),
        };
        // The peer may just have left: no reason to stop.
        if let Err(refused) = sent {
            println!("{refused}");
        }
    }
    Ok(())
}
