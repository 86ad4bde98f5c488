//! The handshake of a client.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use super::admission::Admission;
use super::fields::{field, key};
use super::guard::Guard;
use super::keys::{KeyPair, PublicKey};
use super::nonce::{self, counted, random as nonce_of};
use super::primitives::{Random, SharedKey, TAG, open_in_place, seal_in_place};
use super::session_keys::{SessionKeys, Side};
use super::step::Step;
use crate::command::{self, name_of};
use crate::mechanism::metadata;
use crate::{CurveError, Error};

/// Bytes of the body of WELCOME.
const WELCOME: usize = 168;

/// Bytes of READY before the metadata.
const READY: usize = 30;

/// Bytes of the longest ERROR.
const ERROR: usize = 262;

/// Bytes of INITIATE without metadata, and with its header.
const INITIATE: usize = 266;

/// The client's end of a handshake.
pub(crate) struct Client {
    keys: KeyPair,
    server: PublicKey,
    guard: Option<Arc<dyn Guard>>,
    /// Of ours, but for the properties of the guard.
    metadata: Bytes,
    /// Those of this connection alone.
    session: KeyPair,
    vouch_nonce: [u8; 16],
    stage: Stage,
}

enum Stage {
    /// WELCOME is due, sealed with this key.
    Greeted(SharedKey),
    /// READY is due.
    Initiated { keys: SessionKeys, key: SharedKey },
}

impl Client {
    /// Begins a handshake. Returns HELLO as well, as a whole frame.
    pub(super) fn new(
        keys: KeyPair,
        server: PublicKey,
        guard: Option<Arc<dyn Guard>>,
        metadata: Bytes,
        random: Random<'_>,
    ) -> Result<(Self, Bytes), Error> {
        let session = KeyPair::draw(random)?;
        let mut vouch_nonce = [0; 16];
        random(&mut vouch_nonce)?;
        let shared = session.shared_key(&server).ok_or(CurveError::LowOrder)?;
        let counter = 1_u64.to_be_bytes();
        let mut signature = [0; TAG + 64];
        seal_in_place(&shared, &counted(nonce::HELLO, counter), &mut signature);
        let mut data = BytesMut::from(&[1, 0][..]);
        data.put_bytes(0, 72);
        data.put_slice(session.public().as_bytes());
        data.put_slice(&counter);
        data.put_slice(&signature);
        let stage = Stage::Greeted(shared);
        let hello = command::frame(b"HELLO", &data);
        Ok((Self { keys, server, guard, metadata, session, vouch_nonce, stage }, hello))
    }

    /// Returns how many bytes the next command may have.
    pub(super) const fn most(&self) -> usize {
        match self.stage {
            Stage::Greeted(_) => ERROR,
            Stage::Initiated { .. } => usize::MAX,
        }
    }

    /// Takes the next command of the server.
    pub(super) fn handle(&mut self, body: &mut [u8]) -> Result<Step, Error> {
        match (name_of(body)?, &self.stage) {
            (b"WELCOME", Stage::Greeted(shared)) => {
                let shared = shared.clone();
                self.welcome(&shared, body)
            }
            (b"READY", Stage::Initiated { keys, key }) => ready(*keys, key, body),
            // Its text may be anybody's.
            (b"ERROR", _) => Err(CurveError::Refused.into()),
            _ => Err(Error::Premature("another command")),
        }
    }

    fn welcome(&mut self, shared: &SharedKey, body: &mut [u8]) -> Result<Step, Error> {
        // name (8), nonce (16), tag (16): S' (32), cookie (96)
        let body = <&mut [u8; WELCOME]>::try_from(body).map_err(|_| Error::Malformed("WELCOME"))?;
        let (head, sealed) = body.split_at_mut(24);
        let nonce = nonce_of(nonce::WELCOME, &field(&head[8..]));
        if !open_in_place(shared, &nonce, sealed) {
            return Err(CurveError::Forged.into());
        }
        let (server_session, cookie) = sealed[TAG..].split_at(32);
        let keys = SessionKeys {
            side: Side::Client,
            client: self.keys.public(),
            server: self.server,
            client_session: self.session.public(),
            server_session: key(server_session)?,
        };
        let key = self.session.shared_key(&keys.server_session).ok_or(CurveError::LowOrder)?;
        let initiate = self.initiate(&keys, &key, cookie)?;
        self.stage = Stage::Initiated { keys, key };
        Ok(Step::Send(initiate))
    }

    fn initiate(&self, keys: &SessionKeys, key: &SharedKey, cookie: &[u8]) -> Result<Bytes, Error> {
        let counter = 2_u64.to_be_bytes();
        let mut data = BytesMut::with_capacity(INITIATE + self.metadata.len());
        data.put_slice(cookie);
        data.put_slice(&counter);
        let begin = data.len();
        data.put_bytes(0, TAG);
        data.put_slice(keys.client.as_bytes());
        data.put_slice(&self.vouch_nonce);
        data.put_slice(&self.vouch(keys)?);
        data.put_slice(&self.metadata);
        if let Some(guard) = &self.guard {
            metadata::put_all(&mut data, guard.properties(keys))?;
        }
        seal_in_place(key, &counted(nonce::INITIATE, counter), &mut data[begin..]);
        Ok(command::frame(b"INITIATE", &data))
    }

    /// Returns the proof that the holder of our long-term key has made the session's key, for a
    /// connection to this server and to no other.
    fn vouch(&self, keys: &SessionKeys) -> Result<[u8; TAG + 64], Error> {
        let key = self.keys.shared_key(&keys.server_session);
        let mut vouch = [0; TAG + 64];
        vouch[TAG..TAG + 32].copy_from_slice(keys.client_session.as_bytes());
        vouch[TAG + 32..].copy_from_slice(keys.server.as_bytes());
        let nonce = nonce_of(nonce::VOUCH, &self.vouch_nonce);
        seal_in_place(&key.ok_or(CurveError::LowOrder)?, &nonce, &mut vouch);
        Ok(vouch)
    }
}

fn ready(keys: SessionKeys, key: &SharedKey, body: &mut [u8]) -> Result<Step, Error> {
    // name (6), nonce (8), tag (16): metadata
    if body.len() < READY {
        return Err(Error::Malformed("READY"));
    }
    let (head, sealed) = body.split_at_mut(14);
    let counter = field(&head[6..]);
    if !open_in_place(key, &counted(nonce::READY, counter), sealed) {
        return Err(CurveError::Forged.into());
    }
    let nonce = u64::from_be_bytes(counter);
    let admission = Admission { keys, key: key.clone(), nonce, ready: None };
    Ok(Step::Introduced(Box::new(admission), READY..body.len()))
}
