//! Threads instead of async code: one prints what happens, the other shouts the lines that are
//! typed. Ctrl-D ends it.
//!
//! ```text
//! cargo run --example blocking -- alice
//! ```

use std::io::stdin;
use std::thread;

use zyre::{Event, Node, Printable};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "anonymous".into());
    // "lo" stays on this machine; "*" is every network that can be used.
    let interface = arguments.next().unwrap_or_else(|| "*".into());
    let builder = Node::builder().name(name).interface(interface).join("lobby");
    // The node has a thread of its own, beside those of the application.
    let (node, mut events) = builder.start_blocking()?;
    println!("{} is at {}; Ctrl-D stops it", node.name(), node.endpoint());

    let printer = thread::spawn(move || {
        // Waits for the next event; there is none after the node has stopped.
        while let Some(event) = events.blocking_recv() {
            match event {
                Event::Shout { name, content, .. } => {
                    let text = content.to_text();
                    println!("{}: {}", Printable::new(&name), Printable::new(&text));
                }
                other => println!("{other:?}"),
            }
        }
    });

    for line in stdin().lines() {
        // Sending never waits, so it can be done from any thread.
        node.shout("lobby", line?)?;
    }
    node.blocking_stop();
    let _ = printer.join();
    Ok(())
}
