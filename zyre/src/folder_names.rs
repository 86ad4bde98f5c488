//! How the folders of peers are named.

use std::fmt;
use std::sync::Arc;

use zre_proto::PeerInfo;

/// Returns the name for the folder of a peer. Clones are the same function.
#[derive(Clone)]
pub(crate) struct FolderNames(Arc<dyn Fn(&PeerInfo) -> String + Send + Sync>);

impl FolderNames {
    pub(crate) fn new(name: impl Fn(&PeerInfo) -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(name))
    }

    pub(crate) fn of(&self, peer: &PeerInfo) -> String {
        (self.0)(peer)
    }
}

impl Default for FolderNames {
    fn default() -> Self {
        Self::new(|peer| peer.name.to_string())
    }
}

impl fmt::Debug for FolderNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FolderNames").finish_non_exhaustive()
    }
}
