//! What peers say.

use testkit::promises::{endpoint, id};
use zre_proto::message::{Command, Hello, Message};

use super::remote::Conn;
use super::setting::NODES;

/// Two of them are told apart only by bytes that are not UTF-8.
pub(super) const GROUPS: [&[u8]; 8] = [b"a", b"b", b"c", b"", b"\xff", b"\xfe", b"d", b"e"];

/// The sequence number of a message.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sequence {
    /// The next one on its connection.
    Right,
    /// As if it came on the connection on which the peer is heard.
    Continued(u16),
    Any(u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Say {
    Hello,
    /// HELLO with an endpoint that is none.
    Nowhere,
    Whisper,
    Shout,
    Join,
    Leave,
    /// JOIN with any status.
    Miscount,
    Ping,
    PingOk,
    /// ELECT or LEADER.
    Elect,
    Goodbye,
    Unknown,
}

impl Say {
    /// The one with this number, of sixteen: those that lead somewhere more often.
    pub(super) const fn number(number: u8) -> Self {
        match number % 16 {
            0..=2 => Self::Hello,
            3 | 4 => Self::Whisper,
            5 => Self::Shout,
            6 | 7 => Self::Join,
            8 => Self::Leave,
            9 => Self::Miscount,
            10 => Self::Ping,
            11 => Self::PingOk,
            12 => Self::Elect,
            13 => Self::Goodbye,
            14 => Self::Unknown,
            _ => Self::Nowhere,
        }
    }
}

/// A message that is to be said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    pub(super) say: Say,
    pub(super) sequence: Sequence,
    /// Chooses the group.
    pub(super) what: u8,
    /// Chooses the rest.
    pub(super) how: u8,
}

impl Words {
    /// Nothing special about it; a HELLO from where the peer is, without groups.
    pub(super) const fn plain(say: Say) -> Self {
        Self { say, sequence: Sequence::Right, what: 0, how: 7 }
    }

    /// The header of the message, from the peer with this number.
    pub(super) fn header(&self, own: u8, conn: &mut Conn) -> Vec<u8> {
        let Self { say, sequence, what, how } = *self;
        let group = GROUPS[usize::from(what >> 4) % GROUPS.len()];
        // Where it really is, or where any other is.
        let place = if how % 8 < NODES { how % 8 } else { own };
        let place =
            if say == Say::Nowhere { "nowhere".into() } else { endpoint(place).to_string() };
        if matches!(say, Say::Hello | Say::Nowhere) {
            (conn.last, conn.status) = (0, how);
        }
        conn.last = conn.last.wrapping_add(1);
        // Half of them of this implementation; half of the ids are of nodes, and a half of these its own.
        let headers: &[(&[u8], &[u8])] = match (how >> 3) % 8 {
            0 | 1 => &[],
            2 | 4 | 6 => &[(b"X-ZYRE", b"0.1.0"), (b"k", b"v")],
            _ => &[(b"k", b"v"), (b"k", b"w")],
        };
        let of = [own, how % NODES][usize::from(how >> 4) % 2];
        let of = if how & 8 == 0 { id(of).to_upper_hex() } else { [b'x'; 32] };
        let command = match say {
            Say::Hello | Say::Nowhere => {
                let count = usize::from(how >> 3) % 8;
                let groups = GROUPS.iter().cycle().skip(usize::from(what >> 4));
                let groups = groups.copied().take(count).collect();
                Command::Hello(Hello {
                    endpoint: place.as_bytes(),
                    groups,
                    status: how,
                    name: b"n",
                    headers: headers.to_vec(),
                })
            }
            Say::Whisper => Command::Whisper,
            Say::Shout => Command::Shout { group },
            Say::Join => Command::Join { group, status: conn.count() },
            Say::Leave => Command::Leave { group, status: conn.count() },
            Say::Miscount => Command::Join { group, status: how },
            Say::Ping | Say::Unknown => Command::Ping,
            Say::PingOk => Command::PingOk,
            Say::Elect if what & 8 == 0 => Command::Elect { group, challenger: &of },
            Say::Elect => Command::Leader { group, leader: &of },
            Say::Goodbye => Command::Goodbye,
        };
        let sequence = match sequence {
            Sequence::Right => conn.last,
            Sequence::Continued(next) => {
                conn.last = next;
                next
            }
            Sequence::Any(any) => any,
        };
        let mut header = Message { sequence, command }.encode().to_vec();
        if say == Say::Unknown {
            header[2] = 42;
        }
        header
    }
}
