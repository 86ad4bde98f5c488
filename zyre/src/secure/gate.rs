//! What every connection of a secure node has to pass.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::broadcast;
use zmtp::sync::Mutex;
use zmtp::{Curve, Guard, Mechanism, PeerInfo, SessionKeys, Verdict};
use zre_proto::PeerId;

use super::file::KeyFileError;
use super::public_key::KeyWords;
use super::trust::{NETWORK_PROPERTY, Trusted, Worth};
use super::{Identity, PublicKey, Trust};
use crate::trust_change::TrustChange;

/// Strangers that have connected, and that the application does not know of yet.
const MAX_CALLERS: usize = 16;

/// Changes that a receiver may lag behind.
const MAX_CHANGES: usize = 64;

/// The keys of a secure node, and those that it trusts: what its connections are made with.
#[derive(Debug)]
pub(crate) struct Gate {
    identity: Identity,
    trusted: Trusted,
    /// Strangers that have connected.
    callers: Mutex<VecDeque<(PublicKey, SocketAddr)>>,
    changes: broadcast::Sender<TrustChange>,
}

impl Gate {
    /// # Errors
    /// There is a list of keys in a file, and it cannot be read.
    pub(crate) fn new(identity: Identity, trust: Trust) -> Result<Arc<Self>, KeyFileError> {
        // The same key on another machine is the same owner.
        let trusted = Trusted::new(trust.and(Trust::only([identity.public_key()])))?;
        let (callers, (changes, _)) = (Mutex::default(), broadcast::channel(MAX_CHANGES));
        Ok(Arc::new(Self { identity, trusted, callers, changes }))
    }

    /// The node's own key.
    pub(crate) fn key(&self) -> zre_proto::PublicKey {
        self.identity.public_key().into()
    }

    /// How connections are taken.
    pub(crate) fn server(self: &Arc<Self>) -> Mechanism {
        Curve::server(self.identity.pair().clone(), self.clone()).into()
    }

    /// How a connection is made to the owner of this key; `None` if it is not a valid key.
    pub(crate) fn client_of(self: &Arc<Self>, key: zre_proto::PublicKey) -> Option<Mechanism> {
        let key = PublicKey::try_from(key).ok()?.to_curve();
        Some(Curve::client_with_guard(self.identity.pair().clone(), key, self.clone()).into())
    }

    /// Tells from now on when the trusted keys have changed.
    pub(crate) fn changes(&self) -> broadcast::Receiver<TrustChange> {
        self.changes.subscribe()
    }

    fn tell(&self, change: TrustChange) {
        // Nobody need follow them.
        let _ = self.changes.send(change);
    }

    /// How far a claim that a node is at an endpoint is believed.
    pub(crate) fn worth(&self, at: Instant, id: &PeerId, key: zre_proto::PublicKey) -> Worth {
        let Ok(key) = PublicKey::try_from(key) else { return Worth::Nothing };
        self.trusted.worth(at, id, &key)
    }

    /// Whether the application is asked about strangers.
    pub(crate) fn asks(&self) -> bool {
        self.trusted.asks()
    }

    /// Whether a connection may go on that was let in with this key: it may have lost the trust of the
    /// node since its handshake.
    pub(crate) fn still_lets_in(&self, key: zre_proto::PublicKey) -> bool {
        PublicKey::try_from(key).is_ok_and(|key| self.trusted.may_trust(&key))
    }

    pub(crate) fn trust(&self, key: PublicKey) {
        self.trusted.trust(key);
        self.tell(TrustChange::Begun);
    }

    pub(crate) fn distrust(&self, key: PublicKey) {
        self.trusted.distrust(key);
        self.tell(TrustChange::Ended(key.into()));
    }

    pub(crate) fn await_words(&self, words: KeyWords) {
        self.trusted.await_words(words);
        self.tell(TrustChange::Begun);
    }

    /// Reads the list of keys again if it has changed. Returns those that are not trusted any more.
    pub(crate) fn follow_file(&self) -> Result<Vec<PublicKey>, KeyFileError> {
        let Some(lost) = self.trusted.follow_file()? else { return Ok(Vec::new()) };
        lost.iter().for_each(|key| self.tell(TrustChange::Ended((*key).into())));
        self.tell(TrustChange::Begun);
        Ok(lost)
    }

    /// A stranger that has connected, and that the application should hear of.
    pub(crate) fn next_caller(&self) -> Option<(PublicKey, SocketAddr)> {
        self.callers.lock().pop_front()
    }
}

impl Guard for Gate {
    fn properties(&self, keys: &SessionKeys) -> Vec<(Bytes, Bytes)> {
        let proofs = self.trusted.proofs(keys).into_iter();
        proofs.map(|it| (Bytes::from_static(NETWORK_PROPERTY.as_bytes()), it.into())).collect()
    }

    fn decide(&self, keys: &SessionKeys, peer: &PeerInfo, address: SocketAddr) -> Verdict {
        if self.trusted.admits(keys, peer) {
            return Verdict::Admit;
        }
        let key = PublicKey::of_curve(keys.remote());
        if self.trusted.asks() && !self.trusted.is_distrusted(&key) {
            if self.trusted.asks_about(Instant::now(), key) {
                let mut callers = self.callers.lock();
                if callers.len() < MAX_CALLERS {
                    callers.push_back((key, address));
                }
            }
            // It may be trusted in a moment.
            return Verdict::Close;
        }
        Verdict::Refuse
    }
}
