//! The work on bare tokio TCP: the limit. A frame of header and a frame of content for each
//! message, as ZMTP writes them and as many octets as a WHISPER has; no handshake, no peers, no
//! queues, nothing is routed. The writer waits for the kernel; the reader hands out what lies in
//! its buffer without copying it.

use std::time::Instant;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use zmtp::FrameHeader;

use super::figures::{Figures, Outcome};
use super::load::{self, Mesh, Pace, Tally};
use super::process;
use super::work::Work;

/// What stands where a WHISPER has its header.
const HEADER: [u8; 6] = [0xAA, 0xA1, 2, 2, 0, 1];

/// Octets that are gathered before they are written.
const BATCH: usize = 64 << 10;

/// Room for one read.
const READ: usize = 256 << 10;

/// Measures once.
///
/// # Errors
/// A connection fails, or something is lost.
pub(super) async fn measure(work: Work) -> Result<Outcome, String> {
    Ok(Outcome::Measured(match work {
        Work::Whisper { count, size } => flow(count, size, 1).await?,
        Work::Shout { count, size, peers } => flow(count, size, peers).await?,
        Work::Rtt { count, size } => rtt(count, size).await?,
        Work::Mesh { nodes, seconds } => mesh(nodes, seconds).await?,
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
            let mut octets = (&mut self.batch).chain(content);
            return self.stream.write_all_buf(&mut octets).await.map_err(text);
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
    /// Octets at the start of the buffer that were handed out.
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

/// Octets of header and body of the frame that starts here, if it is complete.
fn frame(octets: &[u8]) -> Option<(usize, usize)> {
    let long = octets.first()? & 2 != 0;
    let (header, body) = if long {
        (9, u64::from_be_bytes(*octets.get(1..)?.first_chunk()?).try_into().ok()?)
    } else {
        (2, usize::from(*octets.get(1)?))
    };
    (octets.len() - header >= body).then_some((header, body))
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

async fn flow(count: u64, size: usize, peers: usize) -> Result<Figures, String> {
    let listener = listen().await?;
    let (_, tallies) = Pace::new(peers, count, size);
    let (mut writers, mut receivers) = (Vec::new(), Vec::new());
    for tally in tallies {
        let (ours, theirs) = pair(&listener).await?;
        writers.push(Writer::new(ours));
        receivers.push(tokio::spawn(receive(theirs, tally)));
    }
    let started = Instant::now();
    let sending = tokio::spawn(async move {
        for number in 0..count {
            let message = load::message(number, size);
            for writer in &mut writers {
                writer.send(&message).await?;
            }
        }
        for writer in &mut writers {
            writer.flush().await?;
        }
        Ok::<_, String>(writers)
    });
    let sent = async { sending.await.unwrap_or_else(|error| Err(error.to_string())) };
    let _held = tokio::try_join!(sent, load::all(receivers))?;
    Ok(load::flow(count, peers, started.elapsed()))
}

async fn receive(mut stream: TcpStream, mut tally: Tally) -> Result<(), String> {
    let mut reader = Reader::new(READ);
    loop {
        while let Some(content) = reader.next() {
            if tally.take(content)? {
                return Ok(());
            }
        }
        let filled = reader.fill(&mut stream).await;
        filled.map_err(|error| format!("{}: {error}", tally.missing()))?;
    }
}

/// On one connection; and on two, one each way, as DEALER and ROUTER have it.
async fn rtt(count: u64, size: usize) -> Result<Figures, String> {
    let listener = listen().await?;
    let (near, far) = pair(&listener).await?;
    let one = ping_pong(count, size, near.into_split(), far.into_split()).await?;
    let (there, back) = (pair(&listener).await?, pair(&listener).await?);
    let (_idle_near, near_out) = there.0.into_split();
    let (far_in, _idle_far) = there.1.into_split();
    let (_idle_back, far_out) = back.0.into_split();
    let (near_in, _idle_here) = back.1.into_split();
    let two = ping_pong(count, size, (near_in, near_out), (far_in, far_out)).await?;
    Ok(one.with("two_links_p50_us", two.get("p50_us")))
}

/// One end: what it reads from and what it writes to.
type End = (OwnedReadHalf, OwnedWriteHalf);

async fn ping_pong(count: u64, size: usize, near: End, far: End) -> Result<Figures, String> {
    let echo = tokio::spawn(async move {
        let (mut stream, mut reader, mut writer) = (far.0, Reader::new(READ), Writer::new(far.1));
        loop {
            while let Some(content) = reader.next() {
                writer.send(content).await?;
                writer.flush().await?;
            }
            reader.fill(&mut stream).await?;
        }
    });
    let ask = tokio::spawn(async move {
        let (mut stream, mut reader, mut writer) = (near.0, Reader::new(READ), Writer::new(near.1));
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
        Ok((load::latency(times), (stream, writer)))
    });
    load::answered(ask, echo).await
}

/// Each connects to all others, whose addresses it is told, and greets them. What two tasks for
/// each connection cost, and the kernel.
async fn mesh(nodes: usize, seconds: u64) -> Result<Figures, String> {
    process::descriptors(2 * nodes * (nodes - 1) + nodes + 64)?;
    let mesh = Mesh::begin(nodes);
    let (greeted, mut greetings) = mpsc::unbounded_channel();
    let mut addresses = Vec::new();
    for _ in 0..nodes {
        let listener = listen().await?;
        addresses.push(listener.local_addr().map_err(text)?);
        let greeted = greeted.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(greet(stream, greeted.clone()));
            }
        });
    }
    let started = Instant::now();
    for node in 0..nodes {
        let others: Vec<_> =
            addresses.iter().enumerate().filter(|(i, _)| *i != node).map(|(_, a)| *a).collect();
        let greeted = greeted.clone();
        tokio::spawn(async move {
            for address in others {
                let greeting = async {
                    let mut writer = Writer::new(TcpStream::connect(address).await.map_err(text)?);
                    writer.send(b"HELLO").await?;
                    writer.flush().await?;
                    Ok::<_, String>(writer.stream)
                };
                match greeting.await {
                    Ok(stream) => drop(tokio::spawn(keep(stream))),
                    Err(error) => drop(greeted.send(Err(error))),
                }
            }
        });
    }
    for _ in 0..nodes * (nodes - 1) {
        greetings.recv().await.ok_or("nobody greets any more")??;
    }
    Ok(mesh.complete(started, seconds).await)
}

/// Hears one greeting, then waits for the end.
async fn greet(mut stream: TcpStream, greeted: mpsc::UnboundedSender<Result<(), String>>) {
    let mut reader = Reader::new(64);
    let result = loop {
        if reader.next().is_some() {
            break Ok(());
        }
        if let Err(error) = reader.fill(&mut stream).await {
            break Err(error);
        }
    };
    drop(reader);
    // Whoever counts may have given up.
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
