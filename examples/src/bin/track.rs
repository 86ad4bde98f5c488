//! Keeps a copy of one directory in another: what is added, changed or removed in SRC is so in DST.
//!
//! ```sh
//! cargo run --release --bin track -- ./send ./recv
//! ```
//!
//! Both sides in one process, with FILEMQ between them over loopback. With `--serve` or `--connect` it
//! is one of the sides, for a copy on another machine.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Parser;
use filemq::disk::MountConfig;
use filemq::{Audience, Client, ClientOptions, Received, Server, ServerOptions, VirtualPath};

/// Keeps a copy of one directory in another
#[derive(Parser)]
struct Options {
    /// SRC, the directory to copy, and DST, where the copy is
    #[arg(required = true, num_args = 1..=2, value_names = ["SRC", "DST"])]
    directories: Vec<PathBuf>,
    /// Only serve SRC, at this address
    #[arg(long, value_name = "ADDRESS", conflicts_with = "connect")]
    serve: Option<SocketAddr>,
    /// Only keep DST, the one directory that is named, as a copy of what a server at this address has
    #[arg(long, value_name = "ADDRESS")]
    connect: Option<SocketAddr>,
    /// Take files at once, and not when they have not changed for a second
    #[arg(long)]
    eager: bool,
    /// Say nothing of single files
    #[arg(long)]
    quiet: bool,
}

type Error = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let options = Options::parse();
    match (options.directories.as_slice(), options.serve, options.connect) {
        ([src], Some(address), None) => {
            let (_server, address) = serve(src, address, options.eager).await?;
            println!("serving at {address}");
            tokio::signal::ctrl_c().await?;
            Ok(())
        }
        ([dst], None, Some(address)) => copy(dst, address, options.quiet).await,
        ([src, dst], None, None) => {
            let (_server, address) = serve(src, ([127, 0, 0, 1], 0).into(), options.eager).await?;
            copy(dst, address, options.quiet).await
        }
        _ => Err("name SRC and DST, or with --serve or --connect one of them".into()),
    }
}

async fn serve(
    src: &Path,
    address: SocketAddr,
    eager: bool,
) -> Result<(Server, SocketAddr), Error> {
    let (server, _) = Server::new(ServerOptions::default());
    let mut mount = MountConfig::new(VirtualPath::root());
    if eager {
        mount.stable = std::time::Duration::ZERO;
    }
    let mounted = server.mount(src, mount, Audience::Everyone).await;
    mounted.map_err(|error| format!("{}: {error}", src.display()))?;
    let address = server.listen(address).await?;
    Ok((server, address))
}

async fn copy(inbox: &Path, address: SocketAddr, quiet: bool) -> Result<(), Error> {
    let opened = Client::open(inbox, ClientOptions::default()).await;
    let (client, mut events) = opened.map_err(|error| format!("{}: {error}", inbox.display()))?;
    client.subscribe(VirtualPath::root());
    client.connect("track", address)?;
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            stop = tokio::signal::ctrl_c() => { stop?; None }
        };
        match event {
            Some(Received::Delivered { name, size, .. }) if !quiet => {
                println!("{name:?}  {size} octets")
            }
            Some(Received::Deleted { name, .. }) if !quiet => println!("{name:?}  removed"),
            Some(Received::Refused { name, reason, .. }) => eprintln!("{name:?}: {reason}"),
            Some(Received::Disconnected { reason, .. }) => eprintln!("{address}: {reason}"),
            Some(_) => {}
            None => break,
        }
    }
    client.stop().await;
    Ok(())
}
