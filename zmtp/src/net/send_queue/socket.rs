//! The writing half of a TCP connection.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::sync::Arc;

use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

use super::unsent::Unsent;

/// Slices in one system call.
const MAX_SLICES: usize = 64;

/// The writing half of a connection, and what is written next.
pub(super) struct Socket {
    pub(super) stream: Arc<OwnedWriteHalf>,
    pub(super) unsent: Unsent,
}

impl Socket {
    pub(super) fn new(stream: OwnedWriteHalf) -> Self {
        Self { stream: Arc::new(stream), unsent: Unsent::default() }
    }

    /// Makes TCP send its FIN after what the kernel has taken. Dropping the stream does so as well,
    /// but not while `run` waits for it.
    pub(super) fn shutdown(&self) {
        let stream: &TcpStream = (*self.stream).as_ref();
        // A connection that is broken has ended already.
        let _ = SockRef::from(stream).shutdown(Shutdown::Write);
    }

    /// Makes one system call, and returns how many bytes the kernel has taken.
    pub(super) fn write(&mut self) -> io::Result<usize> {
        let written = if let Some(only) = self.unsent.only() {
            self.stream.try_write(only)?
        } else {
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let count = self.unsent.fill(&mut slices);
            self.stream.try_write_vectored(&slices[..count])?
        };
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.unsent.advance(written);
        Ok(written)
    }
}
