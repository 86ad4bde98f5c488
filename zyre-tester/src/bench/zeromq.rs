//! The work on the `zeromq` crate: a DEALER for each peer, connected to its ROUTER, as in ZRE.

use std::time::Instant;

use bytes::Bytes;
use tokio::sync::mpsc;
use zeromq::{DealerSocket, RouterSocket, Socket, SocketRecv, SocketSend, ZmqError, ZmqMessage};

use super::figures::{Figures, Outcome};
use super::load::{self, BREATH, Mesh, Pace, Tally};
use super::process;
use super::work::Work;

/// What stands where a WHISPER has its header.
const HEADER: Bytes = Bytes::from_static(&[0xAA, 0xA1, 2, 2, 0, 1]);

/// Measures once.
///
/// # Errors
/// A socket fails, or something is lost.
pub(super) async fn measure(work: Work) -> Result<Outcome, String> {
    Ok(Outcome::Measured(match work {
        Work::Whisper { count, size } => flow(count, size, 1).await?,
        Work::Shout { count, size, peers } => flow(count, size, peers).await?,
        Work::Rtt { count, size } => rtt(count, size).await?,
        Work::Mesh { nodes, seconds } => mesh(nodes, seconds).await?,
        Work::Log { .. } => return Ok(Outcome::Impossible("has no log")),
        Work::Discovery { .. } => {
            return Ok(Outcome::Impossible("the zeromq crate has no discovery"));
        }
    }))
}

/// A message as ZRE has it.
fn message(content: Bytes) -> ZmqMessage {
    let mut message = ZmqMessage::from(content);
    message.push_front(HEADER);
    message
}

/// A ROUTER and where it is.
async fn router() -> Result<(RouterSocket, String), String> {
    let mut router = RouterSocket::new();
    let endpoint = router.bind("tcp://127.0.0.1:0").await.map_err(text)?;
    Ok((router, endpoint.to_string()))
}

async fn dealer(endpoint: &str) -> Result<DealerSocket, String> {
    let mut dealer = DealerSocket::new();
    dealer.connect(endpoint).await.map_err(text)?;
    Ok(dealer)
}

async fn flow(count: u64, size: usize, peers: usize) -> Result<Figures, String> {
    let (mut pace, tallies) = Pace::new(peers, count, size);
    let (mut dealers, mut receivers) = (Vec::new(), Vec::new());
    for tally in tallies {
        let (router, endpoint) = router().await?;
        receivers.push(tokio::spawn(receive(router, tally)));
        dealers.push(dealer(&endpoint).await?);
    }
    tokio::time::sleep(BREATH).await;
    let started = Instant::now();
    let sending = tokio::spawn(async move {
        for number in 0..count {
            while !pace.may_send(number) {
                tokio::task::yield_now().await;
            }
            let content = load::message(number, size);
            for dealer in &mut dealers {
                dealer.send(message(content.clone())).await.map_err(text)?;
            }
        }
        Ok::<_, String>(dealers)
    });
    let sent = async { sending.await.unwrap_or_else(|error| Err(error.to_string())) };
    let _held = tokio::try_join!(sent, load::all(receivers))?;
    Ok(load::flow(count, peers, started.elapsed()))
}

/// Identity, header, content.
fn content(received: &ZmqMessage) -> Result<&Bytes, String> {
    received.get(2).ok_or_else(|| format!("a message of {} frames", received.len()))
}

async fn receive(mut router: RouterSocket, mut tally: Tally) -> Result<RouterSocket, String> {
    loop {
        let received = router.recv().await;
        let received = received.map_err(|e| format!("{}: {}", tally.missing(), text(e)))?;
        if tally.take(content(&received)?)? {
            return Ok(router);
        }
    }
}

async fn rtt(count: u64, size: usize) -> Result<Figures, String> {
    let (mut router, endpoint) = router().await?;
    let mut dealer = dealer(&endpoint).await?;
    let echo = tokio::spawn(async move {
        loop {
            // As it came: the identity first, which is where it goes.
            let received = router.recv().await.map_err(text)?;
            router.send(received).await.map_err(text)?;
        }
    });
    let ask = tokio::spawn(async move {
        let (mut times, (_, mut tallies)) = (Vec::new(), Pace::new(1, count, size));
        let tally = tallies.first_mut().ok_or("no tally")?;
        for number in 0..count {
            let asked = Instant::now();
            dealer.send(message(load::message(number, size))).await.map_err(text)?;
            let answer = dealer.recv().await.map_err(text)?;
            tally.take(answer.get(1).ok_or("an answer without content")?)?;
            times.push(asked.elapsed());
        }
        Ok((load::latency(times), dealer))
    });
    load::answered(ask, echo).await
}

/// Each connects to all others, whose addresses it is told, and greets them.
async fn mesh(nodes: usize, seconds: u64) -> Result<Figures, String> {
    process::descriptors(2 * nodes * (nodes - 1) + nodes + 64)?;
    let mesh = Mesh::begin(nodes);
    let (greeted, mut greetings) = mpsc::unbounded_channel();
    let mut addresses = Vec::new();
    for _ in 0..nodes {
        let (mut router, endpoint) = router().await?;
        addresses.push(endpoint);
        let greeted = greeted.clone();
        tokio::spawn(async move {
            // Whoever counts may have given up.
            while greeted.send(router.recv().await.map(drop).map_err(text)).is_ok() {}
        });
    }
    let started = Instant::now();
    let mut connecting = Vec::new();
    for node in 0..nodes {
        let mut others = addresses.clone();
        others.remove(node);
        connecting.push(tokio::spawn(async move {
            let mut dealers = Vec::new();
            for endpoint in others {
                let mut dealer = dealer(&endpoint).await?;
                dealer.send(message("HELLO".into())).await.map_err(text)?;
                dealers.push(dealer);
            }
            Ok::<_, String>(dealers)
        }));
    }
    let mut dealers = Vec::new();
    for connecting in connecting {
        dealers.push(connecting.await.map_err(|error| error.to_string())??);
    }
    for _ in 0..nodes * (nodes - 1) {
        greetings.recv().await.ok_or("nobody greets any more")??;
    }
    Ok(mesh.complete(started, seconds).await)
}

fn text(error: ZmqError) -> String {
    format!("zeromq: {error}")
}
