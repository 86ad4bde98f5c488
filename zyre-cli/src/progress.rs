//! Lines about what has happened, above a progress bar for each transfer.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Display;
use std::sync::Arc;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use zyre::{Event, Node, PeerId, UnreachableReason};

use crate::{file_news, hub, id_in_use, output, text, unreachable};

/// How many peers that have gone are remembered.
const MAX_GONE: usize = 64;

/// The bars of the transfers that are under way, below the lines. Without a terminal there are only
/// the lines.
pub(crate) struct Progress {
    node: Node,
    all: MultiProgress,
    bars: BTreeMap<(PeerId, Arc<str>), ProgressBar>,
    /// Peers that have gone, the last ones.
    gone: VecDeque<PeerId>,
}

impl Progress {
    /// Shows the transfers of a node.
    pub(crate) fn new(node: Node) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
        Self { node, all, bars: BTreeMap::new(), gone: VecDeque::new() }
    }

    /// Prints a line above the bars.
    pub(crate) fn say(&self, line: impl Display) {
        self.all.suspend(|| output::line(line));
    }

    /// Returns the name of a peer, fit for a terminal.
    pub(crate) fn name_of(&self, peer: PeerId) -> String {
        self.node.peer(peer).map_or_else(|| peer.default_name(), |info| text::nick(&info.name))
    }

    /// Shows who comes and goes, who cannot be met, and how far transfers are.
    pub(crate) fn show(&mut self, event: &Event) {
        match event {
            Event::Enter { name, .. } => self.say(format!("{} is here", text::nick(name))),
            Event::Exit { peer, name, .. } => {
                self.finish_all(*peer);
                self.gone.push_back(*peer);
                if self.gone.len() > MAX_GONE {
                    self.gone.pop_front();
                }
                self.say(format!("{} is gone", text::nick(name)));
            }
            // Its process has died: it was said that it is gone.
            Event::Unreachable { peer, why: UnreachableReason::Refused, .. }
                if self.gone.contains(peer) => {}
            Event::Unreachable { endpoint, why, .. } => {
                self.say(unreachable::sentence(*endpoint, *why, self.node.endpoint()));
            }
            Event::EndpointUnreachable { endpoint, why } => {
                let own = self.node.endpoint();
                let sentence = unreachable::sentence_of_endpoint(endpoint, *why, own);
                sentence.into_iter().for_each(|sentence| self.say(sentence));
            }
            Event::HubUnreachable { .. } | Event::HubReached { .. } => {
                hub::sentence(event).into_iter().for_each(|sentence| self.say(sentence));
            }
            Event::Refused { peer, name, .. }
            | Event::Sent { peer, name, .. }
            | Event::Confirmed { peer, name, .. }
            | Event::Rejected { peer, name, .. } => {
                self.finish(*peer, name);
                self.tell(event);
            }
            Event::IdInUse { endpoint } => self.say(id_in_use::sentence(*endpoint)),
            Event::Receiving { peer, name, bytes, total, rate }
            | Event::Sending { peer, name, bytes, total, rate } => {
                let bar = self.bar(*peer, name, *total);
                bar.set_message(format!("{}/s", text::size(*rate)));
                bar.set_position(*bytes);
            }
            _ => self.tell(event),
        }
    }

    /// Prints what an event tells of files, if it does.
    fn tell(&self, event: &Event) {
        let sentence = file_news::sentence(event, |peer| self.name_of(peer));
        sentence.into_iter().for_each(|sentence| self.say(sentence));
    }

    /// Removes the bar of a transfer.
    pub(crate) fn finish(&mut self, peer: PeerId, name: &Arc<str>) {
        if let Some(bar) = self.bars.remove(&(peer, Arc::clone(name))) {
            bar.finish_and_clear();
        }
    }

    fn finish_all(&mut self, peer: PeerId) {
        self.bars.retain(|(of, _), bar| {
            if *of == peer {
                bar.finish_and_clear();
            }
            *of != peer
        });
    }

    fn bar(&mut self, peer: PeerId, name: &Arc<str>, total: Option<u64>) -> &ProgressBar {
        let prefix = format!("{} {}", self.name_of(peer), text::message(name));
        self.bars.entry((peer, Arc::clone(name))).or_insert_with(|| {
            let bar = self.all.add(total.map_or_else(ProgressBar::no_length, ProgressBar::new));
            bar.set_style(style(total.is_some()));
            bar.set_prefix(prefix);
            bar
        })
    }
}

fn style(has_total: bool) -> ProgressStyle {
    let template = if has_total {
        "{prefix} [{bar:30}] {percent:>3} % of {total_bytes} {msg}"
    } else {
        "{prefix} {spinner} {bytes} {msg}"
    };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}
