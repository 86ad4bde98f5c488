//! A program with a loop of its own, as graphical ones have: the loop looks for events of the node between
//! two frames, and never waits for it. It shows who is there; Ctrl-C ends it.
//!
//! ```text
//! cargo run --example gui_thread -- alice
//! ```

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use zyre::{Event, Events, Node, PeerId, Printable, TryRecvError};

/// The time between two frames.
const FRAME: Duration = Duration::from_millis(16);

/// What the window shows.
#[derive(Default)]
struct Window {
    people: BTreeMap<PeerId, String>,
    /// Whether it has to be drawn again.
    is_stale: bool,
}

impl Window {
    /// Takes what has happened since the last frame. Returns `false` when nothing more will.
    fn update(&mut self, events: &mut Events) -> bool {
        loop {
            match events.try_recv() {
                Ok(Event::Enter { peer, name, .. }) => {
                    // Names are whatever the peer has sent.
                    self.people.insert(peer, Printable::new(&name).to_string());
                }
                Ok(Event::Exit { peer, .. }) => drop(self.people.remove(&peer)),
                Ok(_) => continue,
                Err(TryRecvError::Empty) => return true,
                Err(error) => {
                    println!("{error}");
                    return false;
                }
            }
            self.is_stale = true;
        }
    }

    fn draw(&mut self) {
        if std::mem::take(&mut self.is_stale) {
            let names: Vec<_> = self.people.values().map(String::as_str).collect();
            println!("{} here: {}", names.len(), names.join(", "));
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "anonymous".into());
    // "lo" stays on this machine; "*" is every network that can be used.
    let interface = arguments.next().unwrap_or_else(|| "*".into());
    // The node works on a thread of its own, however long a frame takes.
    let (node, mut events) = Node::builder().name(name).interface(interface).start_blocking()?;
    println!("{} is at {}", node.name(), node.endpoint());
    let mut window = Window { is_stale: true, ..Window::default() };
    while window.update(&mut events) {
        window.draw();
        // Sending never waits either: a click may call `node.shout` right here.
        thread::sleep(FRAME);
    }
    Ok(())
}
