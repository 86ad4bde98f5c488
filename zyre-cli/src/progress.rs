//! Lines about what has happened, above a progress bar for each transfer.

mod line;
mod pace;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use zyre::{Event, Node, PeerId, UnreachableReason};

use self::pace::Pace;
use crate::{file_news, hub, id_in_use, key_news, output, text, unreachable};

/// How many peers that have gone are remembered.
const MAX_GONE: usize = 64;

/// How often bars are drawn again though nothing comes.
const REDRAW: Duration = Duration::from_secs(1);

/// The bars of the transfers that are under way, below the lines. Without a terminal there are only
/// the lines.
pub(crate) struct Progress {
    node: Node,
    bars: BTreeMap<(PeerId, Arc<str>), Bar>,
    /// Files that the user has stopped: what was told of them before may still come.
    stopped: BTreeSet<(PeerId, Arc<str>)>,
    /// Peers that have gone, the last ones.
    gone: VecDeque<PeerId>,
}

/// A transfer that is under way.
struct Bar {
    bar: ProgressBar,
    pace: Arc<Pace>,
}

impl Progress {
    /// Shows the transfers of a node.
    pub(crate) fn new(node: Node) -> Self {
        Self { node, bars: BTreeMap::new(), stopped: BTreeSet::new(), gone: VecDeque::new() }
    }

    /// Prints a line above the bars.
    pub(crate) fn say(&self, line: impl Display) {
        output::line(line);
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
            Event::KeyChanged { .. } | Event::TrustFileUnusable { .. } => {
                key_news::sentence(event).into_iter().for_each(|sentence| self.say(sentence));
            }
            Event::Receiving { peer, name, bytes, total, rate }
            | Event::Sending { peer, name, bytes, total, rate }
                // These may come after the peer's exit, and then nothing ends the bar.
                if self.node.peer(*peer).is_some() && !self.is_stopped(*peer, name) =>
            {
                let Bar { bar, pace } = self.bar(*peer, name, *total);
                pace.update(*bytes, *rate, Instant::now());
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
        if let Some(Bar { bar, .. }) = self.bars.remove(&(peer, Arc::clone(name))) {
            bar.finish_and_clear();
        }
    }

    /// Removes the bar of a transfer that the user has stopped.
    pub(crate) fn stop(&mut self, peer: PeerId, name: &Arc<str>) {
        self.finish(peer, name);
        self.stopped.insert((peer, Arc::clone(name)));
    }

    /// Shows a transfer again that the user had stopped.
    pub(crate) fn go_on(&mut self, peer: PeerId, name: &Arc<str>) {
        self.stopped.remove(&(peer, Arc::clone(name)));
    }

    fn is_stopped(&self, peer: PeerId, name: &Arc<str>) -> bool {
        self.stopped.contains(&(peer, Arc::clone(name)))
    }

    fn finish_all(&mut self, peer: PeerId) {
        self.stopped.retain(|(of, _)| *of != peer);
        self.bars.retain(|(of, _), Bar { bar, .. }| {
            if *of == peer {
                bar.finish_and_clear();
            }
            *of != peer
        });
    }

    fn bar(&mut self, peer: PeerId, name: &Arc<str>, total: Option<u64>) -> &Bar {
        let what = format!("{} {}", self.name_of(peer), text::message(name));
        self.bars.entry((peer, Arc::clone(name))).or_insert_with(|| {
            let pace = Arc::new(Pace::new(Instant::now()));
            let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
            let bar = output::bars().add(bar);
            bar.set_style(style(what, Arc::clone(&pace)));
            // A transfer that stands still has to be seen as well.
            bar.enable_steady_tick(REDRAW);
            Bar { bar, pace }
        })
    }
}

/// Draws the line of a transfer anew each time, for the terminal may have got another size.
fn style(name: String, pace: Arc<Pace>) -> ProgressStyle {
    ProgressStyle::with_template("{line}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("line", move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let pace = pace.text(Instant::now());
            // The last column is left to the cursor.
            let columns = output::columns().saturating_sub(1);
            let line = line::line(columns, &name, (state.pos(), state.len()), &pace);
            let _ = out.write_str(&line);
        })
}
