//! The work on bare tokio TCP: the limit. A frame of header and a frame of content for each
//! message, as ZMTP writes them and as many bytes as a WHISPER has; no handshake, no peers, no
//! queues, nothing is routed. The writer waits for the kernel; the reader hands out what lies in
//! its buffer without copying it.
//!
//! Two nodes have a connection each way, as DEALER and ROUTER demand, or one for both directions.

use std::time::Instant;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedSender;
use zmtp::FrameHeader;

use super::figures::{Figures, Outcome};
use super::load::{self, GREETING, Greeting, Mesh, Pace, Tally};
use super::work::{Way, Work};

/// What stands where a WHISPER has its header.
const HEADER: [u8; 6] = [0xAA, 0xA1, 2, 2, 0, 1];

/// Bytes that are gathered before they are written.
const BATCH: usize = 64 << 10;

/// Room for one read.
const READ: usize = 256 << 10;

/// How two nodes are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wiring {
    /// By a connection each way.
    OneWay,
    /// By one connection for both directions.
    TwoWay,
}

/// Measures once.
///
/// # Errors
/// A connection fails, or something is lost.
pub(super) async fn measure(work: Work, wiring: Wiring) -> Result<Outcome, String> {
    Ok(Outcome::Measured(match work {
        Work::Whisper { way: Way::There | Way::Back, .. } | Work::Shout { .. }
            if wiring == Wiring::TwoWay =>
        {
            return Ok(Outcome::Impossible("one way only: the same as tcp"));
        }
        Work::Whisper { count, size, way: Way::Both } => both_ways(count, size, wiring).await?,
        Work::Whisper { count, size, way } => flow(count, size, 1, way).await?,
        Work::Shout { count, size, peers } => flow(count, size, peers, Way::There).await?,
        Work::Rtt { count, size } => rtt(count, size, wiring).await?,
        Work::Mesh { nodes, seconds } => mesh(nodes, seconds, wiring).await?,
        Work::Log { .. } => return Ok(Outcome::Impossible("has no log")),
        Work::Discovery { .. } => {
            return Ok(Outcome::Impossible("TCP finds nobody: addresses have to be known"));
        }
    }))
}

/// The writing end of a connection.
struct Writer<W> {
    stream: W,
    batch: BytesMut,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    fn new(stream: W) -> Self {
        Self { stream, batch: BytesMut::with_capacity(BATCH) }
    }

    /// Queues one message, and writes if much is queued.
    async fn send(&mut self, content: &[u8]) -> Result<(), String> {
        self.batch.extend_from_slice(&FrameHeader::message(HEADER.len(), true));
        self.batch.extend_from_slice(&HEADER);
        self.batch.extend_from_slice(&FrameHeader::message(content.len(), false));
        if content.len() >= BATCH / 4 {
            // Large ones are not copied.
            let mut bytes = (&mut self.batch).chain(content);
            return self.stream.write_all_buf(&mut bytes).await.map_err(text);
        }
        self.batch.extend_from_slice(content);
        if self.batch.len() >= BATCH { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), String> {
        let result = self.stream.write_all(&self.batch).await;
        self.batch.clear();
        result.map_err(text)
    }
}

/// The reading end of a connection.
struct Reader {
    buffer: BytesMut,
    /// Bytes at the start of the buffer that were handed out.
    taken: usize,
    /// What one read may bring.
    room: usize,
}

impl Reader {
    fn new(room: usize) -> Self {
        Self { buffer: BytesMut::with_capacity(room), taken: 0, room }
    }

    /// The content of the next message that is complete.
    fn next(&mut self) -> Option<&[u8]> {
        let rest = &self.buffer[self.taken..];
        let (head, body) = frame(rest)?;
        let content = frame(&rest[head + body..])?;
        let start = self.taken + head + body + content.0;
        self.taken = start + content.1;
        Some(&self.buffer[start..self.taken])
    }

