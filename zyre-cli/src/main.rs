//! The command `zyre`: chat, file sharing, and a node for scripts, on a local network.

mod account;
mod chat;
mod counted;
mod doctor;
mod event_json;
mod file_news;
mod gone;
mod hub;
mod id_in_use;
mod interrupt;
mod key_news;
mod keys;
mod listen;
mod ls;
mod manual;
mod network;
mod network_key;
mod output;
mod peer;
mod progress;
mod send;
mod share;
mod state;
mod suspend;
mod text;
mod track;
mod unreachable;
mod visit;
mod warnings;
mod watch;
mod wrap;

use std::error::Error;
use std::iter;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use tokio::runtime::Runtime;
use zyre::options as security;

/// Chat and share files on a local network, without a server.
#[derive(Parser)]
#[command(name = "zyre", version, after_help = CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// The exit status if the command line is wrong.
const USAGE: u8 = 2;

/// What stands below the help.
const CODES: &str = "\
Environment: ZYRE_INTERFACE, ZYRE_PORT, ZYRE_NAME and ZYRE_KEY stand for the options of these names, \
NO_COLOR for no colours.

Exit status: 0 done; 1 nobody was found, or something is wrong; 2 the command line is wrong, or a \
command that looks for something could not begin.";

#[derive(Subcommand)]
enum Command {
    /// Lists the nodes that are there.
    Ls(ls::Options),
    /// Tells what happens on the network, until Ctrl-C.
    Watch(watch::Options),
    /// Says why nodes do not see each other, and what to do.
    Doctor(doctor::Options),
    /// Chats with everybody on the local network.
    Chat(chat::Options),
    /// Sends one message to a group.
    Shout(send::ShoutOptions),
    /// Sends one message to one node.
    Whisper(send::WhisperOptions),
    /// Publishes files and folders on the local network, until Ctrl-C.
    Share(share::Options),
    /// Keeps the files that others publish, until Ctrl-C.
    Listen(listen::Options),
    /// Keeps a copy of one directory in another.
    Track(track::Options),
    /// Runs a node behind a line protocol, for scripts and other languages.
    Peer(peer::Options),
    /// Makes or joins a network of secure nodes.
    Network(network_key::Options),
    /// Shows the key of this user's secure nodes, and the words that stand for it.
    Keys(keys::Options),
    /// Writes the completions of this command for a shell.
    Completions(manual::CompletionOptions),
    /// Writes the manual pages of this command and its subcommands into a directory.
    #[command(hide = true)]
    Man(manual::PageOptions),
}

impl Command {
    /// Returns the name of the subcommand.
    const fn name(&self) -> &'static str {
        match self {
            Self::Ls(_) => "ls",
            Self::Watch(_) => "watch",
            Self::Doctor(_) => "doctor",
            Self::Chat(_) => "chat",
            Self::Shout(_) => "shout",
            Self::Whisper(_) => "whisper",
            Self::Share(_) => "share",
            Self::Listen(_) => "listen",
            Self::Track(_) => "track",
            Self::Peer(_) => "peer",
            Self::Network(_) => "network",
            Self::Keys(_) => "keys",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }

    /// Returns whether the command decides itself what is shown where.
    const fn has_own_screen(&self) -> bool {
        matches!(self, Self::Chat(_) | Self::Peer(_))
    }

    /// Returns the exit status if the command fails. 1 is an answer of those that look for something.
    const fn failure(&self) -> u8 {
        match self {
            Self::Ls(_) | Self::Watch(_) | Self::Doctor(_) | Self::Shout(_) | Self::Whisper(_) => 2,
            _ => 1,
        }
    }

    async fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        match self {
            Self::Ls(options) => return ls::run(&options).await,
            Self::Watch(options) => return watch::run(&options).await,
            Self::Doctor(options) => return doctor::run(&options).await,
            Self::Shout(options) => return send::shout(&options).await,
            Self::Whisper(options) => return send::whisper(&options).await,
            Self::Chat(options) => chat::run(&options).await?,
            Self::Share(options) => share::run(&options).await?,
            Self::Listen(options) => listen::run(&options).await?,
            Self::Track(options) => track::run(&options).await?,
            Self::Peer(options) => peer::run(options).await?,
            Self::Network(options) => network_key::run(&options)?,
            Self::Keys(options) => keys::run(&options)?,
            Self::Completions(options) => manual::complete(&options, Arguments::command()),
            Self::Man(options) => manual::write_pages(&options, Arguments::command())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn main() -> ExitCode {
    let command = match Arguments::try_parse() {
        Ok(arguments) => arguments.command,
        Err(error) => return mistake(&error),
    };
    if matches!(command, Command::Chat(_)) {
        suspend::leave_to_editor();
    }
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::warning(format!(
                "zyre cannot start: {error}; ulimit -n says how much it may open"
            ));
            return ExitCode::from(command.failure());
        }
    };
    let code = runtime.block_on(run(command));
    // A thread that waits for a line of input would be waited for.
    runtime.shutdown_background();
    code
}

/// Says what is wrong with the command line, or shows the help.
fn mistake(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        error.exit();
    }
    let text = error.render();
    let text =
        if console::colors_enabled_stderr() { text.ansi().to_string() } else { text.to_string() };
    text.trim_end().lines().for_each(output::warning);
    ExitCode::from(USAGE)
}

async fn run(command: Command) -> ExitCode {
    interrupt::watch();
    if !command.has_own_screen() {
        warnings::show();
    }
    let (name, failure) = (command.name(), command.failure());
    match command.run().await {
        Ok(code) => code,
        Err(error) => {
            output::warning(format!("zyre {name}: {}", with_causes(error.as_ref())));
            ExitCode::from(failure)
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
