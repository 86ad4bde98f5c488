//! A collector for the log of the nodes that are measured.

use std::time::Duration;

use tokio::task::JoinHandle;
use zmtp::net::{Subscriber, SubscriberLimits};
use zre_proto::log::HEADER;
use zyre::{Builder, Events, Level, Node};

/// How often a node is looked at for something that it tells nobody of, such as that it has found
/// the collector. The measurement has a deadline.
pub(super) const LOOK: Duration = Duration::from_millis(1);

/// What the nodes record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Log {
    /// Nothing.
    Off,
    /// Everything but messages.
    On,
    /// Everything.
    WithMessages,
}

impl Log {
    pub(super) const fn set(self, builder: Builder) -> Builder {
        match self {
            Self::Off => builder,
            Self::On => builder.logging(Level::Info),
            Self::WithMessages => builder.logging(Level::Info).log_messages(true),
        }
    }
}

/// A node that announces that it collects, and what comes to it, which is thrown away.
pub(super) struct Collector {
    _node: Node,
    _events: Events,
    lines: JoinHandle<()>,
}

impl Collector {
    pub(super) async fn start(interface: &str, port: u16) -> Result<Self, String> {
        let builder = Node::builder().interface(interface).beacon_port(port).name("collector");
        let failed = |error: String| format!("the collector cannot start: {error}");
        let (node, events) = builder.start().await.map_err(|error| failed(error.to_string()))?;
        let mut address = node.endpoint().address();
        address.set_port(0);
        let subscriber = Subscriber::bind(address, &[b""], SubscriberLimits::default()).await;
        let mut subscriber = subscriber.map_err(|error| failed(error.to_string()))?;
        let address = subscriber.local_addr().map_err(|error| failed(error.to_string()))?;
        node.set_header(HEADER, &format!("tcp://{address}"))
            .map_err(|error| failed(error.to_string()))?;
        let lines = tokio::spawn(async move {
            loop {
                let _thrown_away = subscriber.recv().await;
            }
        });
        Ok(Self { _node: node, _events: events, lines })
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.lines.abort();
    }
}

/// Waits until the log of this node goes somewhere, or nowhere any more.
pub(super) async fn found(node: &Node, log: Log) {
    while (node.stats().log.collectors > 0) != (log != Log::Off) {
        tokio::time::sleep(LOOK).await;
    }
}
