//! A chat with everybody on the local network. Ctrl-D ends it.
//!
//! ```text
//! cargo run --example chat -- alice
//! ```

use tokio::io::{AsyncBufReadExt, BufReader};
use zyre::{Content, Event, Node, Printable};

const ROOM: &str = "lobby";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let nick = arguments.next().unwrap_or_else(|| "anonymous".into());
    // "lo" stays on this machine; "*" is every network that can be used.
    let interface = arguments.next().unwrap_or_else(|| "*".into());
    let builder = Node::builder().name(nick).interface(interface).join(ROOM);
    let (node, mut events) = builder.start().await?;
    println!("You are {} at {}; Ctrl-D ends the chat", node.name(), node.endpoint());

    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        tokio::select! {
            line = lines.next_line() => match line? {
                Some(line) => node.shout(ROOM, line)?,
                None => break,
            },
            event = events.recv() => match event {
                Some(event) => show(&event),
                None => break,
            },
        }
    }
    // Tells the others, and sends what was said last.
    node.stop().await;
    Ok(())
}

/// Prints what an event means to people.
fn show(event: &Event) {
    match event {
        Event::Join { name, group, .. } if **group == *ROOM => {
            println!("* {} is here", Printable::new(name));
        }
        Event::Exit { name, reason, .. } => {
            println!("* {} is gone: {}", Printable::new(name), reason.as_str());
        }
        Event::Shout { name, content, .. } => {
            println!("{}: {}", Printable::new(name), text(content));
        }
        Event::Whisper { name, content, .. } => {
            println!("{} whispers: {}", Printable::new(name), text(content));
        }
        _ => {}
    }
}

/// The content of a message on one line. Names and contents are whatever the peer has sent: without
/// `Printable` they could rewrite the screen.
fn text(content: &Content) -> String {
    Printable::new(&content.to_text()).keep_joiners().to_string()
}
