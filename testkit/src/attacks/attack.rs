//! An attack: a name, what it does, and a function.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;

use super::target::Target;

/// One attack.
#[derive(Clone, Copy, Debug)]
pub struct Attack {
    /// Its name.
    pub name: &'static str,
    /// What it does, in one line.
    pub what: &'static str,
    /// Needs a second address to send from.
    pub elsewhere: bool,
    /// It takes all places of peers, by right: a newcomer gets none while it goes on.
    pub full: bool,
    /// Begins it.
    pub run: fn(Arc<Target>) -> Run,
}

/// An attack that goes on. An error says what it did not come to.
pub type Run = Pin<Box<dyn Future<Output = Result<Done, String>> + Send>>;

/// What an attack has done.
#[derive(Debug, Default)]
pub struct Done {
    /// What is worth telling.
    pub note: String,
    /// What stays open until it has been seen that the target still lives.
    pub held: Vec<Box<dyn Any + Send>>,
}

impl Done {
    /// Ends an attack of which nothing is left.
    ///
    /// # Errors
    /// Never: it is the last line of an attack.
    pub(super) fn said(note: impl Into<String>) -> Result<Self, String> {
        Ok(Self { note: note.into(), held: Vec::new() })
    }

    /// Ends an attack of which something stays open for a while.
    ///
    /// # Errors
    /// Never: it is the last line of an attack.
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

    /// An attack that needs another address to send from.
    pub(super) const fn elsewhere(
        name: &'static str,
        what: &'static str,
        run: fn(Arc<Target>) -> Run,
    ) -> Self {
        Self { name, what, elsewhere: true, full: false, run }
    }

    /// Marks it as one that leaves no place for a newcomer.
    pub(super) const fn full(self) -> Self {
        Self { full: true, ..self }
    }

    /// Returns whether this is its name, or how its name begins.
    pub fn is_called(&self, name: &str) -> bool {
        let rest = self.name.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}
