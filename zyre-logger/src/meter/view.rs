//! How the user wants to see it.

use std::cmp::Ordering;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::node::Node;
use super::state::State;
use crate::presence::Presence;
use crate::rate::MEAN;

/// What the nodes are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sort {
    /// Lines a second.
    #[default]
    Rate,
    /// The name.
    Name,
    /// How they stand.
    State,
    /// Lines in all.
    Lines,
    /// Warnings and errors.
    Warnings,
}

impl Sort {
    const fn next(self) -> Self {
        match self {
            Self::Rate => Self::Name,
            Self::Name => Self::State,
            Self::State => Self::Lines,
            Self::Lines => Self::Warnings,
            Self::Warnings => Self::Rate,
        }
    }

    /// Returns the order in one word.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Name => "name",
            Self::State => "state",
            Self::Lines => "lines",
            Self::Warnings => "warnings",
        }
    }
}

/// What a key asks for, beyond the view itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyAction {
    /// Nothing more.
    Continue,
    /// Time stands still from now on, or goes on.
    TogglePause,
    /// The end.
    Quit,
}

/// The settings of the screen that keys change.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    /// What nodes are sorted by.
    pub(super) sort: Sort,
    /// Whether the order is reversed.
    pub(super) reversed: bool,
    /// Only nodes with this in their name, id, endpoint or a group.
    pub(super) filter: String,
    /// Whether the filter is being written.
    pub(super) editing: bool,
    /// Whether time stands still.
    pub(super) paused: bool,
    /// Whether the keys are explained.
    pub(super) help: bool,
    /// How many nodes are scrolled away.
    pub(super) scroll: usize,
}

/// The longest filter, in bytes.
const FILTER: usize = 64;

impl View {
    /// Takes a key.
    pub(super) fn key(&mut self, key: KeyEvent) -> KeyAction {
        if key.kind == KeyEventKind::Release {
            return KeyAction::Continue;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return if key.code == KeyCode::Char('c') {
                KeyAction::Quit
            } else {
                KeyAction::Continue
            };
        }
        if self.editing {
            self.edit(key.code);
            return KeyAction::Continue;
        }
        match key.code {
            KeyCode::Char('q') => return KeyAction::Quit,
            KeyCode::Char('p' | ' ') => {
                self.paused = !self.paused;
                return KeyAction::TogglePause;
            }
            KeyCode::Char('s') => self.sort = self.sort.next(),
            KeyCode::Char('r') => self.reversed = !self.reversed,
            KeyCode::Char('/' | 'f') => self.editing = true,
            KeyCode::Char('?' | 'h') => self.help = !self.help,
            KeyCode::Esc if self.help => self.help = false,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Down | KeyCode::Char('j') => self.scroll = self.scroll.saturating_add(1),
            KeyCode::Up | KeyCode::Char('k') => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::PageDown => self.scroll = self.scroll.saturating_add(10),
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(10),
            KeyCode::Home | KeyCode::Char('g') => self.scroll = 0,
            KeyCode::End | KeyCode::Char('G') => self.scroll = usize::MAX,
            _ => {}
        }
        KeyAction::Continue
    }

    fn edit(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.editing = false,
            KeyCode::Esc => {
                self.editing = false;
                self.filter.clear();
            }
            KeyCode::Backspace => {
                self.filter.pop();
            }
            KeyCode::Char(c) if self.filter.len() < FILTER => {
                self.filter.push(c);
                self.scroll = 0;
            }
            _ => {}
        }
    }

    /// Returns the nodes that are shown, in their order.
    pub(super) fn nodes<'a>(&self, state: &'a State) -> Vec<&'a Node> {
        let wanted = self.filter.to_lowercase();
        let mut nodes: Vec<_> =
            state.nodes().filter(|(key, node)| is_wanted(key, node, &wanted)).collect();
        let by_rate = |node: &Node| (node.rate.mean(MEAN) * 10.0).round() as u64;
        // Of equals the name decides, then the key: so that rows stand still.
        nodes.sort_by(|(a_key, a), (b_key, b)| {
            let order = match self.sort {
                Sort::Rate => by_rate(b).cmp(&by_rate(a)),
                Sort::Name => Ordering::Equal,
                Sort::State => a.presence.cmp(&b.presence),
                Sort::Lines => b.lines.cmp(&a.lines),
                Sort::Warnings => b.warnings.cmp(&a.warnings),
            };
            let gone = |node: &Node| self.sort != Sort::Name && node.presence == Presence::Gone;
            let order = order.then_with(|| gone(a).cmp(&gone(b)));
            order.then_with(|| a.name.cmp(&b.name)).then_with(|| a_key.cmp(b_key))
        });
        if self.reversed {
            nodes.reverse();
        }
        nodes.into_iter().map(|(_, node)| node).collect()
    }
}

fn is_wanted(key: &str, node: &Node, wanted: &str) -> bool {
    let holds = |text: &str| text.to_lowercase().contains(wanted);
    wanted.is_empty()
        || holds(&node.name)
        || holds(key)
        || holds(&node.endpoint)
        || node.groups.iter().any(|group| holds(group))
}
