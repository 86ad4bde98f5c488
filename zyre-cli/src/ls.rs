//! `zyre ls`: who is there.
//!
//! ```text
//! zyre ls
//! zyre ls --json --wait 5 | jq -r .name
//! ```
//!
//! It looks for two seconds, and lists all nodes of the network, whatever they are written with. The
//! exit status is 0 if there is any, and 1 if there is none.

use std::error::Error;
use std::process::ExitCode;

use clap::Args;
use console::measure_text_width;
use serde_json::{Value, json};
use zyre::{Node, PeerInfo};

use crate::event_json::id;
use crate::visit::Visit;
use crate::{output, text};

/// The digits of an id that are shown to people.
const DIGITS: usize = 8;

#[derive(Args)]
pub(crate) struct Options {
    /// One JSON object a line, for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    visit: Visit,
}

pub(crate) async fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    let mut visitor = options.visit.start("zyre-ls").await?;
    let present = visitor.look().await;
    let node = &visitor.node;
    if options.json {
        present.iter().for_each(|peer| output::record(describe(node, peer)));
    } else {
        lines(node, &present).iter().for_each(output::line);
    }
    if present.is_empty() {
        let waited = visitor.wait.as_secs_f64();
        output::warning(format!(
            "nobody is there, or was not heard in {waited} s: zyre doctor looks for the reason"
        ));
    }
    node.stop().await;
    Ok(if present.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Returns a line for each peer; what comes first stands in columns.
fn lines(node: &Node, present: &[PeerInfo]) -> Vec<String> {
    let cells: Vec<[String; 4]> = present.iter().map(cells).collect();
    let width = |column: usize| {
        let widths = cells.iter().filter_map(|line| line.get(column));
        widths.map(|cell| measure_text_width(cell)).max().unwrap_or_default()
    };
    let widths = [0, 1, 2, 3].map(width);
    let line = |(cells, peer): (&[String; 4], &PeerInfo)| {
        let columns = cells.iter().zip(widths).map(|(cell, width)| {
            let gap = width.saturating_sub(measure_text_width(cell));
            format!("{cell}{}", " ".repeat(gap))
        });
        let rest = details(node, peer);
        let line: Vec<String> = columns.chain(rest).collect();
        line.join("  ").trim_end().to_owned()
    };
    cells.iter().zip(present).map(line).collect()
}

fn cells(peer: &PeerInfo) -> [String; 4] {
    [
        text::nick(&peer.name),
        format!("{:.DIGITS$}", peer.id.to_string()),
        peer.endpoint.address().to_string(),
        peer.liveness.to_string(),
    ]
}

/// Returns the groups, headers and key of a peer, as far as it has any.
fn details(node: &Node, peer: &PeerInfo) -> Vec<String> {
    let mut details = Vec::new();
    let groups: Vec<String> = peer.groups.iter().map(|group| text::room(group)).collect();
    if !groups.is_empty() {
        details.push(format!("in {}", groups.join(", ")));
    }
    let headers = peer.headers.iter();
    details.extend(
        headers.map(|(name, value)| format!("{}={}", text::message(name), text::message(value))),
    );
    details.extend(node.peer_key(peer.id).map(|key| format!("key {key}")));
    details
}

/// Returns the object that tells of a peer.
fn describe(node: &Node, peer: &PeerInfo) -> Value {
    json!({
        "peer": id(peer.id), "name": *peer.name, "endpoint": peer.endpoint.to_string(),
        "groups": peer.groups.iter().map(|group| &**group).collect::<Vec<_>>(),
        "headers": *peer.headers, "liveness": peer.liveness.as_str(),
        "link": peer.link.as_str(),
        "key": node.peer_key(peer.id).map(|key| key.to_string()),
    })
}
