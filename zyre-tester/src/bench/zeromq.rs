//! The work on the `zeromq` crate: a DEALER for each peer, connected to its ROUTER, as in ZRE.

use std::time::Instant;

use bytes::Bytes;
use zeromq::{DealerSocket, RouterSocket, Socket, SocketRecv, SocketSend, ZmqError, ZmqMessage};

use super::figures::{Figures, Outcome};
use super::load::{self, BREATH, GREETING, Mesh, Pace, Tally};
use super::work::{Way, Work};

/// What stands where a WHISPER has its header.
const HEADER: Bytes = Bytes::from_static(&[0xAA, 0xA1, 2, 2, 0, 1]);

/// Measures once.
///
/// # Errors
/// A socket fails, or something is lost.
pub(super) async fn measure(work: Work) -> Result<Outcome, String> {
    Ok(Outcome::Measured(match work {
        Work::Whisper { count, size, way: Way::There } => flow(count, size, 1).await?,
        Work::Whisper { count, size, way } => back(count, size, way == Way::Both).await?,
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
    let (pace, tallies) = Pace::new(peers, count, size);
    let (mut dealers, mut receivers) = (Vec::new(), Vec::new());
    for tally in tallies {
        let (router, endpoint) = router().await?;
        receivers.push(tokio::spawn(receive(router, tally)));
        dealers.push(dealer(&endpoint).await?);
    }
    tokio::time::sleep(BREATH).await;
    let started = Instant::now();
    let sending = tokio::spawn(send(dealers, None, pace, count, size));
    let _held = tokio::try_join!(load::joined(sending), load::all(receivers))?;
    Ok(load::flow(count, peers, started.elapsed()))
}

/// A ROUTER sends to a DEALER, and if `both` the DEALER to the ROUTER at the same time.
async fn back(count: u64, size: usize, both: bool) -> Result<Figures, String> {
    let (mut router, endpoint) = router().await?;
    let mut dealer = dealer(&endpoint).await?;
    // A ROUTER can send to those that it has heard.
    dealer.send(message(GREETING.into())).await.map_err(text)?;
    let greeting = router.recv().await.map_err(text)?;
    let identity = greeting.get(0).ok_or("a message without identity")?.clone();
    let ((dealer_out, dealer_in), (router_out, router_in)) = (dealer.split(), router.split());
    tokio::time::sleep(BREATH).await;
    let started = Instant::now();
    let back = one_way(vec![router_out], Some(identity), dealer_in, count, size);
    if !both {
        let _held = (back.await?, dealer_out, router_in);
        return Ok(load::flow(count, 1, started.elapsed()));
    }
    let there = one_way(vec![dealer_out], None, router_in, count, size);
    let _held = tokio::try_join!(back, there)?;
    Ok(load::flow(2 * count, 1, started.elapsed()))
}

/// What two sockets held when all had come.
type Held<S, R> = (Vec<S>, R);

/// One socket sends to another. Gives both back: the other direction may not be done.
async fn one_way<S, R>(
    sender: Vec<S>,
    to: Option<Bytes>,
    receiver: R,
    count: u64,
    size: usize,
) -> Result<Held<S, R>, String>
where
    S: SocketSend + Send + 'static,
    R: SocketRecv + Send + 'static,
{
    let (pace, mut tallies) = Pace::new(1, count, size);
    let tally = tallies.pop().ok_or("no tally")?;
    let sending = tokio::spawn(send(sender, to, pace, count, size));
    let receiving = tokio::spawn(receive(receiver, tally));
    tokio::try_join!(load::joined(sending), load::joined(receiving))
}

/// Sends everything by each of the sockets; `to` is what a ROUTER has to be told.
async fn send<S: SocketSend>(
    mut sockets: Vec<S>,
    to: Option<Bytes>,
    mut pace: Pace,
    count: u64,
    size: usize,
) -> Result<Vec<S>, String> {
    for number in 0..count {
        while !pace.may_send(number) {
            tokio::task::yield_now().await;
        }
        let mut message = message(load::message(number, size));
        if let Some(to) = &to {
            message.push_front(to.clone());
        }
        for socket in &mut sockets {
            socket.send(message.clone()).await.map_err(text)?;
        }
    }
    Ok(sockets)
}

/// Receives everything: the content is the last frame.
async fn receive<R: SocketRecv>(mut socket: R, mut tally: Tally) -> Result<R, String> {
    loop {
        let received = socket.recv().await;
        let received = received.map_err(|e| format!("{}: {}", tally.missing(), text(e)))?;
        let last = received.len().saturating_sub(1);
        if tally.take(received.get(last).ok_or("a message without frames")?)? {
            return Ok(socket);
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
    let (mesh, greeted, greetings) = Mesh::of_sockets(nodes, 2)?;
    let mut addresses = Vec::new();
    for _ in 0..nodes {
        let (mut router, endpoint) = router().await?;
        addresses.push(endpoint);
        let greeted = greeted.clone();
        tokio::spawn(async move {
            // The counting task may have given up.
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
                dealer.send(message(GREETING.into())).await.map_err(text)?;
                dealers.push(dealer);
            }
            Ok::<_, String>(dealers)
        }));
    }
    let mut dealers = Vec::new();
    for connecting in connecting {
        dealers.push(connecting.await.map_err(|error| error.to_string())??);
    }
    mesh.greeted(started, seconds, greetings).await
}

fn text(error: ZmqError) -> String {
    format!("zeromq: {error}")
}
