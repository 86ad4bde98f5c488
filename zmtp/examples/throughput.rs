//! How fast one connection is: `cargo run --release --example throughput [size] [messages] [secure]`.
//!
//! A DEALER in one thread sends messages of two frames, 8 bytes and `size` bytes, to a ROUTER in
//! another; then they play ping-pong. Both over 127.0.0.1 and through the public API, and with
//! `secure` (which takes `--features curve`) by CURVE.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use zmtp::net::{Established, Listener, ListenerLimits, PushError, Reader, SendQueueLimits};
use zmtp::{Config, Mechanism, Message, SocketType, net};

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut numbers = words.iter().filter(|word| *word != "secure").map(|it| it.parse::<usize>());
    let size = numbers.next().transpose()?.unwrap_or(32);
    let count = numbers.next().transpose()?.unwrap_or(5_000_000);
    let (client, server) =
        if words.iter().any(|word| word == "secure") { secure()? } else { Default::default() };

    let (tell, told) = std::sync::mpsc::channel();
    let receiver = std::thread::spawn(move || -> Result<(), Failure> {
        runtime()?.block_on(async {
            let config = Config::new(SocketType::Router).with_mechanism(server);
            let any = SocketAddr::from(([127, 0, 0, 1], 0));
            let mut listener = Listener::bind(any, config, ListenerLimits::default()).await?;
            tell.send(listener.local_addr()?)?;
            receive(listener.accept().await, count).await
        })
    });
    let address = told.recv()?;
    runtime()?.block_on(send(address, client, size, count))?;
    receiver.join().map_err(|_| "the receiver panicked")?
}

/// The mechanisms of a client and its server.
#[cfg(feature = "_curve")]
fn secure() -> Result<(Mechanism, Mechanism), Failure> {
    use std::sync::Arc;
    use zmtp::{Curve, KeyPair, PeerInfo, SessionKeys, Verdict};
    let (client, server) = (KeyPair::generate()?, KeyPair::generate()?);
    let public = server.public();
    let everybody = |_: &SessionKeys, _: &PeerInfo, _: SocketAddr| Verdict::Admit;
    let server = Curve::server(server, Arc::new(everybody)).into();
    Ok((Curve::client(client, public).into(), server))
}

#[cfg(not(feature = "_curve"))]
fn secure() -> Result<(Mechanism, Mechanism), Failure> {
    Err("secure connections take --features curve".into())
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

async fn receive(mut from: Established, count: usize) -> Result<(), Failure> {
    let (mut seen, mut bytes, mut fills) = (0usize, 0usize, 0usize);
    let started = Instant::now();
    while seen < count {
        if let Some(message) = from.reader.next()? {
            seen += 1;
            bytes += message.byte_len();
        } else if from.reader.fill().await? {
            fills += 1;
        } else {
            return Err("closed early".into());
        }
    }
    let time = started.elapsed();
    println!(
        "{:.0} messages/s, {:.0} MB/s, {} messages for each read",
        seen as f64 / time.as_secs_f64(),
        bytes as f64 / time.as_secs_f64() / 1e6,
        seen / fills.max(1),
    );
    loop {
        while let Some(message) = from.reader.next()? {
            from.queue.stage(&message.frames()[0], &message.frames()[1..])?;
            from.queue.flush()?;
        }
        if !from.reader.fill().await? {
            return Ok(());
        }
    }
}

async fn send(
    address: SocketAddr,
    mechanism: Mechanism,
    size: usize,
    count: usize,
) -> Result<(), Failure> {
    let config = Config::new(SocketType::Dealer).with_identity("sender").with_mechanism(mechanism);
    let to = net::connect(address, &config, SendQueueLimits::default()).await?;
    let Established { mut reader, queue, .. } = to;
    let content = [Bytes::from(vec![7; size])];
    let running = tokio::spawn({
        let queue = queue.clone();
        async move { queue.run().await }
    });
    let started = Instant::now();
    let mut full = 0;
    for i in 0..count {
        while let Err(error) = queue.stage(&i.to_be_bytes(), &content) {
            if error == PushError::Closed {
                return Err(error.into());
            }
            full += 1;
            queue.drained().await;
        }
    }
    queue.flush()?;
    queue.drained().await;
    let time = started.elapsed();
    println!(
        "sent in {time:.2?}, {:.0} messages/s, full {full} times",
        count as f64 / time.as_secs_f64()
    );
    let mut times: Vec<Duration> = Vec::new();
    for i in 0..20_000usize {
        let started = Instant::now();
        queue.stage(&i.to_be_bytes(), &content)?;
        queue.flush()?;
        answer(&mut reader).await?;
        times.push(started.elapsed());
    }
    times.sort();
    println!("round trip p50 {:?}, p99 {:?}", times[10_000], times[19_800]);
    running.abort();
    queue.close();
    Ok(())
}

async fn answer(reader: &mut Reader) -> Result<Message, Failure> {
    loop {
        if let Some(message) = reader.next()? {
            return Ok(message);
        }
        if !reader.fill().await? {
            return Err("closed".into());
        }
    }
}
