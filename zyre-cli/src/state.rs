//! What a node keeps until the next start: the options of the commands that send or keep files.
//!
//! Their peers know files again by the id of the node that has sent them, so the id has to last.
//! Commands for which it is of no use keep none: with an id that lasts, a laptop can be recognised in
//! every network that it joins.

use std::error::Error;
use std::path::PathBuf;

use clap::Args;
use zyre::{Builder, State, StateError};

use crate::account;

/// The id and name of a node.
#[derive(Args)]
pub(crate) struct Identity {
    /// What others call this node. It is kept for later starts. Default: the name of your account.
    #[arg(long, env = "ZYRE_NAME", value_parser = account::checked)]
    name: Option<String>,
    /// Directory that keeps who this node is, so that others know it again. Default: one in your home
    /// directory for each command that runs at the same time.
    #[arg(long, value_name = "DIR", conflicts_with = "ephemeral")]
    state: Option<PathBuf>,
    /// Keep nothing: a node that nobody knows again, and whose files are all sent again after a restart.
    #[arg(long)]
    ephemeral: bool,
}

impl Identity {
    /// Sets up a node to be this one. `command` is the name of the command.
    ///
    /// # Errors
    /// The state cannot be read or written, or another node uses it.
    pub(crate) fn apply(&self, builder: Builder, command: &str) -> Result<Builder, Box<dyn Error>> {
        let mut builder = builder;
        let mut name = self.name.clone();
        if !self.ephemeral {
            let state = self.open(command, name.as_deref()).map_err(advised)?;
            name = name.or_else(|| state.name());
            builder = builder.state(&state);
        }
        Ok(match name.or_else(account::name) {
            Some(name) => builder.name(name),
            None => builder,
        })
    }

    fn open(&self, command: &str, name: Option<&str>) -> Result<State, StateError> {
        let state = match &self.state {
            Some(directory) => State::open(directory),
            None => State::open_instance(State::directory_of("zyre")?, command),
        }?;
        if let Some(name) = name {
            state.set_name(name)?;
        }
        Ok(state)
    }
}

/// Adds how to do without this state.
fn advised(error: StateError) -> String {
    match error {
        StateError::Damaged { .. } => error.to_string(),
        error => format!("{error}: --state DIR takes another one, --ephemeral none"),
    }
}
