//! Octets by hand: ZMTP and ZRE as they should be, to be bent from there.

use zyre::PeerId;

/// Flags of a ZMTP frame.
pub(super) const MORE: u8 = 1;
pub(super) const LONG: u8 = 2;
pub(super) const COMMAND: u8 = 4;

/// Numbers of ZRE messages.
pub(super) const WHISPER: u8 = 2;
pub(super) const SHOUT: u8 = 3;
pub(super) const JOIN: u8 = 4;
pub(super) const LEAVE: u8 = 5;
pub(super) const PING: u8 = 6;
pub(super) const PING_OK: u8 = 7;
pub(super) const ELECT: u8 = 8;
pub(super) const LEADER: u8 = 9;
pub(super) const GOODBYE: u8 = 10;

/// The greeting of libzmq: 64 octets. The identity's length stands in the part for old versions.
pub(super) fn greeting(identity: usize) -> Vec<u8> {
    let mut out = vec![0xFF];
    out.extend((identity as u64 + 1).to_be_bytes());
    out.extend([0x7F, 3, 1]);
    out.extend(b"NULL");
    out.resize(64, 0);
    out
}

pub(super) fn property(name: &str, value: &[u8]) -> Vec<u8> {
    [&[name.len() as u8][..], name.as_bytes(), &(value.len() as u32).to_be_bytes(), value].concat()
}

/// READY as a node sends it.
pub(super) fn ready(socket_type: &str, identity: &[u8]) -> Vec<u8> {
    let socket_type = property("Socket-Type", socket_type.as_bytes());
    command("READY", &[socket_type, property("Identity", identity)].concat())
}

/// Greeting and READY of a node's link.
pub(super) fn handshake(id: PeerId) -> Vec<u8> {
    [greeting(17), ready("DEALER", &id.routing_id())].concat()
}

pub(super) fn command(name: &str, data: &[u8]) -> Vec<u8> {
    frame(COMMAND, &[&[name.len() as u8], name.as_bytes(), data].concat())
}

pub(super) fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    match u8::try_from(body.len()) {
        Ok(length) => [&[flags, length], body].concat(),
        Err(_) => [&announcement(flags, body.len() as u64)[..], body].concat(),
    }
}

/// The head of a long frame that may never come.
pub(super) fn announcement(flags: u8, length: u64) -> Vec<u8> {
    [&[flags | LONG][..], &length.to_be_bytes()].concat()
}

pub(super) fn message(frames: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for (i, body) in frames.iter().enumerate() {
        out.extend(frame(if i + 1 < frames.len() { MORE } else { 0 }, body));
    }
    out
}

/// The first frame of a ZRE message.
pub(super) fn header(id: u8, sequence: u16, fields: &[u8]) -> Vec<u8> {
    [&[0xAA, 0xA1, id, 2][..], &sequence.to_be_bytes(), fields].concat()
}

pub(super) fn string(text: &[u8]) -> Vec<u8> {
    let text = &text[..text.len().min(255)];
    [&[text.len() as u8], text].concat()
}

pub(super) fn longstr(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u32).to_be_bytes(), text].concat()
}

pub(super) fn count(count: u32) -> Vec<u8> {
    count.to_be_bytes().to_vec()
}

/// The fields of HELLO, each of which can be bent.
pub(super) struct Hello {
    pub(super) sequence: u16,
    pub(super) endpoint: Vec<u8>,
    /// The count and the groups, encoded.
    pub(super) groups: Vec<u8>,
    pub(super) status: u8,
    pub(super) name: Vec<u8>,
    /// The count and the headers, encoded.
    pub(super) headers: Vec<u8>,
}

impl Hello {
    /// A good one, with a group and a header.
    pub(super) fn new(endpoint: &str) -> Self {
        Self {
            sequence: 1,
            endpoint: endpoint.into(),
            groups: [count(1), longstr(b"ghosts")].concat(),
            status: 1,
            name: b"ghost".to_vec(),
            headers: [count(1), string(b"X-GHOST"), longstr(b"boo")].concat(),
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let fields = [
            string(&self.endpoint),
            self.groups.clone(),
            vec![self.status],
            string(&self.name),
            self.headers.clone(),
        ];
        header(1, self.sequence, &fields.concat())
    }
}

/// JOIN or LEAVE.
pub(super) fn membership(id: u8, sequence: u16, group: &[u8], status: u8) -> Vec<u8> {
    header(id, sequence, &[string(group), vec![status]].concat())
}

pub(super) fn beacon(version: u8, id: PeerId, port: u16) -> Vec<u8> {
    [&b"ZRE"[..], &[version], id.as_bytes(), &port.to_be_bytes()].concat()
}

/// Octets that mean nothing, the same in every run.
pub(super) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64 ^ length as u64;
    let octets = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    });
    octets.take(length).collect()
}
