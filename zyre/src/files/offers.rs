//! Files that peers have on offer.

use std::path::Path;
use std::sync::{Arc, Weak};

use filemq::{Client, ClientEvent, OfferError, OfferId, OfferInfo};
use zre_proto::PeerId;

use super::offer::Offer;
use crate::event::Event;

/// The offers of peers, as long as the node lives.
#[derive(Clone, Debug)]
pub(crate) struct Offers(Weak<Client>);

impl Offers {
    pub(super) fn of(client: &Arc<Client>) -> Self {
        Self(Arc::downgrade(client))
    }

    /// Those of a node that receives nothing.
    pub(super) const fn none() -> Self {
        Self(Weak::new())
    }

    fn client(&self) -> Result<Arc<Client>, OfferError> {
        self.0.upgrade().ok_or(OfferError::Gone)
    }

    pub(crate) fn list(&self, peer: PeerId) -> Vec<Offer> {
        let Some(client) = self.0.upgrade() else { return Vec::new() };
        client.offers(&peer.to_string()).into_iter().filter_map(offer).collect()
    }

    pub(crate) fn accept(&self, id: OfferId) -> Result<(), OfferError> {
        self.client()?.accept(id)
    }

    pub(crate) fn accept_as(&self, id: OfferId, path: &Path) -> Result<(), OfferError> {
        self.client()?.accept_as(id, path)
    }

    pub(crate) fn decline(&self, id: OfferId, reason: &str) -> Result<(), OfferError> {
        self.client()?.decline(id, reason)
    }

    pub(crate) fn pause(&self, id: OfferId) -> Result<(), OfferError> {
        self.client()?.pause(id)
    }

    pub(crate) fn cancel(&self, id: OfferId) -> Result<(), OfferError> {
        self.client()?.cancel(id)
    }
}

/// Returns an offer as the application sees it. Origins are ids of peers.
fn offer(info: OfferInfo) -> Option<Offer> {
    let OfferInfo { id, origin, name, size, modified, state, .. } = info;
    let (peer, name) = (origin.parse().ok()?, name.as_str().into());
    Some(Offer { id, peer, name, size, modified, state })
}

/// Returns what the application hears of offers.
pub(super) fn event(event: ClientEvent) -> Option<Event> {
    match event {
        ClientEvent::Offered { offer: info } => {
            offer(info).map(|offer| Event::Offered { peer: offer.peer, offer })
        }
        ClientEvent::Withdrawn { origin, id, name } => {
            let (peer, name) = (origin.parse().ok()?, name.as_str().into());
            Some(Event::Withdrawn { peer, id, name })
        }
        _ => None,
    }
}
