//! What a handshake needs.

use std::time::Instant;

use bytes::{Bytes, BytesMut};

#[cfg(any(feature = "curve", feature = "curve-audited"))]
use crate::mechanism::curve;
use crate::mechanism::{Mechanism, metadata, null};
use crate::{Config, Error, greeting};

/// What is needed until the remote is ready. Connections live long, and most are quiet: what they
/// hold counts many times.
#[derive(Debug)]
pub(super) struct Handshake {
    pub(super) config: Config,
    pub(super) deadline: Option<Instant>,
    /// Major and minor version of the remote, when its greeting has come.
    pub(super) version: Option<(u8, u8)>,
    /// Bytes of the handshake that have come.
    pub(super) taken: usize,
    #[cfg(any(feature = "curve", feature = "curve-audited"))]
    pub(super) curve: Option<curve::Handshake>,
}

impl Handshake {
    /// Begins a handshake. Returns also what is to be sent before anything has come.
    pub(super) fn begin(config: &Config, now: Instant) -> Result<(Self, Bytes), Error> {
        #[cfg(any(feature = "curve", feature = "curve-audited"))]
        return Self::begin_with(config, now, &mut curve::random);
        #[cfg(not(any(feature = "curve", feature = "curve-audited")))]
        Self::begin_with(config, now)
    }

    pub(super) fn begin_with(
        config: &Config,
        now: Instant,
        #[cfg(any(feature = "curve", feature = "curve-audited"))] random: curve::Random<'_>,
    ) -> Result<(Self, Bytes), Error> {
        metadata::check(config)?;
        let mut opening =
            BytesMut::from(&greeting::encode(&config.mechanism, config.identity.len())[..]);
        #[cfg(any(feature = "curve", feature = "curve-audited"))]
        let mut secured = None;
        // What need not wait for the remote's greeting goes with ours: one segment, one system call.
        match &config.mechanism {
            Mechanism::Null => opening.extend_from_slice(&null::ready(config)),
            #[cfg(any(feature = "curve", feature = "curve-audited"))]
            Mechanism::Curve(curve) => {
                let ours = metadata::ours(config);
                let (handshake, hello) = curve::Handshake::new(curve, ours, random)?;
                opening.extend_from_slice(&hello.unwrap_or_default());
                secured = Some(handshake);
            }
        }
        let new = Self {
            config: config.clone(),
            deadline: now.checked_add(config.limits.handshake_time),
            version: None,
            taken: 0,
            #[cfg(any(feature = "curve", feature = "curve-audited"))]
            curve: secured,
        };
        Ok((new, opening.freeze()))
    }

    /// Returns how many bytes the body of the next command may have.
    pub(super) const fn most(&self) -> usize {
        #[cfg(any(feature = "curve", feature = "curve-audited"))]
        if let Some(curve) = &self.curve {
            return curve.most();
        }
        usize::MAX
    }
}
