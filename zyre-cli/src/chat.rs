//! `zyre chat`: start it on two machines of a network, and talk.
//!
//! ```text
//! zyre chat alice
//! ```
//!
//! Rooms are ZRE groups, whispers are WHISPERs, so every ZRE node can take part. Each start is a new
//! node: nobody has a use for one that can be recognised in every network.

mod command;
mod paint;
mod people;
mod screen;
mod session;

use std::error::Error;

use clap::Args;
use tokio::sync::mpsc::Permit;
use zyre::{Builder, Events, Node, Trust};

use self::paint::Paint;
use self::screen::{Input, Output};
use self::session::{Reply, Session};
use crate::account;
use crate::interrupt::interrupted;
use crate::network::Network;

#[derive(Args)]
pub(crate) struct Options {
    /// What others call you. Default: the name of your account.
    #[arg(env = "ZYRE_NAME", value_parser = name)]
    nick: Option<String>,
    /// The room to begin in.
    #[arg(long, default_value = "lobby", value_parser = name)]
    room: String,
    /// Be a secure node, and ask about each stranger: its six words are shown, and /trust lets it in.
    #[arg(long)]
    ask: bool,
    #[command(flatten)]
    network: Network,
}

impl Options {
    fn builder(&self) -> Result<Builder, Box<dyn Error>> {
        let trust = self.ask.then(Trust::ask);
        let builder = self.network.builder_that_trusts(trust)?.join(self.room.as_str());
        Ok(match self.nick.clone().or_else(account::name) {
            Some(nick) => builder.name(nick),
            None => builder,
        })
    }
}

pub(crate) async fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let (node, events) = options.builder()?.start().await?;
    chat(options, &node, events).await;
    node.stop().await;
    Ok(())
}

/// Chats until the user quits.
async fn chat(options: &Options, node: &Node, mut events: Events) {
    let paint = Paint::new();
    let (mut input, output) = screen::open(paint.is_on());
    let echo = !input.is_seen();
    let mut session = Session::new(node.clone(), options.room.clone(), paint, echo);
    let welcome = session.welcome(options.network.has_interface(), options.ask);
    tokio::select! {
        () = async {
            input.ask(Some(welcome), session.prompt()).await;
            talk(&mut session, &mut input, &output, &mut events).await;
        } => {}
        () = interrupted() => {}
    }
    output.close(input).await;
}

/// Passes lines and events on. Waits for room to print only while a line can be read: on a
/// terminal the one may need the other.
async fn talk(session: &mut Session, input: &mut Input, output: &Output, events: &mut Events) {
    loop {
        let (room, line) = tokio::select! {
            line = input.line() => {
                let Some(reply) = line.and_then(|line| obey(session, &line)) else { return };
                input.ask(reply, session.prompt()).await;
                continue;
            }
            happened = with_room(output, events.recv()) => {
                let Some((room, Some(event))) = happened else { return };
                (room, session.tell(&event))
            }
        };
        if let Some(line) = line {
            room.send(line + "\n");
        }
    }
}

/// Carries out a line of input. Several were pasted, and are text, whatever they begin with. Returns what
/// to show for it, or `None` to quit.
fn obey(session: &mut Session, lines: &str) -> Option<Option<String>> {
    let mut shown = Vec::new();
    let is_pasted = lines.trim_end().contains('\n');
    for line in lines.lines() {
        match if is_pasted { session.obey_pasted(line) } else { session.obey(line) } {
            Reply::Nothing => {}
            Reply::Show(text) => shown.push(text),
            Reply::Quit => return None,
        }
    }
    Some((!shown.is_empty()).then(|| shown.join("\n")))
}

/// Waits for room to print, and then for `next`; `None` if nothing can be printed any more.
/// As safe to cancel as `next`.
async fn with_room<T>(
    output: &Output,
    next: impl Future<Output = T>,
) -> Option<(Permit<'_, String>, T)> {
    let room = output.room().await?;
    tokio::select! {
        next = next => Some((room, next)),
        // Nothing may happen for a long time.
        () = output.ended() => None,
    }
}

/// Parses a nick or a room, which cannot be empty.
fn name(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("a name cannot be empty"),
        name => Ok(name.to_owned()),
    }
}
