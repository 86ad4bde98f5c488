//! A process that publishes a directory.

use std::net::SocketAddr;
use std::path::PathBuf;

use filemq::{Audience, MountOptions, Server, ServerOptions, VirtualPath};

use super::line::{Orders, Said};
use super::secured;

#[derive(clap::Args)]
pub(super) struct Options {
    directory: PathBuf,
    #[arg(long, default_value = "127.0.0.1:0")]
    address: SocketAddr,
    /// Nothing passes in the clear.
    #[arg(long)]
    secure: bool,
}

/// Publishes until it is killed, or nobody is there any more.
pub(super) async fn run(options: &Options) -> Result<(), String> {
    let (server, _) = Server::new(ServerOptions {
        mechanism: secured::of_server(options.secure),
        ..ServerOptions::default()
    });
    let config = MountOptions::new(VirtualPath::root());
    let mounted = server.mount(&options.directory, config, Audience::Everyone).await;
    mounted.map_err(|error| format!("{}: {error}", options.directory.display()))?;
    let listening = server.listen(options.address);
    Said::Listening(listening.map_err(|error| format!("{}: {error}", options.address))?).say();
    let mut orders = Orders::new();
    while orders.next().await.is_some() {}
    Ok(())
}
