//! A chat on the local network, without a server: start it on two machines, and talk.
//!
//! ```text
//! cargo run -p examples -- alice
//! ```
//!
//! Rooms are ZRE groups, whispers are WHISPERs, so every ZRE node can take part.

mod command;
mod paint;
mod people;
mod screen;
mod session;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use tokio::sync::mpsc::Permit;
use zyre::{Builder, Events, Node, StartError};

use crate::paint::Paint;
use crate::screen::{Input, Output};
use crate::session::{Reply, Session};

/// Chats on the local network, without a server.
#[derive(Parser)]
#[command(name = "chat")]
struct Options {
    /// What others call you. Default: the name of your account.
    #[arg(value_parser = name)]
    nick: Option<String>,
    /// The room to begin in.
    #[arg(long, default_value = "lobby", value_parser = name)]
    room: String,
    /// Interface: a name, an IPv4 address, or *. Default: where the default route goes.
    #[arg(long)]
    interface: Option<String>,
    /// UDP port of the beacon: only those with the same meet.
    #[arg(long, default_value_t = zyre::BEACON_PORT)]
    port: u16,
}

impl Options {
    fn builder(&self) -> Builder {
        let mut builder = Node::builder().beacon_port(self.port).join(self.room.as_str());
        if let Some(nick) = self.nick.clone().or_else(account) {
            builder = builder.name(nick);
        }
        if let Some(interface) = self.interface.as_deref() {
            builder = builder.interface(interface);
        }
        builder
    }

    /// Whether the user chose an interface.
    fn has_interface(&self) -> bool {
        self.interface.as_deref().is_some_and(|interface| interface != "*")
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    match options.builder().start().await {
        Ok((node, events)) => {
            chat(&options, &node, events).await;
            node.stop().await;
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("chat: {}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

/// Chats, until the user has had enough.
async fn chat(options: &Options, node: &Node, mut events: Events) {
    let paint = Paint::new();
    let (mut input, output) = screen::open(paint.is_on());
    let echo = !input.is_seen();
    let mut session = Session::new(node.clone(), options.room.clone(), paint, echo);
    let welcome = session.welcome(options.has_interface());
    tokio::select! {
        () = async {
            input.ask(Some(welcome), session.prompt()).await;
            talk(&mut session, &mut input, &output, &mut events).await;
        } => {}
        _ = tokio::signal::ctrl_c() => {}
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

/// Does what a line of input asks for, or each of several that were pasted: what to show for it;
/// `None` to quit.
fn obey(session: &mut Session, lines: &str) -> Option<Option<String>> {
    let mut shown = Vec::new();
    for line in lines.lines() {
        match session.obey(line) {
            Reply::Nothing => {}
            Reply::Show(text) => shown.push(text),
            Reply::Quit => return None,
        }
    }
    Some((!shown.is_empty()).then(|| shown.join("\n")))
}

/// What comes next, once there is room to print it; `None` if nothing can be printed any more.
/// As safe to cancel as `next`.
async fn with_room<T>(
    output: &Output,
    next: impl Future<Output = T>,
) -> Option<(Permit<'_, String>, T)> {
    let room = output.room().await?;
    Some((room, next.await))
}

/// The name of the account, as far as the environment tells it.
fn account() -> Option<String> {
    ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|name| !name.trim().is_empty())
}

/// A nick or a room: there must be something.
fn name(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("a name cannot be empty"),
        name => Ok(name.to_owned()),
    }
}

/// The error with its causes.
fn chain(error: &StartError) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
