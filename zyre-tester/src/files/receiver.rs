//! A process that receives, into one folder or several.

use std::net::SocketAddr;
use std::path::PathBuf;

use filemq::{Client, ClientEvent, ClientEvents, ClientOptions, FileEvent, VirtualPath, Way};
use tokio::sync::mpsc;

use super::line::{Order, Orders, Said};
use super::secured;

/// What a receiver calls the server.
const ORIGIN: &str = "server";

#[derive(clap::Args)]
pub(super) struct Options {
    /// Each with a client of its own.
    #[arg(required = true)]
    folders: Vec<PathBuf>,
    #[arg(long)]
    connect: SocketAddr,
    /// The number of files in each with which it is done.
    #[arg(long)]
    files: Option<u64>,
    /// Nothing passes in the clear.
    #[arg(long)]
    secure: bool,
}

/// Something that has happened in one folder.
enum Step {
    Connected,
    Complete,
    Other(Said),
}

/// Receives until it is killed, or nobody is there any more.
pub(super) async fn run(options: &Options) -> Result<(), String> {
    let (sender, mut steps) = mpsc::channel(64);
    let mut clients = Vec::new();
    let way = |address: SocketAddr| Way {
        mechanism: secured::of_receiver(options.secure),
        ..Way::from(address)
    };
    for folder in &options.folders {
        let opened = Client::open(folder, ClientOptions::default()).await;
        let (client, events) = opened.map_err(|error| format!("{}: {error}", folder.display()))?;
        tokio::spawn(receive(events, options.files.unwrap_or(u64::MAX), sender.clone()));
        client.subscribe(VirtualPath::root());
        client.connect(ORIGIN, way(options.connect));
        clients.push(client);
    }
    let (mut connected, mut complete) = (0, 0);
    let mut orders = Orders::new();
    loop {
        tokio::select! {
            Some(step) = steps.recv() => match step {
                Step::Connected => {
                    connected += 1;
                    if connected >= clients.len() {
                        Said::Connected.say();
                    }
                }
                Step::Complete => {
                    complete += 1;
                    if complete == clients.len() {
                        Said::Done.say();
                    }
                }
                Step::Other(said) => said.say(),
            },
            order = orders.next() => match order {
                Some(Order::Connect(address)) => {
                    clients.iter().for_each(|client| client.connect(ORIGIN, way(address)));
                }
                Some(Order::Go) => {}
                None => return Ok(()),
            }
        }
    }
}

/// What an application does with events.
async fn receive(mut events: ClientEvents, files: u64, steps: mpsc::Sender<Step>) {
    let mut delivered = 0;
    while let Some(event) = events.recv().await {
        let step = match event {
            ClientEvent::File { event: FileEvent::Delivered { .. }, .. } => {
                delivered += 1;
                if delivered != files {
                    continue;
                }
                Step::Complete
            }
            ClientEvent::Connected { .. } => Step::Connected,
            ClientEvent::Disconnected { reason, .. } => Step::Other(Said::Disconnected { reason }),
            ClientEvent::File { event: FileEvent::Refused { name, reason, .. }, .. } => {
                Step::Other(Said::Refused { name: name.to_string(), reason: reason.to_string() })
            }
            _ => continue,
        };
        if steps.send(step).await.is_err() {
            return;
        }
    }
}
