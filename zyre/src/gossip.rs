//! Gossip: nodes that find each other where no beacon gets through, by telling each other of others.
//!
//! What is said is decided by [`zre_proto::gossip::Gossip`]. One task has it, and the queues of all
//! gossip connections; what comes in reaches it by one bounded channel.

mod command;
mod connection;
mod hub;
mod service;
mod status;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::mpsc;
use zmtp::sync::Mutex;
use zre_proto::HostEndpoint;

pub use self::status::{GossipError, GossipStatus, Hub, HubState};

use self::command::Command;
use self::service::Service;
use crate::driver::Driver;
use crate::secure::Gate;

/// Hubs that a node connects to, and addresses that it listens at.
const MAX_HUBS: usize = 64;

/// What is asked for from the start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) listen: Vec<SocketAddr>,
    pub(crate) connect: Vec<HostEndpoint>,
}

/// The gossip of a node, for its handles. It costs nothing before it is used.
#[derive(Default)]
pub(crate) struct Gossip {
    status: Arc<Mutex<GossipStatus>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// To the task; `None` before there is one.
    commands: Option<mpsc::UnboundedSender<Command>>,
    hubs: usize,
    addresses: usize,
}

/// What was opened, and is to be used when the node has started.
#[derive(Default)]
pub(crate) struct Opened(Vec<Command>);

impl Opened {
    /// Opens what is asked for.
    pub(crate) fn open(settings: &Settings, gate: Option<&Arc<Gate>>) -> Result<Self, GossipError> {
        if settings.listen.len().max(settings.connect.len()) > MAX_HUBS {
            return Err(GossipError::TooMany { limit: MAX_HUBS });
        }
        let sockets = settings.listen.iter().map(|it| Command::listen(*it).map(|(it, _)| it));
        let hubs = settings.connect.iter().cloned().map(|it| Command::connect(it, gate));
        Ok(Self(sockets.chain(hubs).collect::<Result<_, _>>()?))
    }
}

impl Gossip {
    /// Uses what was opened before the node started.
    pub(crate) fn start(&self, driver: &Arc<Driver>, opened: Opened) {
        for command in opened.0 {
            // They are not too many, and the node has just started.
            let _ = self.tell(driver, command);
        }
    }

    pub(crate) fn listen(
        &self,
        driver: &Arc<Driver>,
        address: SocketAddr,
    ) -> Result<SocketAddr, GossipError> {
        let (command, bound) = Command::listen(address)?;
        self.tell(driver, command)?;
        Ok(bound)
    }

    pub(crate) fn connect(
        &self,
        driver: &Arc<Driver>,
        hub: HostEndpoint,
    ) -> Result<(), GossipError> {
        let command = Command::connect(hub, driver.gate())?;
        self.tell(driver, command)
    }

    pub(crate) fn status(&self) -> GossipStatus {
        self.status.lock().clone()
    }

    fn tell(&self, driver: &Arc<Driver>, command: Command) -> Result<(), GossipError> {
        let mut state = self.state.lock();
        let count = match &command {
            Command::Listen(_) => &mut state.addresses,
            Command::Connect(endpoint, _) => {
                if self.status.lock().hubs.iter().any(|hub| hub.endpoint == *endpoint) {
                    // It is connected to already, or will be.
                    return Ok(());
                }
                &mut state.hubs
            }
        };
        if *count >= MAX_HUBS {
            return Err(GossipError::TooMany { limit: MAX_HUBS });
        }
        *count += 1;
        {
            let mut status = self.status.lock();
            match &command {
                Command::Listen(socket) => status.listening.extend(socket.local_addr()),
                Command::Connect(endpoint, _) => status
                    .hubs
                    .push(Hub { endpoint: endpoint.clone(), state: HubState::Connecting(None) }),
            }
        }
        let commands = state.commands.get_or_insert_with(|| {
            let (commands, receiver) = mpsc::unbounded_channel();
            let service = Service::new(driver, receiver, Arc::clone(&self.status));
            driver.spawn(service.run(Arc::clone(driver)));
            commands
        });
        // The task ends with the node.
        commands.send(command).map_err(|_| GossipError::Stopped)
    }
}
