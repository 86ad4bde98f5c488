//! Shares a folder with everybody on the local network, and keeps what others share. Ctrl-C ends
//! it.
//!
//! ```text
//! cargo run --example files --features files -- ~/photos ./received
//! ```

use zyre::{Event, Node, Printable, State};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let shared = arguments.next().unwrap_or_else(|| "shared".into());
    let received = arguments.next().unwrap_or_else(|| "received".into());
    // "lo" stays on this machine; "*" is every network that can be used.
    let interface = arguments.next().unwrap_or_else(|| "*".into());
    // After a restart it is the same node: others have what it has sent already.
    let state = State::open(format!("{received}.state"))?;
    let builder = Node::builder().interface(interface).share(&shared, &received).state(&state);
    let (node, mut events) = builder.start().await?;
    println!("{} shares {shared}; what others share comes to {received}", node.name());

    let stopping = node.clone();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        stopping.stop().await;
    });

    while let Some(event) = events.recv().await {
        match event {
            Event::Enter { name, .. } => println!("{} is here", Printable::new(&name)),
            Event::Exit { name, .. } => println!("{} is gone", Printable::new(&name)),
            // The file is complete, and its digest is right.
            Event::Deliver { name, path, size, .. } => {
                println!("{}, {size} bytes, is at {}", Printable::new(&name), path.display());
            }
            Event::Retract { name, .. } => println!("{} is removed", Printable::new(&name)),
            // Progress: a few times a second for each transfer.
            Event::Receiving { name, bytes, total: Some(total), .. } => {
                println!("{}: {bytes} of {total} bytes", Printable::new(&name));
            }
            // The other side says so: it is there, whole.
            Event::Confirmed { peer, name, .. } => {
                println!("{} has {}", peer.default_name(), Printable::new(&name));
            }
            _ => {}
        }
    }
    Ok(())
}
