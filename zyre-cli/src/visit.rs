//! A node that comes for a moment, to look or to say something: what `zyre ls`, `shout` and `whisper`
//! have in common.

use std::error::Error;
use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, timeout_at};
use zyre::{Event, Events, Node, PeerInfo};

use crate::interrupt::interrupted;
use crate::network::Network;
use crate::{account, hub, id_in_use, output, unreachable};

/// A day: more is a mistake, and no time is added to it without care.
const MAX_SECONDS: f64 = 86_400.0;

/// How long, and under which name, a command looks for others.
#[derive(Args)]
pub(crate) struct Visit {
    /// Seconds to look for nodes.
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    wait: Duration,
    /// What others call this node. Default: what the command is called.
    #[arg(long, env = "ZYRE_NAME", value_parser = account::checked)]
    name: Option<String>,
    #[command(flatten)]
    network: Network,
}

/// A node that is there.
pub(crate) struct Visitor {
    pub(crate) node: Node,
    events: Events,
    pub(crate) wait: Duration,
}

/// Parses a number of seconds.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || "a number of seconds, at most a day".to_owned();
    let seconds: f64 = text.parse().map_err(|_| wrong())?;
    if !(0.0..=MAX_SECONDS).contains(&seconds) {
        return Err(wrong());
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

impl Visit {
    /// Starts the node, called `name` if the user does not say otherwise.
    pub(crate) async fn start(&self, name: &str) -> Result<Visitor, Box<dyn Error>> {
        let name = self.name.clone().unwrap_or_else(|| name.to_owned());
        let (node, events) = self.network.builder()?.name(name).start().await?;
        Ok(Visitor { node, events, wait: self.wait })
    }
}

impl Visitor {
    /// Looks for others as long as the user has said, and returns all that are there. What cannot be
    /// met is told on standard error.
    pub(crate) async fn look(&mut self) -> Vec<PeerInfo> {
        self.look_until(|_| false).await
    }

    /// Looks for others until `is_enough` of the nodes that are there, or as long as the user has said.
    pub(crate) async fn look_until(
        &mut self,
        mut is_enough: impl FnMut(&[PeerInfo]) -> bool,
    ) -> Vec<PeerInfo> {
        let end = Instant::now() + self.wait;
        let node = self.node.clone();
        let look = async {
            while let Ok(Some(event)) = timeout_at(end, self.events.recv()).await {
                if let Some(sentence) = warning(&node, &event) {
                    output::warning(sentence);
                }
                let met = matches!(event, Event::Enter { .. } | Event::Join { .. });
                if met && is_enough(&node.peers_info()) {
                    return;
                }
            }
        };
        tokio::select! {
            () = look => {}
            () = interrupted() => {}
        }
        node.peers_info()
    }
}

/// Returns a sentence about what a person should know who looks for others.
pub(crate) fn warning(node: &Node, event: &Event) -> Option<String> {
    match event {
        Event::Unreachable { endpoint, why, .. } => {
            Some(unreachable::sentence(*endpoint, *why, node.endpoint()))
        }
        Event::EndpointUnreachable { endpoint, why } => {
            unreachable::sentence_of_endpoint(endpoint, *why, node.endpoint())
        }
        Event::IdInUse { endpoint } => Some(id_in_use::sentence(*endpoint)),
        Event::TrustFileUnusable { error } => {
            Some(format!("the list of trusted keys cannot be used: {error}"))
        }
        event => hub::sentence(event),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_a_number_and_not_too_many() {
        assert_eq!(seconds("2"), Ok(Duration::from_secs(2)));
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        for wrong in ["", "-1", "NaN", "inf", "1e9", "2s"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
