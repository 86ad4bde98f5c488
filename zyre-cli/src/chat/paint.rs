//! Colours, on terminals that have them.

use std::io::IsTerminal;

use zyre::PeerId;

/// Colours for nicks: readable on dark and on light, and none that means something else here.
const NICKS: [&str; 6] = ["31", "32", "33", "34", "36", "91"];

/// Paints text, or leaves it as it is.
#[derive(Clone, Copy)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// Uses colours if the output is a terminal that has them and the user wants them
    /// (<https://no-color.org>).
    pub(crate) fn new() -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = set("TERM").is_some_and(|term| term == "dumb");
        Self { on: std::io::stdout().is_terminal() && set("NO_COLOR").is_none() && !dumb }
    }

    /// Returns whether there are colours.
    pub(crate) const fn is_on(self) -> bool {
        self.on
    }

    /// Paints what can be overlooked.
    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// Paints what should not be overlooked.
    pub(crate) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// Paints what is for this node alone.
    pub(crate) fn whisper(self, text: &str) -> String {
        self.paint("35", text)
    }

    /// Paints a nick, always in the same colour for the same peer.
    pub(crate) fn nick(self, peer: PeerId, text: &str) -> String {
        let [first, ..] = *peer.as_bytes();
        self.paint(NICKS[usize::from(first) % NICKS.len()], text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