    /// Reads once.
    async fn fill(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> Result<(), String> {
        self.buffer.advance(self.taken);
        self.taken = 0;
        if self.buffer.capacity() - self.buffer.len() < self.room / 2 {
            self.buffer.reserve(self.room);
        }
        match stream.read_buf(&mut self.buffer).await.map_err(text)? {
            0 => Err("the connection has ended".into()),
            _ => Ok(()),
        }
    }
}

/// Bytes of header and body of the frame that starts here, if it is complete.
fn frame(bytes: &[u8]) -> Option<(usize, usize)> {
    let long = bytes.first()? & 2 != 0;
    let (header, body) = if long {
        (9, u64::from_be_bytes(*bytes.get(1..)?.first_chunk()?).try_into().ok()?)
    } else {
        (2, usize::from(*bytes.get(1)?))
    };
    (bytes.len() - header >= body).then_some((header, body))
}

/// Both ends of a new connection.
async fn pair(listener: &TcpListener) -> Result<(TcpStream, TcpStream), String> {
    let address = listener.local_addr().map_err(text)?;
    let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
    let (ours, (theirs, _)) = (ours.map_err(text)?, theirs.map_err(text)?);
    for end in [&ours, &theirs] {
        end.set_nodelay(true).map_err(text)?;
    }
    Ok((ours, theirs))
}

async fn listen() -> Result<TcpListener, String> {
    TcpListener::bind("127.0.0.1:0").await.map_err(text)
}

/// One end: what it reads from and what it writes to.
struct End {
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    /// The directions that two connections leave unused.
    _idle: Option<(OwnedReadHalf, OwnedWriteHalf)>,
}

/// Both ends of what connects two nodes.
async fn ends(listener: &TcpListener, wiring: Wiring) -> Result<(End, End), String> {
    let (near, far) = pair(listener).await?;
    let ((near_from, near_to), (far_from, far_to)) = (near.into_split(), far.into_split());
    Ok(match wiring {
        Wiring::TwoWay => (
            End { from: near_from, to: near_to, _idle: None },
            End { from: far_from, to: far_to, _idle: None },
        ),
        Wiring::OneWay => {
            // The other one dials as well.
            let (back, here) = pair(listener).await?;
            let ((back_from, back_to), (here_from, here_to)) =
                (back.into_split(), here.into_split());
            (
                End { from: here_from, to: near_to, _idle: Some((near_from, here_to)) },
                End { from: far_from, to: back_to, _idle: Some((back_from, far_to)) },
            )
        }
    })
}

/// One node sends to its peers.
async fn flow(count: u64, size: usize, peers: usize, way: Way) -> Result<Figures, String> {
    let listener = listen().await?;
    let (_, tallies) = Pace::new(peers, count, size);
    let (mut writers, mut receivers) = (Vec::new(), Vec::new());
    for tally in tallies {
        let (mut ours, mut theirs) = pair(&listener).await?;
        if way == Way::Back {
            std::mem::swap(&mut ours, &mut theirs);
        }
        writers.push(Writer::new(ours));
        receivers.push(tokio::spawn(receive(theirs, tally)));
    }
    let started = Instant::now();
    let sent = load::joined(tokio::spawn(send(writers, count, size)));
    let _held = tokio::try_join!(sent, load::all(receivers))?;
    Ok(load::flow(count, peers, started.elapsed()))
}

/// Each of two sends to the other.
async fn both_ways(count: u64, size: usize, wiring: Wiring) -> Result<Figures, String> {
    let listener = listen().await?;
    let (near, far) = ends(&listener, wiring).await?;
    let (_, tallies) = Pace::new(2, count, size);
    let (mut senders, mut receivers) = (Vec::new(), Vec::new());
    let started = Instant::now();
    for (end, tally) in [near, far].into_iter().zip(tallies) {
        receivers.push(tokio::spawn(receive(end.from, tally)));
        let sending = send(vec![Writer::new(end.to)], count, size);
        senders.push(tokio::spawn(async { Ok((sending.await?, end._idle)) }));
    }
    let _held = tokio::try_join!(load::all(senders), load::all(receivers))?;
    Ok(load::flow(2 * count, 1, started.elapsed()))
}

/// Sends everything by each of the writers. Gives them back: the readers are not done.
async fn send<W: AsyncWrite + Unpin>(
    mut writers: Vec<Writer<W>>,
    count: u64,
    size: usize,
) -> Result<Vec<Writer<W>>, String> {
    for number in 0..count {
        let message = load::message(number, size);
        for writer in &mut writers {
            writer.send(&message).await?;
        }
    }
    for writer in &mut writers {
        writer.flush().await?;
    }
    Ok(writers)
}

/// Receives everything. Gives the stream back: the other direction may not be done.
async fn receive<R: AsyncRead + Unpin>(mut stream: R, mut tally: Tally) -> Result<R, String> {
    let mut reader = Reader::new(READ);
    loop {
        while let Some(content) = reader.next() {
            if tally.take(content)? {
                return Ok(stream);
            }
        }
        let filled = reader.fill(&mut stream).await;
        filled.map_err(|error| format!("{}: {error}", tally.missing()))?;
    }
}

/// On one connection; and, if nodes have two, on two as well.
async fn rtt(count: u64, size: usize, wiring: Wiring) -> Result<Figures, String> {
    let listener = listen().await?;
    let one = ping_pong(count, size, ends(&listener, Wiring::TwoWay).await?).await?;
    if wiring == Wiring::TwoWay {
        return Ok(one);
    }
    let two = ping_pong(count, size, ends(&listener, Wiring::OneWay).await?).await?;
    Ok(one.with("two_links_p50_us", two.get("p50_us")))
}

async fn ping_pong(count: u64, size: usize, (near, far): (End, End)) -> Result<Figures, String> {
    let echo = tokio::spawn(async move {
        let _idle = far._idle;
        let (mut stream, mut reader) = (far.from, Reader::new(READ));
        let mut writer = Writer::new(far.to);
        loop {
            while let Some(content) = reader.next() {
                writer.send(content).await?;
                writer.flush().await?;
            }
            reader.fill(&mut stream).await?;
        }
    });
    let ask = tokio::spawn(async move {
        let (mut stream, mut reader) = (near.from, Reader::new(READ));
        let mut writer = Writer::new(near.to);
        let (mut times, (_, mut tallies)) = (Vec::new(), Pace::new(1, count, size));
        let tally = tallies.first_mut().ok_or("no tally")?;
        for number in 0..count {
            let asked = Instant::now();
            writer.send(&load::message(number, size)).await?;
            writer.flush().await?;
            loop {
                if let Some(content) = reader.next() {
                    tally.take(content)?;
                    break;
                }
                reader.fill(&mut stream).await?;
            }
            times.push(asked.elapsed());
        }
        Ok((load::latency(times), (stream, writer, near._idle)))
    });
    load::answered(ask, echo).await
}

/// Each is told the addresses of the others, connects, and greets. What a task for each end of a
/// connection costs, and the kernel.
///
/// With a connection each way each connects to all others. With one for both directions it connects
/// to those that come after it, and they greet on the same connection.
async fn mesh(nodes: usize, seconds: u64, wiring: Wiring) -> Result<Figures, String> {
    let two_way = wiring == Wiring::TwoWay;
    let (mesh, greeted, greetings) = Mesh::of_sockets(nodes, if two_way { 1 } else { 2 })?;
    let mut addresses = Vec::new();
    for _ in 0..nodes {
        let listener = listen().await?;
        addresses.push(listener.local_addr().map_err(text)?);
        let greeted = greeted.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(hear(stream, two_way, greeted.clone()));
            }
        });
    }
    let started = Instant::now();
    for node in 0..nodes {
        let mut others = addresses.clone();
        if two_way {
            others.drain(..=node);
        } else {
            others.remove(node);
        }
        let greeted = greeted.clone();
        tokio::spawn(async move {
            for address in others {
                let dialled = async {
                    let mut stream = TcpStream::connect(address).await.map_err(text)?;
                    greet(&mut stream).await?;
                    Ok::<_, String>(stream)
                };
                match dialled.await {
                    Ok(stream) if two_way => {
                        drop(tokio::spawn(hear(stream, false, greeted.clone())));
                    }
                    Ok(stream) => drop(tokio::spawn(keep(stream))),
                    Err(error) => drop(greeted.send(Err(error))),
                }
            }
        });
    }
    mesh.greeted(started, seconds, greetings).await
}

async fn greet(stream: &mut TcpStream) -> Result<(), String> {
    let mut writer = Writer::new(stream);
    writer.send(GREETING.as_bytes()).await?;
    writer.flush().await
}

/// Hears one greeting, greets in turn if asked to, then waits for the end.
async fn hear(mut stream: TcpStream, answers: bool, greeted: UnboundedSender<Greeting>) {
    let hearing = async {
        let mut reader = Reader::new(64);
        while reader.next().is_none() {
            reader.fill(&mut stream).await?;
        }
        if answers { greet(&mut stream).await } else { Ok(()) }
    };
    let result = hearing.await;
    // The counting task may have given up.
    let _ = greeted.send(result);
    keep(stream).await;
}

/// Holds a connection until the other side ends it.
async fn keep(stream: TcpStream) {
    // Readable means the end: nothing more is ever sent.
    let _ = stream.readable().await;
}

fn text(error: std::io::Error) -> String {
    format!("TCP: {error}")
}
