//! A node and its files.

use std::path::PathBuf;

use pyo3::prelude::*;
use zyre::{OfferId, ShareError};

use crate::errors;
use crate::from_python::Id;
use crate::node::Node;
use crate::to_python::ToPython as _;
use crate::waiting;

fn share_failed(error: ShareError) -> PyErr {
    errors::ShareError::new_err(match error {
        // There is no builder here.
        ShareError::NotSharing => {
            "this node shares no files: start it with share=, receive= or publishing=True"
                .to_owned()
        }
        error => error.to_string(),
    })
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn offer_failed(error: zyre::OfferError) -> PyErr {
    errors::OfferError::new_err(error.to_string())
}

#[pymethods]
impl Node {
    /// Publishes a file, or a folder with all that is in it: each peer that shares files gets it, or only
    /// the members of a group, or one peer. Returns its name on the network.
    ///
    /// `ignore` are patterns in the syntax of `.gitignore`, of what is left out.
    #[pyo3(signature = (path, *, group=None, peer=None, name=None, ignore=Vec::new(), hidden=false))]
    #[expect(clippy::too_many_arguments, reason = "Python names them")]
    fn publish(
        &self,
        py: Python<'_>,
        path: PathBuf,
        group: Option<String>,
        peer: Option<Id>,
        name: Option<String>,
        ignore: Vec<String>,
        hidden: bool,
    ) -> PyResult<String> {
        let mut publish = self.node()?.publish(path).hidden(hidden);
        publish = match (group, peer) {
            (Some(_), Some(_)) => {
                return Err(errors::value(
                    "a file is published to a group or to a peer, not to both",
                ));
            }
            (Some(group), None) => publish.to(group),
            (None, Some(peer)) => publish.to(peer.0),
            (None, None) => publish,
        };
        if let Some(name) = name {
            publish = publish.named(name);
        }
        publish = ignore.into_iter().fold(publish, zyre::Publish::ignore);
        waiting::apart(py, move || publish.blocking())?.map_err(share_failed)
    }

    /// Takes back what was published under this name: it is deleted where it has arrived. Returns `False`
    /// if nothing was.
    fn retract(&self, py: Python<'_>, name: String) -> PyResult<bool> {
        let node = self.node()?.clone();
        waiting::apart(py, move || node.blocking_retract(&name))?.map_err(share_failed)
    }

    /// Returns what a peer has on offer now.
    fn offers<'py>(&self, py: Python<'py>, peer: Id) -> PyResult<Bound<'py, PyAny>> {
        self.node()?.offers(peer.0).to_python(py)
    }

    /// Accepts a file on offer, which is moved to `path` when it has come, if that is given.
    #[pyo3(signature = (offer, path=None))]
    fn accept(&self, offer: u64, path: Option<PathBuf>) -> PyResult<()> {
        let (node, offer) = (self.node()?, OfferId::from(offer));
        match path {
            Some(path) => node.accept_as(offer, path),
            None => node.accept(offer),
        }
        .map_err(offer_failed)
    }

    /// Declines a file on offer: the peer is told the reason.
    #[pyo3(signature = (offer, reason=""))]
    fn decline(&self, offer: u64, reason: &str) -> PyResult<()> {
        self.node()?.decline(offer.into(), reason).map_err(offer_failed)
    }

    /// Puts a file on offer off: what has come of it is kept.
    fn pause(&self, offer: u64) -> PyResult<()> {
        self.node()?.pause(offer.into()).map_err(offer_failed)
    }

    /// Takes back what was decided about a file on offer.
    fn cancel(&self, offer: u64) -> PyResult<()> {
        self.node()?.cancel(offer.into()).map_err(offer_failed)
    }
}
