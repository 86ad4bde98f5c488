//! What can be measured.

/// What zyre is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Rival {
    /// Bare tokio TCP with the frames of ZMTP: the limit. A connection each way for each pair.
    Tcp,
    /// The same with one connection for each pair, which carries both directions.
    TcpTwoWay,
    /// DEALER and ROUTER of the `zeromq` crate.
    Zeromq,
    /// The library with its log on, and one collector.
    Logged,
    /// The same with a line for each message that is sent or received.
    Recorded,
    /// The library with secure nodes, of one network.
    Secure,
}

/// What this program can measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Implementation {
    /// The library.
    Zyre,
    /// Bare tokio TCP with the frames of ZMTP: the limit. A connection each way for each pair.
    Tcp,
    /// The same with one connection for each pair, which carries both directions.
    TcpTwoWay,
    /// DEALER and ROUTER of the `zeromq` crate.
    Zeromq,
    /// The library with its log on, and one collector.
    Logged,
    /// The same with a line for each message that is sent or received.
    Recorded,
    /// The library with secure nodes, of one network.
    Secure,
}

impl Implementation {
    /// The name in figures and arguments.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Zyre => "zyre",
            Self::Tcp => "tcp",
            Self::TcpTwoWay => "tcp-two-way",
            Self::Zeromq => "zeromq",
            Self::Logged => "logged",
            Self::Recorded => "recorded",
            Self::Secure => "secure",
        }
    }
}

impl From<Rival> for Implementation {
    fn from(rival: Rival) -> Self {
        match rival {
            Rival::Tcp => Self::Tcp,
            Rival::TcpTwoWay => Self::TcpTwoWay,
            Rival::Zeromq => Self::Zeromq,
            Rival::Logged => Self::Logged,
            Rival::Recorded => Self::Recorded,
            Rival::Secure => Self::Secure,
        }
    }
}
