//! `zyre watch`: what happens on the network, until Ctrl-C.
//!
//! ```text
//! zyre watch --join chat
//! zyre watch --json | jq 'select(.event == "ENTER") | .name'
//! ```
//!
//! It tells of all nodes, whatever they are written with: who comes and goes, and in which groups they
//! are. To hear what is said in a group, join it: `--join`. With `--json` the lines are
//! those of `zyre peer`.

use std::error::Error;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use zyre::{Content, Event, Node, PeerId};

use crate::event_json::{describe, id};
use crate::interrupt::stop_when_interrupted;
use crate::network::Network;
use crate::visit::warning;
use crate::{account, gone, output, text};

/// The digits of an id that are shown to people.
const DIGITS: usize = 8;

#[derive(Args)]
pub(crate) struct Options {
    /// One JSON object a line, for programs.
    #[arg(long)]
    json: bool,
    /// A group to be in, so that what is said there is heard. May be given several times.
    #[arg(long, value_name = "GROUP")]
    join: Vec<String>,
    /// What others call this node. Default: zyre-watch.
    #[arg(long, env = "ZYRE_NAME", value_parser = account::checked, default_value = "zyre-watch",
        hide_default_value = true)]
    name: String,
    #[command(flatten)]
    network: Network,
}

pub(crate) async fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    let builder = options.network.builder()?.name(options.name.as_str());
    let builder = options.join.iter().fold(builder, zyre::Builder::join);
    let (node, mut events) = builder.start().await?;
    stop_when_interrupted(&node);
    if options.json {
        output::record(json!({"event": "STARTED", "peer": id(node.id()), "name": node.name(),
            "endpoint": node.endpoint().to_string()}));
    } else {
        output::line(format!("watching at {}; Ctrl-C ends it", node.endpoint().address()));
    }
    while let Some(event) = events.recv().await {
        if options.json {
            describe(&event).into_iter().for_each(output::record);
        } else if let Some(sentence) = sentence(&node, &event) {
            let now = jiff::Zoned::now().strftime("%H:%M:%S");
            output::line(format!("{now} {sentence}"));
        }
    }
    if options.json {
        output::record(json!({"event": "STOPPED", "ok": true}));
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns a sentence that tells of an event; `None` if it is not worth one.
fn sentence(node: &Node, event: &Event) -> Option<String> {
    Some(match event {
        Event::Enter { peer, name, endpoint, .. } => {
            format!("{} is here: {}, at {}", text::nick(name), short(*peer), endpoint.address())
        }
        Event::Exit { name, reason, .. } => match gone::why(*reason) {
            Some(why) => format!("{} is gone: {why}", text::nick(name)),
            None => format!("{} has left", text::nick(name)),
        },
        Event::Join { name, group, .. } => {
            format!("{} joined {}", text::nick(name), text::room(group))
        }
        Event::Leave { name, group, .. } => {
            format!("{} left {}", text::nick(name), text::room(group))
        }
        Event::Whisper { name, content, .. } => {
            format!("(whisper) {}: {}", text::nick(name), one_line(content))
        }
        Event::Shout { name, group, content, .. } => {
            format!("[{}] {}: {}", text::room(group), text::nick(name), one_line(content))
        }
        Event::Evasive { name, .. } => format!("{} has become quiet", text::nick(name)),
        Event::Silent { name, .. } => format!("{} does not answer", text::nick(name)),
        Event::Returned { name, .. } => format!("{} is back", text::nick(name)),
        Event::Leader { group, leader: Some(leader), .. } => {
            let name = node.peer(*leader).map(|peer| text::nick(&peer.name));
            let name = name.unwrap_or_else(|| short(*leader));
            format!("{name} leads {}", text::room(group))
        }
        Event::Moved { endpoint } => format!("this node is now at {}", endpoint.address()),
        event => return warning(node, event),
    })
}

fn short(peer: PeerId) -> String {
    format!("{:.DIGITS$}", peer.to_string())
}

fn one_line(content: &Content) -> String {
    text::message(&content.to_text())
}
