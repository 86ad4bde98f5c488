//! `zyre track`: keeps a copy of one directory in another; what is added, changed or removed in SRC
//! is so in DST.
//!
//! ```text
//! zyre track ./send ./recv
//! ```
//!
//! Both sides run in one process, with FILEMQ between them over loopback. With `--serve` or
//! `--connect` it is one of the sides, for a copy on another machine. It is no node of a network: what
//! DST has is known again without an id.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use clap::Args;
use filemq::{
    Audience, Client, ClientEvent, ClientOptions, FileEvent, MountOptions, Server, ServerEvent,
    ServerEvents, ServerOptions, VirtualPath,
};

use crate::interrupt::interrupted;
use crate::{file_news, output, text};

#[derive(Args)]
pub(crate) struct Options {
    /// SRC, the directory to copy, and DST, where the copy is.
    #[arg(required = true, num_args = 1..=2, value_names = ["SRC", "DST"])]
    directories: Vec<PathBuf>,
    /// Only serve SRC, at this address.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "connect")]
    serve: Option<SocketAddr>,
    /// Only keep DST, the one directory that is named, as a copy of what the server at this address
    /// has.
    #[arg(long, value_name = "ADDRESS")]
    connect: Option<SocketAddr>,
    /// Take files at once, instead of when they have not changed for a second.
    #[arg(long)]
    eager: bool,
    /// Say nothing of single files.
    #[arg(long)]
    quiet: bool,
}

pub(crate) async fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    match (options.directories.as_slice(), options.serve, options.connect) {
        ([src], Some(address), None) => {
            let (_server, address) = serve(src, address, options.eager).await?;
            output::line(format!("serving at {address}"));
            interrupted().await;
            Ok(())
        }
        ([dst], None, Some(address)) => copy(dst, address, options.quiet).await,
        ([src, dst], None, None) => {
            let loopback = (Ipv4Addr::LOCALHOST, 0).into();
            let (_server, address) = serve(src, loopback, options.eager).await?;
            copy(dst, address, options.quiet).await
        }
        _ => Err("name SRC and DST, or with --serve or --connect one of them".into()),
    }
}

async fn serve(
    src: &Path,
    address: SocketAddr,
    eager: bool,
) -> Result<(Server, SocketAddr), Box<dyn Error>> {
    let (server, events) = Server::new(ServerOptions::default());
    tokio::spawn(report_omitted(events));
    let mut mount = MountOptions::new(VirtualPath::root());
    if eager {
        mount.stable = Duration::ZERO;
    }
    let mounted = server.mount(src, mount, Audience::Everyone).await;
    mounted.map_err(|error| format!("{}: {error}", src.display()))?;
    let address = server.listen(address)?;
    Ok((server, address))
}

async fn copy(received: &Path, address: SocketAddr, quiet: bool) -> Result<(), Box<dyn Error>> {
    let opened = Client::open(received, ClientOptions::default()).await;
    let (client, mut events) =
        opened.map_err(|error| format!("{}: {error}", received.display()))?;
    client.subscribe(VirtualPath::root());
    client.connect("track", address);
    // One for all turns: between two of them a signal would be missed.
    let mut interrupted = pin!(interrupted());
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = &mut interrupted => None,
        };
        match event {
            Some(ClientEvent::File { event, .. }) => report(&event, quiet),
            Some(ClientEvent::Disconnected { reason, .. }) => {
                output::warning(format!("{address}: {reason}"))
            }
            Some(ClientEvent::FolderUnusable { reason }) => {
                output::warning(file_news::folder_unusable(&reason));
            }
            Some(ClientEvent::FolderUsable) => output::warning(file_news::FOLDER_USABLE),
            Some(_) => {}
            None => break,
        }
    }
    client.stop().await;
    Ok(())
}

/// Tells of files that are not copied.
async fn report_omitted(mut events: ServerEvents) {
    while let Some(event) = events.recv().await {
        if let ServerEvent::Omitted { name, omitted } = event {
            output::warning(file_news::omitted(name.as_str(), &omitted));
        }
    }
}

fn report(event: &FileEvent, quiet: bool) {
    match event {
        FileEvent::Refused { name, reason, fate } => {
            output::warning(file_news::refused(name.as_str(), reason, *fate));
        }
        FileEvent::Retried { name } => output::warning(file_news::retried(name.as_str())),
        _ if quiet => {}
        FileEvent::Delivered { name, size, .. } => {
            output::line(format!("{}, {}", text::message(name.as_str()), text::size(*size)));
        }
        FileEvent::Deleted { name, .. } => {
            output::line(format!("{} is removed", text::message(name.as_str())));
        }
        _ => {}
    }
}
