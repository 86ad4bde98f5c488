//! A node behind a line protocol, for scripts and for the interoperability tests.
//!
//! Standard input takes one command a line:
//!
//! ```text
//! join G | leave G | whisper ID TEXT | shout G TEXT | whisperm ID F1|F2|.. | shoutm G F1|F2|..
//! burst ID N | churn G N | peers | quit | die
//! ```
//!
//! Standard output gives one JSON object a line, beginning with
//! `{"event":"STARTED","peer":id,...}`. Frames that are not UTF-8 are written `hex:...`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use zyre::{Builder, Content, Event, Events, Node, PeerId};

/// A node behind a line protocol.
#[derive(Parser)]
struct Options {
    /// The node's name.
    #[arg(long)]
    name: Option<String>,
    /// Interface: a name, an IPv4 address, or *.
    #[arg(long)]
    interface: Option<String>,
    /// UDP port of the beacon.
    #[arg(long)]
    port: Option<u16>,
    /// A header, NAME=VALUE.
    #[arg(long, value_name = "NAME=VALUE")]
    header: Vec<String>,
    /// A group to be in from the start.
    #[arg(long, value_name = "GROUP")]
    join: Vec<String>,
    /// TCP port of the mailbox.
    #[arg(long)]
    mailbox: Option<u16>,
    /// After how many ms a quiet peer is evasive.
    #[arg(long, value_name = "MS")]
    evasive: Option<u64>,
    /// After how many ms a quiet peer is given up.
    #[arg(long, value_name = "MS")]
    expired: Option<u64>,
    /// ms from beacon to beacon.
    #[arg(long, value_name = "MS")]
    interval: Option<u64>,
}

impl Options {
    fn builder(self) -> Builder {
        let mut builder = Node::builder();
        if let Some(name) = self.name {
            builder = builder.name(name);
        }
        if let Some(interface) = self.interface {
            builder = builder.interface(interface);
        }
        if let Some(port) = self.port {
            builder = builder.beacon_port(port);
        }
        if let Some(port) = self.mailbox {
            builder = builder.mailbox_port(port);
        }
        if let Some(ms) = self.evasive {
            builder = builder.evasive(Duration::from_millis(ms));
        }
        if let Some(ms) = self.expired {
            builder = builder.expired(Duration::from_millis(ms));
        }
        if let Some(ms) = self.interval {
            builder = builder.beacon_interval(Duration::from_millis(ms));
        }
        for header in self.header {
            let (name, value) = header.split_once('=').unwrap_or((&header, ""));
            builder = builder.header(name, value);
        }
        self.join.into_iter().fold(builder, Builder::join)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let (node, events) = match Options::parse().builder().start().await {
        Ok(started) => started,
        Err(error) => {
            eprintln!("peer: {error}");
            return ExitCode::FAILURE;
        }
    };
    let endpoint = node.endpoint().to_string();
    out(json!({"event": "STARTED", "peer": id(node.id()), "name": node.name(),
        "endpoint": endpoint}));
    let reporter = tokio::spawn(report(events));
    obey(&node).await;
    node.stop().await;
    // It ends with the event Stop.
    let _ = reporter.await;
    out(json!({"event": "STOPPED", "ok": true}));
    ExitCode::SUCCESS
}

/// Carries out commands until `quit` or the end of the input.
async fn obey(node: &Node) {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        match lines.next_line().await {
            Ok(Some(line)) if line.trim_end() == "quit" => return,
            Ok(Some(line)) => {
                if let Err(what) = command(node, line.trim_end_matches('\r')) {
                    out(json!({"event": "ERROR", "what": what}));
                }
            }
            // A line that is not UTF-8.
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                out(json!({"event": "ERROR", "what": error.to_string()}));
            }
            Ok(None) | Err(_) => return,
        }
    }
}

fn command(node: &Node, line: &str) -> Result<(), String> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let (first, tail) = rest.split_once(' ').unwrap_or((rest, ""));
    let peer = || first.parse::<PeerId>().map_err(|error| error.to_string());
    let count = || tail.parse::<u32>().map_err(|error| format!("{tail:?}: {error}"));
    let frames = || tail.split('|').collect::<Vec<_>>();
    let done = match word {
        "" => Ok(()),
        "join" => node.join(first),
        "leave" => node.leave(first),
        "whisper" => node.whisper(peer()?, tail),
        "whisperm" => node.whisper(peer()?, frames()),
        "shout" => node.shout(first, tail),
        "shoutm" => node.shout(first, frames()),
        "burst" => {
            let (peer, count) = (peer()?, count()?);
            let done = (0..count).try_for_each(|i| node.whisper(peer, i.to_string()));
            out(json!({"event": "BURST", "count": count}));
            done
        }
        "churn" => {
            let count = count()?;
            let done =
                (0..count).try_for_each(|_| node.join(first).and_then(|()| node.leave(first)));
            out(json!({"event": "CHURN", "count": count}));
            done
        }
        "peers" => {
            let peers: Vec<_> = node.peers().into_iter().map(id).collect();
            out(json!({"event": "PEERS", "peers": peers}));
            Ok(())
        }
        "die" => std::process::exit(9),
        _ => return Err(format!("unknown command {word:?}")),
    };
    done.map_err(|refused| refused.to_string())
}

async fn report(mut events: Events) {
    while let Some(event) = events.recv().await {
        if let Some(line) = describe(&event) {
            out(line);
        }
    }
}

fn describe(event: &Event) -> Option<Value> {
    Some(match event {
        Event::Enter { peer, name, headers, endpoint } => json!({
            "event": "ENTER", "peer": id(*peer), "name": **name, "headers": **headers,
            "address": endpoint.to_string(),
        }),
        Event::Exit { peer, name, reason } => json!({
            "event": "EXIT", "peer": id(*peer), "name": **name, "reason": reason.as_str(),
        }),
        Event::Join { peer, name, group } => json!({
            "event": "JOIN", "peer": id(*peer), "name": **name, "group": **group,
        }),
        Event::Leave { peer, name, group } => json!({
            "event": "LEAVE", "peer": id(*peer), "name": **name, "group": **group,
        }),
        Event::Whisper { peer, name, content } => json!({
            "event": "WHISPER", "peer": id(*peer), "name": **name, "content": text(content),
        }),
        Event::Shout { peer, name, group, content } => json!({
            "event": "SHOUT", "peer": id(*peer), "name": **name, "group": **group,
            "content": text(content),
        }),
        Event::Evasive { peer, name } => json!({
            "event": "EVASIVE", "peer": id(*peer), "name": **name,
        }),
        Event::Silent { peer, name } => json!({
            "event": "SILENT", "peer": id(*peer), "name": **name,
        }),
        Event::Moved { endpoint } => json!({"event": "MOVED", "address": endpoint.to_string()}),
        // STOPPED says it.
        _ => return None,
    })
}

fn id(peer: PeerId) -> String {
    peer.to_string()
}

fn text(content: &Content) -> Vec<String> {
    let frame = |frame: &[u8]| match std::str::from_utf8(frame) {
        Ok(text) => text.to_owned(),
        Err(_) => frame.iter().fold("hex:".to_owned(), |hex, octet| format!("{hex}{octet:02x}")),
    };
    content.frames().iter().map(|octets| frame(octets)).collect()
}

fn out(line: Value) {
    println!("{line}");
}
