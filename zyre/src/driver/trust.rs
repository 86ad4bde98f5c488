//! Which nodes a secure node deals with.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use zre_proto::{Endpoint, PeerId, PublicKey};

use super::Driver;
use crate::secure::Worth;

impl Driver {
    /// Whether the engine is to hear that a node with this key is said to be there, by a beacon or by
    /// other nodes. A rumour about a node that is not trusted is ignored.
    pub(crate) fn is_worth_it(
        self: &Arc<Self>,
        id: PeerId,
        key: Option<PublicKey>,
        source: SocketAddr,
    ) -> bool {
        // One without a key is for the engine to count.
        let (Some(gate), Some(key)) = (&self.gate, key) else { return true };
        let worth = gate.worth(Instant::now(), &id, key);
        if worth == Worth::Dial {
            return true;
        }
        self.turn().network_stats().strangers += 1;
        self.ask_about(worth, key, source);
        false
    }

    /// Asks the application about nodes of which it was told once, and could not be asked then: about few
    /// strangers at a time.
    pub(crate) fn ask_again(self: &Arc<Self>, told: impl Iterator<Item = (PeerId, Endpoint)>) {
        let Some(gate) = self.gate.as_ref().filter(|gate| gate.asks()) else { return };
        for (id, endpoint) in told {
            let Some(key) = endpoint.key() else { continue };
            self.ask_about(gate.worth(Instant::now(), &id, key), key, endpoint.address());
        }
    }

    fn ask_about(self: &Arc<Self>, worth: Worth, key: PublicKey, source: SocketAddr) {
        if worth == Worth::Ask
            && let Ok(key) = key.try_into()
        {
            self.tell_of_stranger(key, source);
        }
    }

    fn tell_of_stranger(self: &Arc<Self>, key: crate::PublicKey, address: SocketAddr) {
        self.tell_application(crate::Event::Stranger { key, address });
    }

    /// Tells the application of strangers that have connected, and looks whether the list of keys has
    /// changed.
    pub(crate) fn follow_trust(self: &Arc<Self>) {
        let Some(gate) = &self.gate else { return };
        while let Some((key, address)) = gate.next_caller() {
            self.tell_of_stranger(key, address);
        }
        match gate.follow_file() {
            Ok(lost) => {
                self.has_told_of_file.store(false, Ordering::Relaxed);
                for key in lost {
                    self.end_all_of(key);
                }
            }
            Err(error) => {
                if !self.has_told_of_file.swap(true, Ordering::Relaxed) {
                    tracing::warn!(target: "zyre::told", %error, "the list of keys cannot be used");
                    let error = error.to_string().into();
                    self.tell_application(crate::Event::TrustFileUnusable { error });
                }
            }
        }
    }

    /// Nobody with this key is dealt with any more.
    pub(crate) fn end_all_of(self: &Arc<Self>, key: crate::PublicKey) {
        // A node that has stopped deals with nobody.
        let _ = self.act(zre_proto::Action::Distrust(key.into()));
        // Its files go no further, also if it was no peer yet.
        self.note_change();
    }
}
