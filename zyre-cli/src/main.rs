//! The command `zyre`: chat, file sharing, and a node for scripts, on a local network.

mod account;
mod chat;
mod counted;
mod file_news;
mod hub;
mod id_in_use;
mod interrupt;
mod key_news;
mod keys;
mod listen;
mod network;
mod network_key;
mod output;
mod peer;
mod progress;
mod share;
mod state;
mod text;
mod track;
mod unreachable;
mod warnings;
mod wrap;

use std::error::Error;
use std::iter;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use zyre::options as security;

/// Chat and share files on a local network, without a server.
#[derive(Parser)]
#[command(name = "zyre", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Chats with everybody on the local network.
    Chat(chat::Options),
    /// Publishes files and folders on the local network, until Ctrl-C.
    Share(share::Options),
    /// Keeps the files that others publish, until Ctrl-C.
    Listen(listen::Options),
    /// Keeps a copy of one directory in another.
    Track(track::Options),
    /// Runs a node behind a line protocol, for scripts.
    Peer(peer::Options),
    /// Makes or joins a network of secure nodes.
    Network(network_key::Options),
    /// Shows the key of this user's secure nodes, and the words that stand for it.
    Keys(keys::Options),
}

impl Command {
    /// Returns the name of the subcommand.
    const fn name(&self) -> &'static str {
        match self {
            Self::Chat(_) => "chat",
            Self::Share(_) => "share",
            Self::Listen(_) => "listen",
            Self::Track(_) => "track",
            Self::Peer(_) => "peer",
            Self::Network(_) => "network",
            Self::Keys(_) => "keys",
        }
    }

    /// Returns whether the command decides itself what is shown where.
    const fn has_own_screen(&self) -> bool {
        matches!(self, Self::Chat(_) | Self::Peer(_))
    }

    async fn run(self) -> Result<(), Box<dyn Error>> {
        match self {
            Self::Chat(options) => chat::run(&options).await,
            Self::Share(options) => share::run(&options).await,
            Self::Listen(options) => listen::run(&options).await,
            Self::Track(options) => track::run(&options).await,
            Self::Peer(options) => peer::run(options).await,
            Self::Network(options) => network_key::run(&options),
            Self::Keys(options) => keys::run(&options),
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Arguments::parse().command;
    interrupt::watch();
    if !command.has_own_screen() {
        warnings::show();
    }
    let name = command.name();
    match command.run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::warning(format!("zyre {name}: {}", with_causes(error.as_ref())));
            ExitCode::FAILURE
        }
    }
}

/// Returns the text of `error` and of its causes; a cause that says nothing new is left out.
fn with_causes(error: &dyn Error) -> String {
    let causes = iter::successors(error.source(), |&cause| cause.source());
    causes.map(ToString::to_string).fold(error.to_string(), |text, cause| {
        if text.contains(&cause) { text } else { format!("{text}: {cause}") }
    })
}
