//! A process that copies without FILEMQ: what the network and the disk allow.

use std::fs::File;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::task::JoinSet;

use super::line::{Order, Orders, Said};

/// What is read and written at a time.
const BUFFER: usize = 1 << 20;

#[derive(clap::Args)]
pub(super) struct Options {
    /// What is sent, or the directory to receive into.
    path: PathBuf,
    /// The address to send to; receives otherwise.
    #[arg(long)]
    to: Option<SocketAddr>,
    /// The number of copies at once.
    #[arg(long, default_value_t = 1)]
    connections: usize,
    /// A whole directory, through `tar`.
    #[arg(long)]
    tar: bool,
}

/// Sends or receives once.
pub(super) async fn run(options: &Options) -> Result<(), String> {
    match options.to {
        Some(to) => send(options, to).await,
        None => receive(options).await,
    }
}

async fn send(options: &Options, to: SocketAddr) -> Result<(), String> {
    let mut streams = Vec::new();
    for _ in 0..options.connections {
        streams.push(TcpStream::connect(to).await.map_err(|error| format!("{to}: {error}"))?);
    }
    Said::Connected.say();
    let mut orders = Orders::new();
    if orders.next().await != Some(Order::Go) {
        return Ok(());
    }
    let mut sending = JoinSet::new();
    for stream in streams {
        let (path, tar) = (options.path.clone(), options.tar);
        sending.spawn(async move {
            if tar { send_tar(&path, stream).await } else { send_file(&path, stream).await }
        });
    }
    finish(sending).await?;
    // Its memory is looked at when all has arrived.
    while orders.next().await.is_some() {}
    Ok(())
}

async fn receive(options: &Options) -> Result<(), String> {
    let wrong = |error| format!("cannot listen: {error}");
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(wrong)?;
    Said::Listening(listener.local_addr().map_err(wrong)?).say();
    let mut receiving = JoinSet::new();
    for i in 0..options.connections {
        let (stream, _) = listener.accept().await.map_err(|error| error.to_string())?;
        let (path, tar) = (options.path.clone(), options.tar);
        receiving.spawn(async move {
            if tar {
                receive_tar(&path, stream).await
            } else {
                receive_file(&path.join(i.to_string()), stream).await
            }
        });
    }
    finish(receiving).await?;
    Said::Done.say();
    let mut orders = Orders::new();
    while orders.next().await.is_some() {}
    Ok(())
}

async fn finish(mut tasks: JoinSet<std::io::Result<()>>) -> Result<(), String> {
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Reads in the task itself: handing pieces to another thread would take longer, and this is to be
/// the fastest that is simple.
async fn send_file(path: &Path, mut stream: TcpStream) -> std::io::Result<()> {
    let (mut file, mut buffer) = (File::open(path)?, vec![0; BUFFER]);
    loop {
        match file.read(&mut buffer)? {
            0 => return stream.shutdown().await,
            bytes => stream.write_all(&buffer[..bytes]).await?,
        }
    }
}

async fn receive_file(path: &Path, mut stream: TcpStream) -> std::io::Result<()> {
    let (mut file, mut buffer) = (File::create(path)?, vec![0; BUFFER]);
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            bytes => file.write_all(&buffer[..bytes])?,
        }
    }
}

async fn send_tar(path: &Path, mut stream: TcpStream) -> std::io::Result<()> {
    let mut tar = Command::new("tar");
    tar.args(["-cf", "-", "-C"]).arg(path).arg(".").stdout(Stdio::piped()).kill_on_drop(true);
    let mut tar = tar.spawn()?;
    let mut pipe = tar.stdout.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
    copy(&mut pipe, &mut stream).await?;
    stream.shutdown().await?;
    good(tar.wait().await?)
}

async fn receive_tar(path: &Path, mut stream: TcpStream) -> std::io::Result<()> {
    let mut tar = Command::new("tar");
    tar.args(["-xf", "-", "-C"]).arg(path).stdin(Stdio::piped()).kill_on_drop(true);
    let mut tar = tar.spawn()?;
    let mut pipe = tar.stdin.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
    copy(&mut stream, &mut pipe).await?;
    drop(pipe);
    good(tar.wait().await?)
}

async fn copy(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
) -> std::io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match from.read(&mut buffer).await? {
            0 => return Ok(()),
            bytes => to.write_all(&buffer[..bytes]).await?,
        }
    }
}

fn good(status: std::process::ExitStatus) -> std::io::Result<()> {
    if status.success() { Ok(()) } else { Err(std::io::Error::other(format!("tar: {status}"))) }
}
