//! What a node counts, as text for monitoring (feature `metrics`).
//!
//! [`Node::metrics`](crate::Node::metrics) returns the figures of one node in the text format of
//! Prometheus, for an application that serves them at `/metrics` beside its own. [`MetricsText`]
//! writes that format, for figures of the application.
//!
//! Every label has a bounded number of values: nothing that a peer says, such as its name or a
//! group, is one.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use zre_proto::{Engine, ExitReason, Liveness};

use crate::stats::Stats;

/// The media type of the text, for the header `Content-Type`.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How many peers have come, and why how many have gone.
#[derive(Clone, Debug, Default)]
pub(crate) struct PresenceCounts {
    enters: u64,
    exits: BTreeMap<&'static str, u64>,
}

impl PresenceCounts {
    /// Counts an event, if a peer comes or goes by it.
    pub(crate) fn count(&mut self, event: &zre_proto::Event) {
        match event {
            zre_proto::Event::Enter { .. } => self.enters += 1,
            zre_proto::Event::Exit { reason, .. } => {
                *self.exits.entry(ExitReason::as_str(*reason)).or_default() += 1;
            }
            _ => {}
        }
    }
}

/// What a figure does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows, until the process ends.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// Writes figures in the text format of Prometheus.
///
/// ```
/// use zyre::metrics::{MetricKind, MetricsText};
///
/// let mut text = MetricsText::default();
/// text.family("printer_pages_total", MetricKind::Counter, "Pages printed.");
/// text.sample(&[("tray", "a \"b\"")], 7);
/// assert_eq!(
///     text.finish(),
///     "# HELP printer_pages_total Pages printed.\n\
///      ## TYPE printer_pages_total counter\n\
///      printer_pages_total{tray=\"a \\\"b\\\"\"} 7\n"
/// );
/// ```
#[derive(Clone, Debug, Default)]
pub struct MetricsText {
    text: String,
    name: &'static str,
}

impl MetricsText {
    /// Begins a family of figures; its samples follow.
    pub fn family(&mut self, name: &'static str, kind: MetricKind, help: &str) {
        let kind = match kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
        };
        self.name = name;
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// Adds a sample to the family, with labels and their values.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(self.name);
        for (i, (label, text)) in labels.iter().enumerate() {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let open = if i == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{open}{label}=\"{text}\"");
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{close} {value}");
    }

    /// Adds a family with one sample that has no labels.
    pub fn figure(
        &mut self,
        name: &'static str,
        kind: MetricKind,
        help: &str,
        value: impl Display,
    ) {
        self.family(name, kind, help);
        self.sample(&[], value);
    }

    /// Returns the text.
    pub fn finish(self) -> String {
        self.text
    }
}

/// Returns the text of a node.
pub(crate) fn text(engine: &Engine, counts: &PresenceCounts, stats: &Stats) -> String {
    use MetricKind::Gauge;
    let mut text = MetricsText::default();
    text.family("zyre_peers", Gauge, "Peers that are there, by how alive they seem.");
    let mut liveness = [0_usize; 3];
    for peer in engine.peers_info() {
        liveness[match peer.liveness {
            Liveness::Evasive => 1,
            Liveness::Silent => 2,
            _ => 0,
        }] += 1;
    }
    for (word, count) in ["present", "evasive", "silent"].into_iter().zip(liveness) {
        text.sample(&[("liveness", word)], count);
    }
    let groups = engine.own_groups().count();
    text.figure("zyre_groups", Gauge, "Groups that this node is in.", groups);
    presence(&mut text, counts);
    protocol(&mut text, &stats.protocol);
    sockets(&mut text, stats);
    text.finish()
}

fn presence(text: &mut MetricsText, counts: &PresenceCounts) {
    use MetricKind::Counter;
    text.figure("zyre_enters_total", Counter, "Times that a peer has entered.", counts.enters);
    text.family("zyre_exits_total", Counter, "Times that a peer has gone, by the reason.");
    for (reason, count) in &counts.exits {
        text.sample(&[("reason", reason)], count);
    }
}

fn protocol(text: &mut MetricsText, stats: &zre_proto::Stats) {
    let figures = [
        ("zyre_messages_sent_total", "Messages sent, of any kind.", stats.sent),
        ("zyre_messages_received_total", "Messages received, good or bad.", stats.received),
        ("zyre_dials_total", "Connections that were tried.", stats.dials),
        (
            "zyre_dials_failed_total",
            "Of these, those that have led to nothing.",
            stats.dials_failed,
        ),
        ("zyre_foreign_total", "Messages that are not ZRE.", stats.foreign),
        ("zyre_malformed_total", "Messages that broke the protocol.", stats.malformed),
        ("zyre_intruding_total", "Messages in the name of another peer.", stats.intruding),
        (
            "zyre_key_conflicts_total",
            "Claims with another key than was proved.",
            stats.key_conflicts,
        ),
        ("zyre_overflows_total", "Peers that did not take what was sent.", stats.overflows),
        ("zyre_peers_refused_total", "Peers beyond the limit.", stats.candidates_refused),
    ];
    for (name, help, value) in figures {
        text.figure(name, MetricKind::Counter, help, value);
    }
}

fn sockets(text: &mut MetricsText, stats: &Stats) {
    let (network, log) = (&stats.network, &stats.log);
    let figures = [
        ("zyre_beacons_total", "Beacons heard.", network.beacons),
        ("zyre_beacons_unsent_total", "Beacons that could not be sent.", network.beacons_unsent),
        ("zyre_strangers_total", "Claims of nodes that are not trusted.", network.strangers),
        ("zyre_connections_total", "Connections accepted.", network.connections),
        ("zyre_handshakes_failed_total", "Handshakes that failed.", network.handshakes_failed),
        ("zyre_log_lines_total", "Lines recorded for collectors.", log.recorded),
        ("zyre_log_lines_lost_total", "Lines that collectors did not take.", log.dropped),
    ];
    for (name, help, value) in figures {
        text.figure(name, MetricKind::Counter, help, value);
    }
    let help = "Collectors that lines go to.";
    text.figure("zyre_collectors", MetricKind::Gauge, help, log.collectors);
}
