//! Secure nodes of one network: `cargo run --example secure -- new`, and on each of
//! the other machines `cargo run --example secure`, which asks for the words.

use std::error::Error;
use std::io;

use zyre::{Event, Identity, NetworkKey, Node, Trust};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let network = if std::env::args().nth(1).as_deref() == Some("new") {
        NetworkKey::generate()?
    } else {
        println!("the twelve words of the network:");
        let mut words = String::new();
        io::stdin().read_line(&mut words)?;
        words.parse()?
    };
    println!("the network: {}", *network.words());
    // A program that is to be known again keeps it: Identity::load_or_create.
    let identity = Identity::create()?;
    let words = identity.public_key().words();
    let builder = Node::builder().secure(identity, Trust::network(network));
    let (node, mut events) = builder.join("lobby").start().await?;
    println!("{} is at {}, and is {words}", node.name(), node.endpoint());
    while let Some(event) = events.recv().await {
        match event {
            Event::Enter { name, key: Some(key), .. } => println!("{name:?} is {}", key.words()),
            Event::Join { peer, .. } => node.whisper(peer, "between us")?,
            Event::Whisper { name, content, .. } => println!("{name:?}: {:?}", content.to_text()),
            Event::Exit { name, reason, .. } => println!("{name:?} has gone: {reason}"),
            _ => {}
        }
    }
    Ok(())
}
