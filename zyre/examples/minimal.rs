//! A node that greets whoever comes, answers whispers, and tells what it hears.
//!
//! Run it twice, on one machine or two: they find each other.

use zyre::{Event, Node};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Which interface: a name, an address, or the one that leads to the network.
    let interface = std::env::args().nth(1).unwrap_or_else(|| "*".into());
    let (node, mut events) = Node::builder()
        .name("minimal")
        .header("X-LANGUAGE", "Rust")
        .interface(interface)
        .join("chat")
        .start()
        .await?;
    println!("{} is at {}; Ctrl-C ends it", node.name(), node.endpoint());

    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            _ = tokio::signal::ctrl_c() => break,
        };
        match event {
            Some(Event::Enter { peer, name, headers, .. }) => {
                println!("{name} is here: {headers:?}");
                // A peer that has entered can be sent to. It may be gone again: that is no error.
                node.whisper(peer, format!("welcome, {name}")).ok();
            }
            Some(Event::Join { name, group, .. }) => {
                println!("{name} has joined {group}");
                node.shout(&group, ["now here", &name])?;
            }
            Some(Event::Whisper { name, content, .. }) => println!("{name}: {}", content.to_text()),
            Some(Event::Shout { name, group, content, .. }) => {
                println!("{name} to {group}: {}", content.to_text());
            }
            Some(Event::Exit { name, reason, .. }) => println!("{name} is gone: {reason}"),
            Some(_) => {}
            None => break,
        }
    }
    node.stop().await;
    Ok(())
}
