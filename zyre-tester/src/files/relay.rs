//! Between a server and a receiver: counts bytes, and can hold them back.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// The time between two looks whether it is over.
const LOOK: Duration = Duration::from_millis(20);

/// Passes on what comes, as long as it lives.
#[derive(Debug)]
pub(super) struct Relay {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    server: SocketAddr,
    /// Bytes from the server that were passed on.
    passed: AtomicU64,
    /// No more than these.
    limit: u64,
    over: AtomicBool,
}

impl Relay {
    /// To this server. Passes on no more than `limit` bytes of what comes from there.
    ///
    /// # Errors
    /// It cannot listen.
    pub(super) fn start(server: SocketAddr, limit: u64) -> Result<Self, String> {
        let wrong = |error: std::io::Error| format!("the relay cannot listen: {error}");
        let listener = TcpListener::bind("127.0.0.1:0").map_err(wrong)?;
        let address = listener.local_addr().map_err(wrong)?;
        let passed = AtomicU64::new(0);
        let state = Arc::new(State { server, passed, limit, over: AtomicBool::new(false) });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if shared.is_over() {
                    break;
                }
                // A server that is not there: the client sees the connection close.
                let _ = shared.serve(client);
            }
        });
        Ok(Self { address, state })
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Bytes from the server that were passed on.
    pub(super) fn passed(&self) -> u64 {
        self.state.passed()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::Relaxed);
        // So that it notices.
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn serve(self: &Arc<Self>, client: TcpStream) -> std::io::Result<()> {
        let server = TcpStream::connect(self.server)?;
        let (up, down) = (Arc::clone(self), Arc::clone(self));
        let (from_client, to_server) = (client.try_clone()?, server.try_clone()?);
        std::thread::spawn(move || up.pass(from_client, to_server, false));
        std::thread::spawn(move || down.pass(server, client, true));
        Ok(())
    }

    /// One direction, to its end.
    fn pass(&self, mut from: TcpStream, mut to: TcpStream, counts: bool) {
        let mut buffer = vec![0; 64 << 10];
        let _ = from.set_read_timeout(Some(LOOK));
        while !self.is_over() {
            let room = if counts { self.limit - self.passed().min(self.limit) } else { u64::MAX };
            if room == 0 {
                std::thread::sleep(LOOK);
                continue;
            }
            let most = usize::try_from(room).unwrap_or(usize::MAX).min(buffer.len());
            let bytes = match from.read(&mut buffer[..most]) {
                Ok(0) => break,
                Ok(bytes) => bytes,
                Err(error) if is_timeout(&error) => continue,
                Err(_) => break,
            };
            if to.write_all(&buffer[..bytes]).is_err() {
                break;
            }
            if counts {
                self.passed.fetch_add(bytes as u64, Ordering::Relaxed);
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}
