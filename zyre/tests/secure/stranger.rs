//! Those who come to a port of a secure node and have no business there.

use std::net::SocketAddr;

use testkit::wait::soon;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use zmtp::net::{SendQueueLimits, connect};
use zmtp::{Config, Curve, KeyPair, SocketType};
use zyre::PublicKey;

/// Bytes of a greeting, and where it names the mechanism.
const GREETING: usize = 64;
const MECHANISM: std::ops::Range<usize> = 12..32;

/// A key pair that is none of a node's.
pub(crate) fn keys() -> KeyPair {
    KeyPair::generate().unwrap()
}

/// How a node knows this key pair.
pub(crate) fn public(keys: &KeyPair) -> PublicKey {
    keys.public().to_string().parse().unwrap()
}

/// What the other end of a connection has to prove.
pub(crate) fn to(key: PublicKey) -> zmtp::PublicKey {
    key.to_string().parse().unwrap()
}

/// Whoever comes to this port in the clear, looks for another key than this one, or has a key that is
/// not trusted, gets nothing.
pub(crate) async fn gets_nothing(port: SocketAddr, socket: SocketType, key: PublicKey) {
    in_the_clear(port).await;
    let limits = SendQueueLimits::default;
    let plain = soon(connect(port, &Config::new(socket), limits())).await;
    assert!(plain.is_err(), "in the clear");
    for (key, why) in [(keys().public(), "for another key"), (to(key), "with a strange key")] {
        let config = Config::new(socket).with_mechanism(Curve::client(keys(), key));
        assert!(soon(connect(port, &config, limits())).await.is_err(), "{why}");
    }
}

/// Nothing but a greeting comes from this port, which says that it is secured.
async fn in_the_clear(port: SocketAddr) {
    let mut stream = TcpStream::connect(port).await.unwrap();
    let mut greeting = [0; GREETING];
    (greeting[0], greeting[9], greeting[10]) = (0xFF, 0x7F, 3);
    greeting[MECHANISM.start..][..4].copy_from_slice(b"NULL");
    // It may be closed before all is written.
    let _ = stream.write_all(&greeting).await;
    let _ = stream.write_all(b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03SUB").await;
    let mut read = Vec::new();
    let _ = soon(stream.read_to_end(&mut read)).await;
    assert!(read.len() <= GREETING, "{read:?}");
    if let Some(mechanism) = read.get(MECHANISM) {
        assert!(mechanism.starts_with(b"CURVE\0"), "{mechanism:?}");
    }
}
