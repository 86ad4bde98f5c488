//! The Rust peer that Python is compared with: sends, receives, asks or answers, as `bench/run.py` wants.

use std::error::Error;
use std::time::{Duration, Instant};

use zyre::{ActionError, Event, Events, Limits, Node, PeerId};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, work, port, count] = arguments.as_slice() else {
        return Err("usage: peer send|receive|ask|answer BEACON_PORT COUNT".into());
    };
    let (port, count) = (port.parse()?, count.parse()?);
    // Receivers are to be measured, not the limit of the queue.
    let limits = Limits { link_messages: 100_000, link_bytes: 1 << 28, ..Limits::default() };
    let builder = Node::builder().name(work).interface("lo").beacon_port(port).limits(limits);
    let (node, mut events) = builder.start_blocking()?;
    let peer = loop {
        if let Some(Event::Enter { peer, .. }) = events.blocking_recv() {
            break peer;
        }
    };
    match work.as_str() {
        "send" => {
            // The other one has to see this one as well.
            std::thread::sleep(Duration::from_millis(300));
            for _ in 0..count {
                send(&node, peer, vec![b'x'; 32])?;
            }
            while !matches!(events.blocking_recv(), Some(Event::Exit { .. }) | None) {}
        }
        "receive" => receive(&mut events, count),
        "ask" => ask(&node, &mut events, peer, count)?,
        "answer" => {
            while let Some(event) = events.blocking_recv() {
                match event {
                    Event::Whisper { peer, content, .. } => node.whisper(peer, content)?,
                    Event::Exit { .. } => break,
                    _ => {}
                }
            }
        }
        other => return Err(format!("no work is called {other}").into()),
    }
    node.blocking_stop();
    Ok(())
}

fn send(node: &Node, peer: PeerId, content: Vec<u8>) -> Result<()> {
    match node.whisper(peer, content) {
        Err(ActionError::Full(_)) => {
            node.blocking_ready(peer, 32)?;
            send(node, peer, vec![b'x'; 32])
        }
        sent => Ok(sent?),
    }
}

fn receive(events: &mut Events, count: u64) {
    let (mut heard, mut began) = (0, Instant::now());
    while heard < count {
        match events.blocking_recv() {
            Some(Event::Whisper { .. }) => {
                if heard == 0 {
                    began = Instant::now();
                }
                heard += 1;
            }
            Some(_) => {}
            None => return,
        }
    }
    println!("{{\"per_second\": {}}}", count as f64 / began.elapsed().as_secs_f64());
}

fn ask(node: &Node, events: &mut Events, peer: PeerId, count: u64) -> Result<()> {
    std::thread::sleep(Duration::from_millis(300));
    let mut times = Vec::new();
    for _ in 0..count {
        let asked = Instant::now();
        node.whisper(peer, vec![b'x'; 32])?;
        while !matches!(events.blocking_recv(), Some(Event::Whisper { .. }) | None) {}
        times.push(asked.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    println!("{{\"microseconds\": {}}}", times[times.len() / 2] * 1e6);
    Ok(())
}
