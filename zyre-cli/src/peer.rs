//! `zyre peer`: a node behind a line protocol, for scripts and for the interoperability tests.
//!
//! Standard input takes one command a line:
//!
//! ```text
//! join G | leave G | contest G | leader G | whisper ID TEXT | shout G TEXT | whisperm ID F1|F2|..
//! shoutm G F1|F2|.. | ready ID|G BYTES | burst ID N | churn G N | require ID ENDPOINT
//! require ENDPOINT | forget ID | forget ENDPOINT | required | peers | quit | die
//! ```
//!
//! `ready` waits until a peer, or every member of a group, takes a message of that many bytes, and
//! says `READY`. The commands after it wait as well, `quit` too, so a script that has `ready` before
//! each large message loses none, and need not read the answers. What reads as an id is one.
//!
//! `contest` joins a group as well; `leader` says who leads it, by a `LEADER` of the same form as the
//! event, in which `null` is nobody.
//!
//! `require` connects to a node that no beacon tells of, or to any node at an endpoint, again and
//! again until `forget` takes it back. An endpoint is `host:port` or `tcp://host:port`, with an address
//! or a host name. `required` lists them.
//!
//! Standard output gives one JSON object a line, beginning with
//! `{"event":"STARTED","peer":id,...}`. Frames that are not UTF-8 are written `hex:...`.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tracing_subscriber::EnvFilter;
use zyre::{Builder, Events, HostEndpoint, Node, PeerId, RequirementInfo, State};

use crate::event_json::{describe, id, leads};
use crate::interrupt::interrupted;
use crate::network::Network;
use crate::output;

#[derive(Args)]
pub(crate) struct Options {
    /// The node's name.
    #[arg(long, env = "ZYRE_NAME")]
    name: Option<String>,
    /// The node's id, 32 hexadecimal digits. Default: that of `--state`, or else a new one.
    #[arg(long)]
    id: Option<PeerId>,
    /// Directory that keeps the node's id, so that it is the same after a restart.
    #[arg(long, value_name = "DIR", conflicts_with = "id")]
    state: Option<PathBuf>,
    /// A header, NAME=VALUE.
    #[arg(long, value_name = "NAME=VALUE")]
    header: Vec<String>,
    /// A group to be in from the start.
    #[arg(long, value_name = "GROUP")]
    join: Vec<String>,
    /// A group to contest in from the start; to be in as well.
    #[arg(long, value_name = "GROUP")]
    contest: Vec<String>,
    /// Milliseconds after which a quiet peer is evasive.
    #[arg(long, value_name = "MS")]
    evasive: Option<u64>,
    /// Milliseconds after which a quiet peer is given up.
    #[arg(long, value_name = "MS")]
    expired: Option<u64>,
    /// Milliseconds from beacon to beacon.
    #[arg(long, value_name = "MS")]
    interval: Option<u64>,
    #[command(flatten)]
    network: Network,
}

impl Options {
    fn builder(self) -> Result<Builder, Box<dyn Error>> {
        let mut builder = self.network.builder()?;
        if let Some(directory) = self.state {
            builder = builder.state(&State::open(directory)?);
        }
        if let Some(name) = self.name {
            builder = builder.name(name);
        }
        if let Some(id) = self.id {
            builder = builder.id(id);
        }
        if let Some(ms) = self.evasive {
            builder = builder.evasive_timeout(Duration::from_millis(ms));
        }
        if let Some(ms) = self.expired {
            builder = builder.expired_timeout(Duration::from_millis(ms));
        }
        if let Some(ms) = self.interval {
            builder = builder.beacon_interval(Duration::from_millis(ms));
        }
        for header in self.header {
            let (name, value) = header.split_once('=').unwrap_or((&header, ""));
            builder = builder.header(name, value);
        }
        let builder = self.join.into_iter().fold(builder, Builder::join);
        Ok(self.contest.into_iter().fold(builder, Builder::contest))
    }
}

pub(crate) async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_writer(io::stderr)
        .init();
    let (node, events) = options.builder()?.start().await?;
    let endpoint = node.endpoint().to_string();
    out(json!({"event": "STARTED", "peer": id(node.id()), "name": node.name(),
        "endpoint": endpoint}));
    let reporter = tokio::spawn(report(events));
    tokio::select! {
        () = obey(&node) => {}
        () = interrupted() => {}
    }
    node.stop().await;
    // It ends with the event Stop.
    let _ = reporter.await;
    out(json!({"event": "STOPPED", "ok": true}));
    Ok(())
}

/// Carries out commands until `quit` or the end of the input.
async fn obey(node: &Node) {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        match lines.next_line().await {
            Ok(Some(line)) if line.trim_end() == "quit" => return,
            Ok(Some(line)) => {
                if let Err(what) = command(node, line.trim_end_matches('\r')).await {
                    out(json!({"event": "ERROR", "what": what}));
                }
            }
            // A line that is not UTF-8.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                out(json!({"event": "ERROR", "what": error.to_string()}));
            }
            Ok(None) | Err(_) => return,
        }
    }
}

async fn command(node: &Node, line: &str) -> Result<(), String> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let (first, tail) = rest.split_once(' ').unwrap_or((rest, ""));
    let peer = || first.parse::<PeerId>().map_err(|error| error.to_string());
    let count = || tail.parse::<u32>().map_err(|error| format!("{tail:?}: {error}"));
    let frames = || tail.split('|').collect::<Vec<_>>();
    let done = match word {
        "" => Ok(()),
        "join" => node.join(first),
        "leave" => node.leave(first),
        "contest" => node.contest(first),
        "leader" => {
            let leader = node.leader(first);
            out(leads(first, leader, leader == Some(node.id())));
            Ok(())
        }
        "whisper" => node.whisper(peer()?, tail),
        "whisperm" => node.whisper(peer()?, frames()),
        "shout" => node.shout(first, tail),
        "shoutm" => node.shout(first, frames()),
        "ready" => {
            let bytes = tail.parse::<usize>().map_err(|error| format!("{tail:?}: {error}"))?;
            let (done, to, name) = match peer() {
                Ok(peer) => (node.ready(peer, bytes).await, "peer", id(peer)),
                Err(_) => (node.ready_in(first, bytes).await, "group", first.to_owned()),
            };
            if done.is_ok() {
                out(json!({"event": "READY", to: name, "bytes": bytes}));
            }
            done
        }
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
        "require" if tail.is_empty() => node.require_endpoint(endpoint(first)?),
        "require" => node.require_peer(peer()?, endpoint(tail)?),
        "forget" => match peer() {
            Ok(peer) => node.forget_peer(peer),
            Err(_) => node.forget_endpoint(endpoint(first)?),
        },
        "required" => {
            let required: Vec<_> = node.required().iter().map(describe_required).collect();
            out(json!({"event": "REQUIRED", "required": required}));
            Ok(())
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

fn endpoint(text: &str) -> Result<HostEndpoint, String> {
    text.parse::<HostEndpoint>().map_err(|error| error.to_string())
}

fn describe_required(info: &RequirementInfo) -> Value {
    json!({
        "endpoint": info.endpoint.to_string(), "peer": info.peer.map(id),
        "present": info.is_present, "problem": info.problem.map(|why| why.as_str()),
    })
}

async fn report(mut events: Events) {
    while let Some(event) = events.recv().await {
        if let Some(line) = describe(&event) {
            out(line);
        }
    }
}

fn out(line: Value) {
    output::record(line);
}
