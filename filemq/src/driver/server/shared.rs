//! What all tasks of a server share.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use tokio::sync::mpsc;
use zmtp::sync::Mutex;

use super::event::{ClientInfo, ServerEvent};
use super::options::ServerOptions;
use super::state::ServerState;

/// Returns the tags of a client.
pub(super) type TagFn = dyn Fn(&ClientInfo) -> BTreeSet<Arc<str>> + Send + Sync;

/// What all tasks of a server share.
pub(super) struct ServerShared {
    pub(super) state: Mutex<ServerState>,
    pub(super) options: ServerOptions,
    pub(super) tags: Mutex<Arc<TagFn>>,
    pub(super) events: mpsc::Sender<ServerEvent>,
    /// Where it listens.
    pub(super) addresses: Mutex<Vec<SocketAddr>>,
    /// To the task that accepts connections.
    pub(super) doors: mpsc::UnboundedSender<Door>,
}

/// A change of where a server listens.
pub(super) enum Door {
    Opened(TcpListener),
    Closed(SocketAddr),
}

impl ServerShared {
    /// Tells the application what is published and what is not, if that is news.
    pub(super) fn tell_news(&self) {
        self.state.lock().tell_news(|event| self.events.try_send(event).is_ok());
    }

    /// Returns the tags that this client carries now.
    pub(super) fn tags_of(&self, client: &ClientInfo) -> BTreeSet<Arc<str>> {
        let tags = Arc::clone(&self.tags.lock());
        tags(client)
    }
}
