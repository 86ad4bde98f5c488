//! What the doctor finds.

use serde_json::{Value, json};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// As it should be.
    Fine,
    /// Nothing wrong, or not much.
    Note,
    /// Nodes do not see each other, or not all of them.
    Problem,
}

/// What is the matter, in one word for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Nothing is.
    None,
    /// The interface that was asked for cannot be used.
    NoInterface,
    /// An interface is down, or without a carrier.
    InterfaceDown,
    /// An interface has no address that could be used.
    NoAddress,
    /// An interface leads to one other host.
    PointToPoint,
    /// An interface is not used for another reason.
    Unused,
    /// Beacons do not arrive.
    UdpDropped,
    /// Connections do not get through to one of the two.
    TcpInDropped,
    /// The beacons are sent to another port.
    OtherPort,
    /// One of the two is a secure node, and the other is not.
    PlainBesideSecure,
    /// Both are secure nodes, and do not trust each other.
    NotTrusted,
    /// The two have different netmasks.
    OtherMask,
    /// The access point keeps the two apart.
    ClientIsolation,
    /// The other machine does not answer at all.
    HostSilent,
    /// This machine has no way to the other.
    NoRoute,
    /// There is no node.
    NoNode,
    /// Two nodes have the same id.
    IdTwice,
    /// A program may open no more files.
    NoDescriptors,
    /// Another program has the port of the beacon for itself.
    PortTaken,
    /// Nobody is heard, and nothing says why.
    Nobody,
}

impl Cause {
    /// Returns the word.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::NoInterface => "no-interface",
            Self::InterfaceDown => "interface-down",
            Self::NoAddress => "no-address",
            Self::PointToPoint => "point-to-point",
            Self::Unused => "unused-interface",
            Self::UdpDropped => "udp-dropped",
            Self::TcpInDropped => "tcp-in-dropped",
            Self::OtherPort => "other-port",
            Self::PlainBesideSecure => "plain-beside-secure",
            Self::NotTrusted => "not-trusted",
            Self::OtherMask => "other-mask",
            Self::ClientIsolation => "client-isolation",
            Self::HostSilent => "host-silent",
            Self::NoRoute => "no-route",
            Self::NoNode => "no-node",
            Self::IdTwice => "id-twice",
            Self::NoDescriptors => "no-descriptors",
            Self::PortTaken => "port-taken",
            Self::Nobody => "nobody",
        }
    }
}

/// Something that was found, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    pub(super) cause: Cause,
    /// One sentence, without a full stop.
    pub(super) what: String,
    pub(super) remedy: Option<String>,
}

impl Finding {
    /// All is well.
    pub(super) fn fine(what: impl Into<String>) -> Self {
        Self { severity: Severity::Fine, cause: Cause::None, what: what.into(), remedy: None }
    }

    /// Something to know.
    pub(super) fn note(cause: Cause, what: impl Into<String>) -> Self {
        Self { severity: Severity::Note, cause, what: what.into(), remedy: None }
    }

    /// Something to be mended, and how.
    pub(super) fn problem(
        cause: Cause,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let (what, remedy) = (what.into(), Some(remedy.into()));
        Self { severity: Severity::Problem, cause, what, remedy }
    }

    /// Returns lines for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let mark = match self.severity {
            Severity::Fine => "ok",
            Severity::Note => "note",
            Severity::Problem => "PROBLEM",
        };
        let what = format!("{mark}: {}", self.what);
        let remedy = self.remedy.as_ref().map(|remedy| format!("  what to do: {remedy}"));
        std::iter::once(what).chain(remedy).collect()
    }

    /// Returns an object for programs.
    pub(super) fn json(&self) -> Value {
        let severity = match self.severity {
            Severity::Fine => "fine",
            Severity::Note => "note",
            Severity::Problem => "problem",
        };
        json!({
            "severity": severity, "cause": self.cause.as_str(), "what": self.what,
            "do": self.remedy,
        })
    }
}
