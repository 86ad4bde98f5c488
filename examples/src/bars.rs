//! A progress bar for every transfer.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use zyre::PeerId;

use crate::clean;

/// A transfer: who, and which file.
type Transfer = (PeerId, Arc<str>);

/// The bars of what goes on, below the lines of what has happened. Where there is no terminal, only
/// the lines.
#[derive(Debug)]
pub struct Bars {
    all: MultiProgress,
    going_on: BTreeMap<Transfer, ProgressBar>,
}

impl Default for Bars {
    fn default() -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
        Self { all, going_on: BTreeMap::new() }
    }
}

impl Bars {
    /// A line above the bars.
    pub fn say(&self, line: impl Display) {
        self.all.suspend(|| println!("{line}"));
    }

    /// A transfer has come to `octets`.
    pub fn came_to(
        &mut self,
        peer: PeerId,
        who: &str,
        name: &Arc<str>,
        octets: u64,
        total: Option<u64>,
        rate: u64,
    ) {
        let bar = self.going_on.entry((peer, Arc::clone(name))).or_insert_with(|| {
            let bar = self.all.add(total.map_or_else(ProgressBar::no_length, ProgressBar::new));
            bar.set_style(style(total.is_some()));
            bar.set_prefix(format!("{} {}", clean::nick(who), clean::message(name)));
            bar
        });
        bar.set_message(format!("{}/s", size(rate)));
        bar.set_position(octets);
    }

    /// A transfer has ended.
    pub fn end(&mut self, peer: PeerId, name: &Arc<str>) {
        if let Some(bar) = self.going_on.remove(&(peer, Arc::clone(name))) {
            bar.finish_and_clear();
        }
    }

    /// All transfers of a peer have ended.
    pub fn end_all(&mut self, peer: PeerId) {
        self.going_on.retain(|(of, _), bar| {
            if *of == peer {
                bar.finish_and_clear();
            }
            *of != peer
        });
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

/// Octets, for people.
#[must_use]
pub fn size(octets: u64) -> impl Display {
    indicatif::BinaryBytes(octets)
}
