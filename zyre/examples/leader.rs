//! One of many: start it a few times, on one machine or on several, and one of them does the work.
//! Stop that one, and another goes on.

use std::pin::pin;
use std::time::Duration;

use tokio::time::interval;
use zyre::{Event, Node};

const GROUP: &str = "workers";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // "lo" stays on this machine; "*" is every network that can be used.
    let interface = std::env::args().nth(1).unwrap_or_else(|| "*".into());
    let builder = Node::builder().interface(interface).contest(GROUP);
    let (node, mut events) = builder.start().await?;
    println!("{} is at {}; Ctrl-C stops it", node.name(), node.endpoint());

    let mut work = interval(Duration::from_secs(1));
    // Waited for once: one for each turn of the loop would miss a Ctrl-C that comes between two.
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(Event::Leader { mine: true, .. }) => println!("this node leads"),
                Some(Event::Leader { leader: None, .. }) => println!("nobody leads"),
                Some(Event::Leader { leader: Some(peer), .. }) => {
                    // It may be gone by now; then the next event says so.
                    let name = node.peer(peer).map(|peer| peer.name);
                    println!("{} leads", name.as_deref().unwrap_or("a peer"));
                }
                Some(_) => {}
                None => return Ok(()),
            },
            _ = work.tick() => {
                // Two may do this at the same time, while they have not heard of each other: it must
                // not harm.
                if node.leader(GROUP) == Some(node.id()) {
                    node.shout(GROUP, format!("{} has worked", node.name()))?;
                    println!("worked");
                }
            }
            _ = &mut interrupt => {
                // The others hear at once that they need another leader.
                node.stop().await;
                return Ok(());
            }
        }
    }
}
