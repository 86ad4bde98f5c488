//! What stands between a node and the mailbox of the other: passes everything on, and holds it back
//! before.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use super::dial::{Dial, End};
use super::entry::{Fact, HELLO, Step};
use super::journal::Journal;
use super::plan::{Manner, delay};
use super::role::Role;

/// Room for one read.
const READ: usize = 16 << 10;

/// The commands of ZRE, by number from 1.
const COMMANDS: [&str; 10] =
    [HELLO, "WHISPER", "SHOUT", "JOIN", "LEAVE", "PING", "PING-OK", "ELECT", "LEADER", "GOODBYE"];

/// A relay. With it end its connections.
#[derive(Debug)]
pub(super) struct Relay {
    /// Where it listens.
    pub(super) address: SocketAddr,
    task: AbortHandle,
}

impl Relay {
    /// Starts a relay to the mailbox of the node that is not `by`.
    ///
    /// # Errors
    /// It cannot listen.
    pub(super) async fn start(
        by: Role,
        mailbox: SocketAddr,
        manner: Manner,
        journal: Arc<Journal>,
    ) -> Result<Self, String> {
        let wrong = |error: io::Error| format!("a relay cannot listen: {error}");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(wrong)?;
        let address = listener.local_addr().map_err(wrong)?;
        let task = tokio::spawn(accept(listener, by, mailbox, manner, journal)).abort_handle();
        Ok(Self { address, task })
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    by: Role,
    mailbox: SocketAddr,
    manner: Manner,
    journal: Arc<Journal>,
) {
    let mut rng = StdRng::seed_from_u64(manner.seed);
    let mut connections = JoinSet::new();
    for number in 1.. {
        // Out of descriptors, at worst: then the nodes do not meet, and that is told.
        let Ok((dialler, _)) = listener.accept().await else { return };
        let connection = Connection { dial: Dial { by, number }, journal: Arc::clone(&journal) };
        connection.note(Step::Accepted);
        let mut hold = delay(&mut rng);
        let rngs = [rng.random(), rng.random()].map(StdRng::seed_from_u64);
        if number <= manner.refused {
            // Without a word, as by a port where nobody listens.
            let _ = dialler.set_zero_linger();
            drop(dialler);
            connection.note(Step::Refused);
            continue;
        }
        if number == 1 {
            hold += manner.stall;
        }
        connections.spawn(connection.carry(dialler, mailbox, hold, rngs));
    }
}

/// What has come from an end.
enum Piece {
    Bytes(BytesMut),
    End,
    Reset,
}

/// A direction was cut off, and so is the whole connection.
struct CutOff;

/// One connection.
#[derive(Clone)]
struct Connection {
    dial: Dial,
    journal: Arc<Journal>,
}

impl Connection {
    fn note(&self, step: Step) {
        self.journal.add(Fact::Dial(self.dial, step));
    }

    /// Connects to the mailbox after a time `hold`, and passes on what comes.
    async fn carry(
        self,
        dialler: TcpStream,
        mailbox: SocketAddr,
        hold: Duration,
        rngs: [StdRng; 2],
    ) {
        let (from_dialler, to_dialler) = dialler.into_split();
        let (there, coming) = unbounded_channel();
        let (tell, gone) = oneshot::channel::<()>();
        // Read from the beginning: the dialler may end before the mailbox has seen anything.
        let reading = async {
            self.read(from_dialler, End::Dialler, there).await;
            drop(tell);
            Ok(())
        };
        let carrying = async {
            let is_gone = tokio::select! {
                () = sleep(hold) => false,
                _ = gone => true,
            };
            if is_gone {
                return Ok(());
            }
            let connected = async {
                let stream = TcpStream::connect(mailbox).await?;
                stream.set_nodelay(true)?;
                to_dialler.as_ref().set_nodelay(true)?;
                Ok::<_, io::Error>(stream)
            };
            let (from_mailbox, to_mailbox) = match connected.await {
                Ok(stream) => stream.into_split(),
                Err(error) => {
                    self.note(Step::Unreachable(error.to_string()));
                    return Err(cut_off(to_dialler));
                }
            };
            self.note(Step::Forwarded);
            let (back, answers) = unbounded_channel();
            let [rng_there, rng_back] = rngs;
            let reading = async {
                self.read(from_mailbox, End::Mailbox, back).await;
                Ok(())
            };
            tokio::try_join!(
                reading,
                self.pass(coming, End::Dialler, to_mailbox, rng_there),
                self.pass(answers, End::Mailbox, to_dialler, rng_back),
            )?;
            Ok(())
        };
        // Whichever direction is cut off, both are.
        let _: Result<_, CutOff> = tokio::try_join!(reading, carrying);
        self.note(Step::Over);
    }

    /// Queues what comes from an end, with the time at which it has come.
    async fn read(
        &self,
        mut from: OwnedReadHalf,
        end: End,
        queue: UnboundedSender<(Instant, Piece)>,
    ) {
        loop {
            let mut bytes = BytesMut::with_capacity(READ);
            let piece = match from.read_buf(&mut bytes).await {
                Ok(0) => Piece::End,
                Ok(_) => Piece::Bytes(bytes),
                Err(_) => Piece::Reset,
            };
            let last = match piece {
                Piece::Bytes(_) => None,
                Piece::End => Some(Step::Ended(end)),
                Piece::Reset => Some(Step::Reset(end)),
            };
            // Nobody takes it if the other end is gone. Then this one will end as well.
            let _ = queue.send((Instant::now(), piece));
            if let Some(step) = last {
                return self.note(step);
            }
        }
    }

    /// Passes on what has come from an end, each piece after a delay, and in order.
    async fn pass(
        &self,
        mut queue: UnboundedReceiver<(Instant, Piece)>,
        from: End,
        mut to: OwnedWriteHalf,
        mut rng: StdRng,
    ) -> Result<(), CutOff> {
        let mut due = Instant::now();
        while let Some((came, piece)) = queue.recv().await {
            // Nothing overtakes what came before it.
            due = due.max(came + delay(&mut rng));
            sleep_until(due).await;
            match piece {
                Piece::Bytes(bytes) => {
                    let (held, commands) = (came.elapsed(), commands(&bytes));
                    self.note(Step::Passed { from, bytes: bytes.len(), held, commands });
                    if to.write_all(&bytes).await.is_err() {
                        return Ok(());
                    }
                }
                Piece::End => {
                    let _ = to.shutdown().await;
                    return Ok(());
                }
                Piece::Reset => return Err(cut_off(to)),
            }
        }
        Ok(())
    }
}

/// Ends a connection as it ends when the process of the other side dies.
fn cut_off(to: OwnedWriteHalf) -> CutOff {
    let _ = to.as_ref().set_zero_linger();
    to.forget();
    CutOff
}

/// The commands of ZRE that these bytes bring, for people: one that came in two pieces is not seen.
fn commands(bytes: &[u8]) -> Vec<&'static str> {
    let signatures = bytes.windows(4).filter(|four| matches!(four, [0xAA, 0xA1, _, 2]));
    signatures
        .filter_map(|four| COMMANDS.get(usize::from(four[2]).checked_sub(1)?))
        .copied()
        .collect()
}
