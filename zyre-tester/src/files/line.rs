//! What the tester and its processes say to each other: a line of JSON each.

use std::io::Write;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};

/// From the tester to a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Order {
    /// Begin.
    Go,
    /// To a receiver: the server is at this address now.
    Connect(SocketAddr),
}

/// From a process to the tester.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Said {
    /// It listens, there.
    Listening(SocketAddr),
    /// It is connected to all that it has to be, and the receiver has subscribed.
    Connected,
    /// A connection is lost, or was not made.
    Disconnected { reason: String },
    /// A file was not taken.
    Refused { name: String, reason: String },
    /// All that was asked for has arrived.
    Done,
}

impl Said {
    /// Says it.
    pub(super) fn say(&self) {
        if let Ok(line) = serde_json::to_string(self) {
            // Nobody there any more: the end of the orders tells.
            let _ = writeln!(std::io::stdout(), "{line}");
        }
    }
}

/// What a process hears.
pub(super) struct Orders(Lines<BufReader<Stdin>>);

impl Orders {
    pub(super) fn new() -> Self {
        Self(BufReader::new(tokio::io::stdin()).lines())
    }

    /// The next; `None` when there is nobody any more who gives any. May be dropped and called
    /// again.
    pub(super) async fn next(&mut self) -> Option<Order> {
        let line = self.0.next_line().await.ok()??;
        serde_json::from_str(&line).ok()
    }
}
