//! What comes in on a connection whose frames are sealed.

use bytes::Buf;
#[cfg(feature = "net")]
use bytes::{Bytes, BytesMut};

use super::{Connection, Event, Output};
use crate::Error;
use crate::frame::{IncomingHeader, MORE, SEALED_COMMAND};
use crate::mechanism::curve::OVERHEAD;
#[cfg(feature = "net")]
use crate::message_assembler::SMALL_MESSAGE;
#[cfg(feature = "net")]
use crate::pair::{Head, Pair};

/// A frame that was opened: its data is at the start of the receive buffer.
struct Opened {
    command: bool,
    more: bool,
    size: usize,
}

impl Connection {
    /// The next event of a connection that is ready.
    pub(super) fn poll_sealed(&mut self) -> Result<Option<Output>, Error> {
        if let Some(message) = self.ahead.take() {
            return Ok(Some(Output::Event(Event::Message(*message))));
        }
        while let Some(opened) = self.open()? {
            if opened.command {
                let event = self.command(opened.size)?;
                self.received.advance(opened.size);
                if let Some(event) = event {
                    return Ok(Some(Output::Event(event)));
                }
                continue;
            }
            self.assembler.push(&mut self.received, opened.size);
            if !opened.more {
                return Ok(Some(Output::Event(Event::Message(self.assembler.finish()))));
            }
        }
        Ok(None)
    }

    /// Returns the next message if it is a small one of a short head and a body. Whatever else it
    /// opens is left to `poll_sealed`. Only while no message has begun.
    #[cfg(feature = "net")]
    pub(super) fn poll_sealed_pair(&mut self) -> Option<Pair> {
        if self.ahead.is_some() {
            return None;
        }
        match self.open_pair() {
            Ok(pair) => pair,
            Err(error) => {
                self.die(error);
                None
            }
        }
    }

    #[cfg(feature = "net")]
    fn open_pair(&mut self) -> Result<Option<Pair>, Error> {
        let Some(first) = self.open()? else { return Ok(None) };
        if first.command {
            // No publisher comes here, for which a command could be an event.
            self.command(first.size)?;
            self.received.advance(first.size);
            return Ok(None);
        }
        let head = Head::copy(&self.received[..first.size]).filter(|_| first.more);
        let Some(head) = head else {
            self.keep(&first);
            return Ok(None);
        };
        self.received.advance(first.size);
        let second = self.open()?;
        if let Some(Opened { command: false, more: false, size }) = second
            && head.len() + size <= SMALL_MESSAGE.min(self.limits.message)
            && self.limits.frames > 1
        {
            let body = Bytes::copy_from_slice(&self.received[..size]);
            self.received.advance(size);
            return Ok(Some(Pair { head, body }));
        }
        self.assembler.push(&mut BytesMut::from(&head[..]), head.len());
        match second {
            Some(second) if second.command => {
                self.command(second.size)?;
                self.received.advance(second.size);
            }
            Some(second) => {
                // Only now it is known what it follows.
                self.assembler.admit(&second.header(), &self.limits)?;
                self.keep(&second);
            }
            None => {}
        }
        Ok(None)
    }

    /// Keeps a frame of a message, and the message if it is the last.
    #[cfg(feature = "net")]
    fn keep(&mut self, opened: &Opened) {
        self.assembler.push(&mut self.received, opened.size);
        if !opened.more {
            self.ahead = Some(Box::new(self.assembler.finish()));
        }
    }

    /// Opens the next frame, if it is complete.
    fn open(&mut self) -> Result<Option<Opened>, Error> {
        let Some(frame) = IncomingHeader::parse(&self.received)? else { return Ok(None) };
        // Anybody on the way could have set them.
        if frame.more || frame.command {
            return Err(Error::Flags(self.received[0]));
        }
        let size = self.admit_sealed(&frame)?;
        let begin = frame.header + OVERHEAD;
        let Some(body) = self.received.get_mut(frame.header..begin + size) else { return Ok(None) };
        let Some(opener) = &mut self.opener else { return Ok(None) };
        let flags = opener.open(body)?;
        let (command, more) = (flags & SEALED_COMMAND != 0, flags & MORE != 0);
        if command && more {
            return Err(Error::Flags(flags));
        }
        let opened = Opened { command, more, size };
        if command {
            opened.header().within(self.limits.command)?;
        } else {
            self.assembler.admit(&opened.header(), &self.limits)?;
        }
        self.received.advance(begin);
        Ok(Some(opened))
    }

    /// Returns the size of the data in a sealed frame, if it is within limits. Asked before it has
    /// arrived: what is too large for a command can only be a message.
    fn admit_sealed(&self, frame: &IncomingHeader) -> Result<usize, Error> {
        let size = frame.body.checked_sub(OVERHEAD as u64).ok_or(Error::Malformed("MESSAGE"))?;
        let data = IncomingHeader { body: size, ..*frame };
        data.within(self.limits.command).or_else(|_| self.assembler.admit(&data, &self.limits))
    }
}

impl Opened {
    /// Returns the header that the frame would have if it were not sealed, as far as limits go.
    const fn header(&self) -> IncomingHeader {
        let Self { command, more, size } = *self;
        IncomingHeader { more, command, header: 0, body: size as u64 }
    }
}
