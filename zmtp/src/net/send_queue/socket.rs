//! The writing half of a TCP connection.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::sync::Arc;

use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

use super::backlog::Backlog;
#[cfg(feature = "_curve")]
use super::sealing::Sealing;
use super::unsent::Unsent;
use crate::Encoder;

/// Slices in one system call.
const MAX_SLICES: usize = 64;

/// The writing half of a connection, and what is written next.
pub(super) struct Socket {
    pub(super) stream: Arc<OwnedWriteHalf>,
    unsent: Unsent,
    /// What seals it before it is written, if it is sealed.
    #[cfg(feature = "_curve")]
    sealing: Option<Sealing>,
}

impl Socket {
    pub(super) fn new(stream: OwnedWriteHalf, encoder: Encoder) -> Self {
        #[cfg(not(feature = "_curve"))]
        let _ = encoder;
        Self {
            stream: Arc::new(stream),
            unsent: Unsent::default(),
            #[cfg(feature = "_curve")]
            sealing: encoder.into_sealer().map(Sealing::new),
        }
    }

    /// Counts `written` bytes that the kernel has taken, and takes what comes next. Returns `false`
    /// if there is nothing to write.
    pub(super) fn take(&mut self, backlog: &mut Backlog, written: usize) -> bool {
        let left = backlog.next(written, &mut self.unsent);
        #[cfg(feature = "_curve")]
        if let Some(sealing) = &mut self.sealing {
            return sealing.is_left(left);
        }
        left
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
        #[cfg(feature = "_curve")]
        if let Some(sealing) = &mut self.sealing {
            let written = self.stream.try_write(sealing.next(&mut self.unsent))?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            sealing.advance(written);
            return Ok(written);
        }
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
