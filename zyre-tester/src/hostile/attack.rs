//! An attack: a name, what it does, and a function.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;

use super::target::Target;
use super::{beacons, connections, contents, floods, impostors, mailboxes, messages, transport};

/// One attack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attack {
    pub(super) name: &'static str,
    /// In one line.
    pub(super) what: &'static str,
    /// Needs a second address to send from.
    pub(super) elsewhere: bool,
    /// It takes all places of peers, by right: a newcomer gets none while it goes on.
    pub(super) full: bool,
    pub(super) run: fn(Arc<Target>) -> Run,
}

/// An attack that goes on. An error says what it did not come to.
pub(super) type Run = Pin<Box<dyn Future<Output = Result<Done, String>> + Send>>;

/// What an attack has done.
#[derive(Default)]
pub(super) struct Done {
    /// What is worth telling.
    pub(super) note: String,
    /// What stays open until it has been seen that the target still lives.
    pub(super) held: Vec<Box<dyn Any + Send>>,
}

impl Done {
    /// Nothing is left of it.
    pub(super) fn said(note: impl Into<String>) -> Result<Self, String> {
        Ok(Self { note: note.into(), held: Vec::new() })
    }

    /// This stays open for a while.
    pub(super) fn holding(note: impl Into<String>, held: impl Any + Send) -> Result<Self, String> {
        Ok(Self { note: note.into(), held: vec![Box::new(held)] })
    }
}

impl Attack {
    pub(super) const fn new(
        name: &'static str,
        what: &'static str,
        run: fn(Arc<Target>) -> Run,
    ) -> Self {
        Self { name, what, elsewhere: false, full: false, run }
    }

    /// The same from another address.
    pub(super) const fn elsewhere(
        name: &'static str,
        what: &'static str,
        run: fn(Arc<Target>) -> Run,
    ) -> Self {
        Self { name, what, elsewhere: true, full: false, run }
    }

    /// It leaves no place for a newcomer.
    pub(super) const fn full(self) -> Self {
        Self { full: true, ..self }
    }

    /// All there are, in the order in which they are run.
    pub(super) fn all() -> Vec<Self> {
        [
            beacons::ATTACKS,
            transport::ATTACKS,
            connections::ATTACKS,
            mailboxes::ATTACKS,
            messages::ATTACKS,
            contents::ATTACKS,
            impostors::ATTACKS,
            floods::ATTACKS,
        ]
        .concat()
    }

    /// Those that are asked for: by name, or by how the name begins.
    ///
    /// # Errors
    /// Nothing is called like that.
    pub(super) fn chosen(names: &[String]) -> Result<Vec<Self>, String> {
        let all = Self::all();
        for name in names {
            if !all.iter().any(|attack| attack.is_called(name)) {
                return Err(format!("no attack is called {name:?}; --list shows all"));
            }
        }
        let wanted = |attack: &Self| names.is_empty() || names.iter().any(|n| attack.is_called(n));
        Ok(all.into_iter().filter(wanted).collect())
    }

    fn is_called(&self, name: &str) -> bool {
        let rest = self.name.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}
