//! What is written for a connection in the clear, sealed.

use super::frames::{Frame, head, take_frame};
use crate::curve::Traffic;
use crate::wire::{COMMAND, MORE, announcement, frame};

/// What a sealed frame has besides its data: name, nonce, tag and flags.
const OVERHEAD: u64 = 8 + 8 + 16 + 1;

/// The flag of a command, inside of what is sealed.
const SEALED_COMMAND: u8 = 2;

/// Seals and opens what goes over one connection. What is no whole frame cannot be sealed: it is
/// announced with the size that it would have, and follows as it is.
#[derive(Debug)]
pub(super) struct Sealing {
    traffic: Traffic,
    /// Bytes that a frame lacks that was announced.
    lacking: u64,
}

impl Sealing {
    pub(super) const fn new(traffic: Traffic) -> Self {
        Self { traffic, lacking: 0 }
    }

    /// Seals the frames in these bytes.
    pub(super) fn seal(&mut self, bytes: &[u8]) -> Vec<u8> {
        let most = usize::try_from(self.lacking).unwrap_or(usize::MAX);
        let (of_last, bytes) = bytes.split_at(most.min(bytes.len()));
        self.lacking -= of_last.len() as u64;
        let (mut out, mut rest) = (of_last.to_vec(), bytes.to_vec());
        while let Ok(Some((flags, body))) = take_frame(&mut rest) {
            let flags = if flags & COMMAND == 0 { flags & MORE } else { SEALED_COMMAND };
            out.extend(frame(0, &self.traffic.message(flags, &body)));
        }
        let Some((_, head, length)) = head(&rest) else { return [out, rest].concat() };
        let begun = &rest[head..];
        let length = length.saturating_add(OVERHEAD);
        self.lacking = length - begun.len() as u64;
        out.extend(announcement(0, length));
        out.extend(begun);
        out
    }

    /// Opens a frame, if it is sealed. Its flags are then as they are in the clear.
    pub(super) fn open(&self, flags: u8, body: Vec<u8>) -> Frame {
        if !body.starts_with(b"\x07MESSAGE") {
            return (flags, body);
        }
        let (sealed, data) = self.traffic.open(&body);
        let command = if sealed & SEALED_COMMAND == 0 { 0 } else { COMMAND };
        (sealed & MORE | command, data)
    }
}

#[cfg(test)]
mod tests {
    use super::{OVERHEAD, Sealing};
    use crate::curve::{Client, Keys, Server};
    use crate::wire::frames::take_frame;
    use crate::wire::{MORE, announcement, command, frame, message};

    fn ends() -> [Sealing; 2] {
        let keys = Keys::draw();
        let (mut client, mut server) = (Client::of(Keys::draw(), keys.public), Server::of(keys));
        server.take_hello(&client.hello(1));
        client.take_welcome(&server.welcome());
        [Sealing::new(client.traffic()), Sealing::new(server.traffic())]
    }

    #[test]
    fn frames_come_out_as_they_went_in() {
        let [mut client, server] = ends();
        let large = [7; 300];
        let mut sealed = client.seal(&[message(&[b"one", &large]), command("PING", b"x")].concat());
        let mut opened = Vec::new();
        while let Some((flags, body)) = take_frame(&mut sealed).unwrap() {
            assert_eq!(flags & MORE, 0, "outside nothing is said");
            let (flags, body) = server.open(flags, body);
            opened.extend(frame(flags, &body));
        }
        assert_eq!(opened, [message(&[b"one", &large]), command("PING", b"x")].concat());
    }

    #[test]
    fn what_is_not_whole_is_announced_with_what_is_lacking() {
        let [mut client, _] = ends();
        let sealed = client.seal(&[&announcement(MORE, 1000)[..], b"begun"].concat());
        assert_eq!(sealed, [&announcement(0, 1000 + OVERHEAD)[..], b"begun"].concat());
        let rest = vec![b'x'; 995 + OVERHEAD as usize];
        assert_eq!(client.seal(&rest), rest);
        assert_ne!(client.seal(&frame(0, b"next")), frame(0, b"next"));
        assert_eq!(client.seal(&announcement(0, u64::MAX)), announcement(0, u64::MAX));
    }
}
