//! Which of the clients that a server knows are being served.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

/// The names of the clients that are being served, and on how many connections each.
type Names = BTreeMap<Arc<str>, usize>;

/// Which of the clients that a server knows are being served.
#[derive(Clone, Debug)]
pub(super) struct ServedClients(watch::Sender<Names>);

/// A client that is being served, until this is dropped.
#[derive(Debug)]
pub(super) struct Served {
    names: watch::Sender<Names>,
    name: Arc<str>,
}

impl ServedClients {
    pub(super) fn new() -> Self {
        Self(watch::Sender::default())
    }

    /// Notes that a client is being served on one more connection.
    pub(super) fn enter(&self, name: Arc<str>) -> Served {
        self.0.send_modify(|names| *names.entry(Arc::clone(&name)).or_default() += 1);
        Served { names: self.0.clone(), name }
    }

    /// Waits until a client is being served, or is not.
    pub(super) async fn until(&self, name: &str, served: bool) {
        // This is a sender: there is no end.
        let mut names = self.0.subscribe();
        let _ = names.wait_for(|names| names.contains_key(name) == served).await;
    }
}

impl Served {
    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.names.send_modify(|names| {
            if let Some(connections) = names.get_mut(&self.name) {
                *connections -= 1;
                if *connections == 0 {
                    names.remove(&self.name);
                }
            }
        });
    }
}
