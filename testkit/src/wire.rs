//! Bytes by hand: ZMTP and ZRE as other implementations write them, to be bent from there.

pub mod connection;
pub mod dealer;
pub mod filemq;
mod frames;
pub mod ghost;
pub mod mailbox;
mod sealing;
pub mod secure;

use zre_proto::PeerId;

/// Flag of a ZMTP frame: another frame of the message follows.
pub const MORE: u8 = 1;
/// Flag of a ZMTP frame: its size has eight bytes.
pub const LONG: u8 = 2;
/// Flag of a ZMTP frame: it is a command.
pub const COMMAND: u8 = 4;

/// The number of HELLO.
pub const HELLO: u8 = 1;
/// The number of WHISPER.
pub const WHISPER: u8 = 2;
/// The number of SHOUT.
pub const SHOUT: u8 = 3;
/// The number of JOIN.
pub const JOIN: u8 = 4;
/// The number of LEAVE.
pub const LEAVE: u8 = 5;
/// The number of PING.
pub const PING: u8 = 6;
/// The number of PING-OK.
pub const PING_OK: u8 = 7;
/// The number of ELECT.
pub const ELECT: u8 = 8;
/// The number of LEADER.
pub const LEADER: u8 = 9;
/// The number of GOODBYE.
pub const GOODBYE: u8 = 10;

/// Returns the greeting of libzmq: 64 bytes. The identity's length stands in the part for old
/// versions.
pub fn greeting(identity: usize) -> Vec<u8> {
    let mut out = vec![0xFF];
    out.extend((identity as u64 + 1).to_be_bytes());
    out.extend([0x7F, 3, 1]);
    out.extend(b"NULL");
    out.resize(64, 0);
    out
}

/// Returns a property of READY.
pub fn property(name: &str, value: &[u8]) -> Vec<u8> {
    [&[name.len() as u8][..], name.as_bytes(), &(value.len() as u32).to_be_bytes(), value].concat()
}

/// The name of the property by which a node says that it takes both directions on one connection.
pub const TWO_WAY: &str = "X-ZRE-Two-Way";

/// Returns that property of READY.
pub fn two_way() -> Vec<u8> {
    property(TWO_WAY, b"1")
}

/// Returns READY as a node sends it.
pub fn ready(socket_type: &str, identity: &[u8]) -> Vec<u8> {
    ready_with(socket_type, identity, b"")
}

/// Returns READY with further properties.
pub fn ready_with(socket_type: &str, identity: &[u8], properties: &[u8]) -> Vec<u8> {
    let socket_type = property("Socket-Type", socket_type.as_bytes());
    let identity = property("Identity", identity);
    command("READY", &[&socket_type[..], &identity, properties].concat())
}

/// Returns the properties in the body of READY, names and values, as far as they are whole.
pub fn properties(ready: &[u8]) -> Vec<(&[u8], &[u8])> {
    fn next(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
        let (&length, bytes) = bytes.split_first()?;
        let (name, bytes) = bytes.split_at_checked(usize::from(length))?;
        let (length, bytes) = bytes.split_first_chunk()?;
        let (value, rest) = bytes.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        Some((name, value, rest))
    }
    let mut rest = ready.strip_prefix(b"\x05READY").unwrap_or_default();
    let mut all = Vec::new();
    while let Some((name, value, after)) = next(rest) {
        all.push((name, value));
        rest = after;
    }
    all
}

/// Returns greeting and READY of a node's link.
pub fn handshake(id: PeerId) -> Vec<u8> {
    handshake_with(id, b"")
}

/// Returns greeting and READY of a node's link, with further properties.
pub fn handshake_with(id: PeerId, properties: &[u8]) -> Vec<u8> {
    [greeting(17), ready_with("DEALER", &id.routing_id(), properties)].concat()
}

/// Returns a command frame.
pub fn command(name: &str, data: &[u8]) -> Vec<u8> {
    frame(COMMAND, &[&[name.len() as u8], name.as_bytes(), data].concat())
}

/// Returns a frame, with a long size if it needs one.
pub fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    match u8::try_from(body.len()) {
        Ok(length) => [&[flags, length], body].concat(),
        Err(_) => [&announcement(flags, body.len() as u64)[..], body].concat(),
    }
}

