//! The handshake of a server.

use bytes::Bytes;
use subtle::ConstantTimeEq;

use super::admission::{Admission, Ready};
use super::fields::{field, key};
use super::keys::{KeyPair, PublicKey};
use super::nonce::{self, counted, random as nonce_of};
use super::primitives::{Random, SharedKey, TAG, open_in_place, seal_in_place};
use super::session_keys::{SessionKeys, Side};
use super::step::Step;
use crate::command::{self, name_of};
use crate::{CurveError, Error};

/// Bytes of the body of HELLO.
const HELLO: usize = 200;

/// Bytes of INITIATE before the metadata.
const INITIATE: usize = 257;

/// Bytes of the cookie.
const COOKIE: usize = 96;

/// The server's end of a handshake.
pub(crate) struct Server {
    keys: KeyPair,
    ready: Ready,
    /// Those of this connection alone.
    session: KeyPair,
    welcome_nonce: [u8; 16],
    /// The client only copies it, and we remember it: there is nothing that it has to hold.
    cookie: [u8; COOKIE],
    stage: Stage,
}

enum Stage {
    /// HELLO is due.
    Begun,
    /// INITIATE is due, from the client that has sent HELLO with this key and nonce.
    Welcomed { client_session: PublicKey, nonce: u64 },
}

impl Server {
    pub(super) fn new(keys: KeyPair, ready: Ready, random: Random<'_>) -> Result<Self, Error> {
        let session = KeyPair::draw(random)?;
        let (mut welcome_nonce, mut cookie) = ([0; 16], [0; COOKIE]);
        random(&mut welcome_nonce)?;
        random(&mut cookie)?;
        Ok(Self { keys, ready, session, welcome_nonce, cookie, stage: Stage::Begun })
    }

    /// Returns how many bytes the next command may have.
    pub(super) const fn most(&self) -> usize {
        match self.stage {
            Stage::Begun => HELLO,
            Stage::Welcomed { .. } => usize::MAX,
        }
    }

    /// Takes the next command of the client.
    pub(super) fn handle(&mut self, body: &mut [u8]) -> Result<Step, Error> {
        match (name_of(body)?, &self.stage) {
            (b"HELLO", Stage::Begun) => self.hello(body),
            (b"INITIATE", &Stage::Welcomed { client_session, nonce }) => {
                self.initiate(client_session, nonce, body)
            }
            _ => Err(Error::Premature("another command")),
        }
    }

    fn hello(&mut self, body: &mut [u8]) -> Result<Step, Error> {
        // name (6), version (2), padding (72), C' (32), nonce (8), box (80)
        let body = <&mut [u8; HELLO]>::try_from(body).map_err(|_| Error::Malformed("HELLO"))?;
        let [_, _, _, _, _, _, major, minor, ..] = *body;
        if (major, minor) != (1, 0) {
            return Err(CurveError::Version { major, minor }.into());
        }
        let client_session = key(&body[80..112])?;
        let counter = field(&body[112..120]);
        let shared = self.keys.shared_key(&client_session).ok_or(CurveError::LowOrder)?;
        let signature = &mut body[120..];
        if !open_in_place(&shared, &counted(nonce::HELLO, counter), signature)
            || signature[TAG..] != [0; 64]
        {
            return Err(CurveError::Forged.into());
        }
        let nonce = u64::from_be_bytes(counter);
        self.stage = Stage::Welcomed { client_session, nonce };
        Ok(Step::Send(self.welcome(&shared)))
    }

    fn welcome(&self, shared: &SharedKey) -> Bytes {
        let Self { session, welcome_nonce, cookie, .. } = self;
        let mut sealed = [0; TAG + 32 + COOKIE];
        sealed[TAG..TAG + 32].copy_from_slice(session.public().as_bytes());
        sealed[TAG + 32..].copy_from_slice(cookie);
        seal_in_place(shared, &nonce_of(nonce::WELCOME, welcome_nonce), &mut sealed);
        command::frame(b"WELCOME", &[&welcome_nonce[..], &sealed].concat())
    }

    fn initiate(
        &self,
        client_session: PublicKey,
        hello: u64,
        body: &mut [u8],
    ) -> Result<Step, Error> {
        // name (9), cookie (96), nonce (8), tag (16): C (32), vouch (16 + 80), metadata
        if body.len() < INITIATE {
            return Err(Error::Malformed("INITIATE"));
        }
        let (head, sealed) = body.split_at_mut(113);
        let (cookie, counter) = (&head[9..105], field(&head[105..]));
        if !bool::from(cookie.ct_eq(&self.cookie)) {
            return Err(CurveError::Cookie.into());
        }
        let shared = self.session.shared_key(&client_session).ok_or(CurveError::LowOrder)?;
        if !open_in_place(&shared, &counted(nonce::INITIATE, counter), sealed) {
            return Err(CurveError::Forged.into());
        }
        let nonce = u64::from_be_bytes(counter);
        if nonce <= hello {
            return Err(CurveError::OutOfSequence.into());
        }
        let client = key(&sealed[TAG..TAG + 32])?;
        self.check_vouch(&client, &client_session, &mut sealed[TAG + 32..TAG + 128])?;
        let keys = SessionKeys {
            side: Side::Server,
            client,
            server: self.keys.public(),
            client_session,
            server_session: self.session.public(),
        };
        let admission = Admission { keys, key: shared, nonce, ready: Some(self.ready.clone()) };
        Ok(Step::Introduced(Box::new(admission), INITIATE..body.len()))
    }

    /// Checks that the holder of `client` has made the session's key for a connection to us: no other
    /// server that it has connected to can use that here.
    fn check_vouch(
        &self,
        client: &PublicKey,
        client_session: &PublicKey,
        vouch: &mut [u8],
    ) -> Result<(), Error> {
        let (nonce, vouch) = vouch.split_at_mut(16);
        let shared = self.session.shared_key(client).ok_or(CurveError::LowOrder)?;
        let opens = open_in_place(&shared, &nonce_of(nonce::VOUCH, &field(nonce)), vouch);
        let said = [*client_session.as_bytes(), *self.keys.public().as_bytes()];
        if opens && vouch[TAG..] == *said.as_flattened() {
            Ok(())
        } else {
            Err(CurveError::Vouch.into())
        }
    }
}
