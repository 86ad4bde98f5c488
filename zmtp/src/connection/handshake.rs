//! What a handshake needs.

use std::time::Instant;

use bytes::{Bytes, BytesMut};

#[cfg(feature = "_curve")]
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
    #[cfg(feature = "_curve")]
    pub(super) curve: Option<curve::Handshake>,
}

impl Handshake {
    /// Begins a handshake. Returns also what to send before anything has come.
    pub(super) fn begin(config: &Config, now: Instant) -> Result<(Self, Bytes), Error> {
        #[cfg(feature = "_curve")]
        return Self::begin_with(config, now, &mut curve::random);
        #[cfg(not(feature = "_curve"))]
        Self::begin_with(config, now)
    }

    pub(super) fn begin_with(
        config: &Config,
        now: Instant,
        #[cfg(feature = "_curve")] random: curve::Random<'_>,
    ) -> Result<(Self, Bytes), Error> {
        metadata::check(config)?;
        let mut opening =
            BytesMut::from(&greeting::encode(&config.mechanism, config.identity.len())[..]);
        #[cfg(feature = "_curve")]
        let mut secured = None;
        // What need not wait for the remote's greeting goes with ours: one segment, one system call.
        match &config.mechanism {
            Mechanism::Null => opening.extend_from_slice(&null::ready(config)),
            #[cfg(feature = "_curve")]
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
            #[cfg(feature = "_curve")]
            curve: secured,
        };
        Ok((new, opening.freeze()))
    }

    /// Returns how many bytes the body of the next command may have.
    pub(super) const fn most(&self) -> usize {
        #[cfg(feature = "_curve")]
        if let Some(curve) = &self.curve {
            return curve.most();
        }
        usize::MAX
    }
}
