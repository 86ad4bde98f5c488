//! Whether a mailbox can be connected to.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than the system looks for a neighbour that does not answer: 3 s on Linux.
const CONNECT: Duration = Duration::from_secs(4);

/// How long a greeting may take.
const GREETING: Duration = Duration::from_secs(2);

/// The first byte of ZMTP, in either role.
const SIGNATURE: u8 = 0xFF;

/// What has become of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// A node, or something that speaks its protocol, answers.
    Answers,
    /// It is connected, and nothing is said.
    Mute,
    /// Something else answers.
    Another,
    Refused,
    /// What is sent there is dropped.
    NoAnswer,
    /// The host is not found on its network.
    HostUnreachable,
    /// There is no way to its network.
    NoRoute,
    /// This process may open no more files.
    NoDescriptors,
    Failed(String),
}

impl Reach {
    /// Returns how it is told to another doctor.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Answers => "answers",
            Self::Mute => "connects, and nothing is said",
            Self::Another => "another program answers",
            Self::Refused => "refused",
            Self::NoAnswer => "no answer",
            Self::HostUnreachable => "host unreachable",
            Self::NoRoute => "no route",
            Self::NoDescriptors => "no descriptors left",
            Self::Failed(why) => why,
        }
    }

    /// Returns whether a connection was made.
    pub(super) const fn is_connected(&self) -> bool {
        matches!(self, Self::Answers | Self::Mute | Self::Another)
    }
}

/// Tries to connect to a mailbox, and waits for the first byte of its greeting.
pub(super) async fn probe(at: SocketAddr) -> Reach {
    let mut stream = match timeout(CONNECT, TcpStream::connect(at)).await {
        Err(_) => return Reach::NoAnswer,
        Ok(Err(error)) => return of_error(&error),
        Ok(Ok(stream)) => stream,
    };
    let mut first = [0];
    match timeout(GREETING, stream.read(&mut first)).await {
        Ok(Ok(1)) if first == [SIGNATURE] => Reach::Answers,
        Ok(_) => Reach::Another,
        Err(_) => Reach::Mute,
    }
}

fn of_error(error: &io::Error) -> Reach {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Reach::Refused,
        io::ErrorKind::TimedOut => Reach::NoAnswer,
        io::ErrorKind::HostUnreachable => Reach::HostUnreachable,
        io::ErrorKind::NetworkUnreachable => Reach::NoRoute,
        _ if super::descriptors::is_lack(error) => Reach::NoDescriptors,
        _ => Reach::Failed(error.to_string()),
    }
}
