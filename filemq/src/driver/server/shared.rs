//! What all tasks of a server share.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use tokio::sync::mpsc;
use zmtp::sync::Mutex;

use super::callee::Callee;
use super::event::{ClientInfo, ServerEvent};
use super::guest::Guest;
use super::options::ServerOptions;
use super::places::Places;
use super::served::ServedClients;
use super::state::ServerState;
use crate::driver::call::Call;

/// Returns the guest that a client is, or why it is refused.
pub(super) type GuestFn = dyn Fn(&ClientInfo) -> Result<Guest, Arc<str>> + Send + Sync;

/// Takes a call.
pub(super) type CallFn = dyn Fn(Call) + Send + Sync;

/// What all tasks of a server share.
pub(super) struct ServerShared {
    pub(super) state: Mutex<ServerState>,
    pub(super) options: ServerOptions,
    pub(super) guests: Mutex<Arc<GuestFn>>,
    pub(super) calls: Mutex<Arc<CallFn>>,
    pub(super) served: ServedClients,
    pub(super) places: Places,
    pub(super) events: mpsc::Sender<ServerEvent>,
    /// Where it listens.
    pub(super) addresses: Mutex<Vec<SocketAddr>>,
    /// To the task that accepts connections.
    pub(super) doors: mpsc::UnboundedSender<Door>,
}

/// A change of the addresses where a server listens, or of the clients that it calls.
pub(super) enum Door {
    Opened(TcpListener),
    Closed(SocketAddr),
    Call(Box<Callee>),
    HangUp(Arc<str>),
}

impl ServerShared {
    /// Tells the application what is published and what is not, if that is news.
    pub(super) fn tell_news(&self) {
        self.state.lock().tell_news(|event| self.events.try_send(event).is_ok());
    }

    /// Returns the guest that this client is now, or why it is refused.
    pub(super) fn guest(&self, client: &ClientInfo) -> Result<Guest, Arc<str>> {
        let guests = Arc::clone(&self.guests.lock());
        guests(client)
    }

    /// Hands over a call.
    pub(super) fn called(&self, call: Call) {
        let calls = Arc::clone(&self.calls.lock());
        calls(call);
    }
}