/// Returns the head of a long frame that may never come.
pub fn announcement(flags: u8, length: u64) -> Vec<u8> {
    [&[flags | LONG][..], &length.to_be_bytes()].concat()
}

/// Returns a message of these frames.
pub fn message(frames: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for (i, body) in frames.iter().enumerate() {
        out.extend(frame(if i + 1 < frames.len() { MORE } else { 0 }, body));
    }
    out
}

/// Returns the first frame of a ZRE message.
pub fn header(id: u8, sequence: u16, fields: &[u8]) -> Vec<u8> {
    [&[0xAA, 0xA1, id, 2][..], &sequence.to_be_bytes(), fields].concat()
}

/// Returns the number of the ZRE message in these frames; `None` if they hold none.
pub fn number(frames: &[Vec<u8>]) -> Option<u8> {
    match frames.first()?.as_slice() {
        [0xAA, 0xA1, number, ..] => Some(*number),
        _ => None,
    }
}

/// Returns a string of ZRE, cut at 255 bytes.
pub fn string(text: &[u8]) -> Vec<u8> {
    let text = &text[..text.len().min(255)];
    [&[text.len() as u8], text].concat()
}

/// Returns a long string of ZRE.
pub fn longstr(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u32).to_be_bytes(), text].concat()
}

/// Returns the number of entries before a list or a dictionary.
pub fn count(count: u32) -> Vec<u8> {
    count.to_be_bytes().to_vec()
}

/// The fields of HELLO, each of which can be bent.
#[derive(Clone, Debug)]
pub struct Hello {
    /// The sequence number.
    pub sequence: u16,
    /// The endpoint.
    pub endpoint: Vec<u8>,
    /// The count and the groups, encoded.
    pub groups: Vec<u8>,
    /// The status.
    pub status: u8,
    /// The name.
    pub name: Vec<u8>,
    /// The count and the headers, encoded.
    pub headers: Vec<u8>,
}

impl Hello {
    /// Makes a good one, with a group and a header.
    pub fn new(endpoint: &str) -> Self {
        Self {
            sequence: 1,
            endpoint: endpoint.into(),
            groups: [count(1), longstr(b"ghosts")].concat(),
            status: 1,
            name: b"ghost".to_vec(),
            headers: [count(1), string(b"X-GHOST"), longstr(b"boo")].concat(),
        }
    }

    /// Puts it in this group, and in no other.
    pub fn join(&mut self, group: &[u8]) {
        self.groups = [count(1), longstr(group)].concat();
    }

    /// Returns its header.
    pub fn encode(&self) -> Vec<u8> {
        let fields = [
            string(&self.endpoint),
            self.groups.clone(),
            vec![self.status],
            string(&self.name),
            self.headers.clone(),
        ];
        header(HELLO, self.sequence, &fields.concat())
    }
}

/// Returns JOIN or LEAVE.
pub fn membership(id: u8, sequence: u16, group: &[u8], status: u8) -> Vec<u8> {
    header(id, sequence, &[string(group), vec![status]].concat())
}

/// Returns a beacon.
pub fn beacon(version: u8, id: PeerId, port: u16) -> Vec<u8> {
    [&b"ZRE"[..], &[version], id.as_bytes(), &port.to_be_bytes()].concat()
}

/// Returns bytes that mean nothing, the same in every run.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64 ^ length as u64;
    let bytes = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    });
    bytes.take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::{properties, ready_with, two_way};

    #[test]
    fn properties_of_ready_are_read_as_far_as_they_are_whole() {
        let ready = ready_with("ROUTER", &[1; 17], &two_way());
        // Flags and size come before the body.
        let body = &ready[2..];
        let all: [(&[u8], &[u8]); 3] =
            [(b"Socket-Type", b"ROUTER"), (b"Identity", &[1; 17]), (b"X-ZRE-Two-Way", b"1")];
        assert_eq!(properties(body), all);
        assert_eq!(properties(&body[..body.len() - 1]), all[..2]);
        assert!(properties(b"\x05ERROR").is_empty());
    }

    #[test]
    fn the_property_is_that_of_the_specification() {
        let specified = (zre_proto::two_way::PROPERTY, zre_proto::two_way::VALUE);
        assert_eq!(super::property(specified.0, specified.1.as_bytes()), two_way());
    }
}
