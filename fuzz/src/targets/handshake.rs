//! What comes between the ZMTP greeting and the first message.

use zmtp::{Config, Limits, PeerInfo, SocketType};

use crate::heard::{Heard, dealer, frame, opening};
use crate::setting;
use crate::vectors::captured;

const GREETING: usize = 64;

const TYPES: [SocketType; 11] = [
    SocketType::Router,
    SocketType::Dealer,
    SocketType::Req,
    SocketType::Rep,
    SocketType::Pub,
    SocketType::XPub,
    SocketType::Sub,
    SocketType::XSub,
    SocketType::Push,
    SocketType::Pull,
    SocketType::Pair,
];

/// Nobody gets past a handshake who must not, and who does is what it has said.
pub fn target(data: &[u8]) {
    let ([kind, limit, meant], bytes) = setting(data);
    let ours = TYPES[usize::from(kind) % TYPES.len()];
    let default = Limits::default();
    let handshake_bytes = [default.handshake_bytes, 128, GREETING, 0][usize::from(limit % 4)];
    let config = Config::new(ours)
        .with_limits(Limits { handshake_bytes, ..default })
        .with_remote(["", "dealer"][usize::from(meant % 2)]);
    let greeting = &opening(&dealer())[..GREETING];
    let heard = Heard::from(&config, &[greeting, bytes].concat());

    let Some(peer) = heard.ready else {
        assert!(heard.messages.is_empty());
        return;
    };
    assert!(ours.accepts(peer.socket_type) && peer.socket_type.accepts(ours));
    assert!(peer.identity.len() <= 255);
    assert!(meant % 2 == 0 || peer.identity.is_empty() || peer.identity == "dealer");
    let said = usize::from(bytes[1]) + 2;
    let within = bytes[0] & 2 != 0 || GREETING + said <= handshake_bytes;
    assert!(within, "{said} bytes, {handshake_bytes} are allowed");
    assert_encodes(&config, &peer);
}

/// A node that is what this one has said it is says the same.
fn assert_encodes(config: &Config, peer: &PeerInfo) {
    use SocketType::{Dealer, Req, Router};
    let same = Config::new(peer.socket_type).with_identity(peer.identity.clone());
    // Our own READY may be longer than the one that was heard.
    let config = config.clone().with_limits(Limits::default());
    let again = Heard::from(&config, &opening(&same)).ready.expect("what we say is right");
    assert_eq!(again.socket_type, peer.socket_type);
    // Others have no use for an identity, and tell none.
    let tells = matches!(peer.socket_type, Req | Dealer | Router);
    assert!(if tells { again.identity == peer.identity } else { again.identity.is_empty() });
}

/// READY of real nodes; ERROR; what must not come so early.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = captured("zmtp", "zmtp-ready-");
    seeds.extend((1..11_u8).map(|nth| opening(&Config::new(TYPES[usize::from(nth)]))[64..].into()));
    seeds.push(frame(4, b"\x05ERROR\x03bad").to_vec());
    seeds.push(frame(4, b"\x04PING\0\0context").to_vec());
    seeds.push(frame(6, b"\x05READY\x01a\0\0\0\x01b").to_vec());
    seeds.push(frame(0, b"message").to_vec());
    let too_long = Config::new(SocketType::Dealer).with_identity(vec![b'i'; 255]);
    let mut too_long = opening(&too_long)[GREETING..].to_vec();
    // One byte more in the frame, and one in the identity that it ends with.
    too_long.push(b'i');
    too_long[8] += 1;
    let length = too_long.len() - 258;
    too_long[length..length + 2].copy_from_slice(&[1, 0]);
    seeds.push(too_long);
    let settings = [[0, 0, 0], [1, 0, 1], [1, 1, 0], [3, 2, 1]];
    settings.iter().flat_map(|with| seeds.iter().map(|seed| [&with[..], seed].concat())).collect()
}
