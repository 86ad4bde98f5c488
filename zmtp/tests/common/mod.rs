//! What several tests need.
#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test binary uses its part")]

#[cfg(feature = "net")]
pub mod libzmq;

use std::time::Instant;

use bytes::{Bytes, BytesMut};
pub use testkit::wait::{DEADLINE, soon, until, until_some};
use zmtp::{Config, Connection, Encoder, Error, Event, Message, Output, PeerInfo, SocketType};

pub fn dealer() -> Config {
    Config::new(SocketType::Dealer).with_identity("dealer")
}

pub fn router() -> Config {
    Config::new(SocketType::Router)
}

/// What a connection does until it waits for more or is dead.
#[derive(Debug, Default)]
pub struct Outputs {
    pub events: Vec<Event>,
    pub sent: Vec<u8>,
    pub error: Option<Error>,
}

impl Outputs {
    pub fn of(connection: &mut Connection) -> Self {
        let mut outputs = Self::default();
        loop {
            match connection.poll_output() {
                Ok(Some(Output::Transmit(bytes))) => outputs.sent.extend(bytes),
                // With NULL it is what is sent.
                Ok(Some(Output::Frame(frame))) => outputs.sent.extend(frame),
                Ok(Some(Output::Event(event))) => outputs.events.push(event),
                Ok(Some(other)) => panic!("{other:?}"),
                Ok(None) => return outputs,
                Err(error) => {
                    outputs.error = Some(error);
                    return outputs;
                }
            }
        }
    }

    /// After these bytes were received.
    pub fn after(connection: &mut Connection, bytes: &[u8]) -> Self {
        connection.receive_buffer().extend_from_slice(bytes);
        Self::of(connection)
    }

    /// The messages, of a connection that lives.
    pub fn messages(self) -> Vec<Message> {
        assert_eq!(self.error, None);
        let message = |event| if let Event::Message(m) = event { Some(m) } else { None };
        self.events.into_iter().filter_map(message).collect()
    }

    /// The only event, Ready.
    pub fn ready(self) -> (PeerInfo, Encoder) {
        let Ok([Event::Ready(peer, encoder)]) = <[Event; 1]>::try_from(self.events) else {
            panic!("should be ready: {:?}", self.error)
        };
        (peer, encoder)
    }
}

/// Everything that a new connection sends before it hears anything.
pub fn opening(config: &Config) -> Vec<u8> {
    Outputs::of(&mut Connection::new(config, Instant::now())).sent
}

/// A greeting of NULL, any version 3.
pub fn greeting() -> Vec<u8> {
    opening(&dealer())[..64].to_vec()
}

/// A frame with these flags in the form that they ask for.
pub fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![flags];
    if flags & 2 == 0 {
        out.push(u8::try_from(body.len()).unwrap());
    } else {
        out.extend((body.len() as u64).to_be_bytes());
    }
    out.extend(body);
    out
}

pub fn command(name: &str, data: &[u8]) -> Vec<u8> {
    let mut body = vec![name.len() as u8];
    body.extend(name.as_bytes());
    body.extend(data);
    frame(if body.len() > 255 { 6 } else { 4 }, &body)
}

pub fn property(name: &str, value: &[u8]) -> Vec<u8> {
    let mut out = vec![name.len() as u8];
    out.extend(name.as_bytes());
    out.extend((value.len() as u32).to_be_bytes());
    out.extend(value);
    out
}

/// A connection of this type past its handshake with a dealer, and its encoder.
pub fn ready(config: &Config) -> (Connection, Encoder, PeerInfo) {
    let mut connection = Connection::new(config, Instant::now());
    let (peer, encoder) = Outputs::after(&mut connection, &opening(&dealer())).ready();
    (connection, encoder, peer)
}

/// The error that a fresh ROUTER gives for these bytes.
pub fn refusal(bytes: &[u8]) -> Option<Error> {
    let mut connection = Connection::new(&router(), Instant::now());
    let error = Outputs::after(&mut connection, bytes).error;
    if error.is_some() {
        assert_eq!(Outputs::of(&mut connection).error, error, "says so again");
        assert!(!connection.is_ready());
        assert_eq!(connection.next_deadline(), None);
    }
    error
}

pub fn encode(encoder: &mut Encoder, frames: &[Bytes]) -> Vec<u8> {
    let mut out = BytesMut::new();
    encoder.encode(&frames[0], &frames[1..], &mut out);
    out.to_vec()
}

/// A remote that has opened as a dealer, as a bare connection, and our end of it as a router, whose
/// queue has these limits.
#[cfg(feature = "net")]
pub async fn remote(
    queue: zmtp::net::SendQueueLimits,
) -> (tokio::net::TcpStream, zmtp::net::Established) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let limits = zmtp::net::ListenerLimits { queue, ..Default::default() };
    let any = ([127, 0, 0, 1], 0).into();
    let mut listener = zmtp::net::Listener::bind(any, router(), limits).await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(&opening(&dealer())).await.unwrap();
    let accepted = soon(listener.accept()).await;
    soon(stream.read_exact(&mut vec![0; opening(&router()).len()])).await.unwrap();
    (stream, accepted)
}
