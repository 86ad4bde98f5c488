//! A mailbox made by hand.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::connection::{Connection, soon};
use crate::curve::{self, Keys, Server};
use crate::wire;

/// A mailbox made by hand.
#[derive(Debug)]
pub struct Mailbox {
    listener: TcpListener,
    /// Where it is.
    pub address: SocketAddr,
    patience: Duration,
    /// The pair of one that is secured.
    keys: Option<Keys>,
}

impl Mailbox {
    /// Opens a mailbox, in which a node may take as long as `patience`.
    ///
    /// # Errors
    /// If there is no port for it.
    pub fn open(here: Ipv4Addr, patience: Duration) -> io::Result<Self> {
        Self::listen(TcpSocket::new_v4()?, here, patience)
    }

    /// Opens a mailbox whose kernel takes little.
    ///
    /// # Errors
    /// If there is no port for it.
    pub fn open_small(here: Ipv4Addr, patience: Duration) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(4096)?;
        Self::listen(socket, here, patience)
    }

    /// Opens a mailbox to which nobody can connect any more: the kernel keeps one connection for a
    /// program that does not take it, and no other.
    ///
    /// # Errors
    /// If there is no port for it.
    pub async fn open_hung(here: Ipv4Addr) -> io::Result<(Self, TcpStream)> {
        let mailbox = Self::queue(TcpSocket::new_v4()?, here, Duration::ZERO, 0)?;
        let only = TcpStream::connect(mailbox.address).await?;
        Ok((mailbox, only))
    }

    fn listen(socket: TcpSocket, here: Ipv4Addr, patience: Duration) -> io::Result<Self> {
        Self::queue(socket, here, patience, 1024)
    }

    fn queue(
        socket: TcpSocket,
        here: Ipv4Addr,
        patience: Duration,
        backlog: u32,
    ) -> io::Result<Self> {
        socket.bind((here, 0).into())?;
        let listener = socket.listen(backlog)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, patience, keys: None })
    }

    /// Has handshakes be those of a secured one with this pair, if there is one.
    #[must_use]
    pub fn secured(self, keys: Option<Keys>) -> Self {
        Self { keys, ..self }
    }

    /// Takes the next connection, of any node, and says nothing.
    ///
    /// # Errors
    /// If none comes in time.
    pub async fn accept(&self) -> io::Result<TcpStream> {
        Ok(soon(self.patience, self.listener.accept()).await?.0)
    }

    /// Takes the next connection, of any node, and says nothing on it.
    ///
    /// # Errors
    /// If none comes in time.
    pub async fn take(&self) -> io::Result<Connection> {
        Ok(Connection::new(self.accept().await?, self.patience))
    }

    /// Takes the next connection that still lives, within this time, and says nothing on it. Others may
    /// have waited in the kernel until their nodes had given up.
    ///
    /// # Errors
    /// If none comes.
    pub async fn take_fresh(&self, within: Duration) -> Result<Connection, String> {
        let end = tokio::time::Instant::now() + within;
        loop {
            match self.take().await {
                Ok(mut connection) => {
                    if connection.lives() {
                        return Ok(connection);
                    }
                }
                Err(error) if tokio::time::Instant::now() > end => {
                    return Err(format!("the target does not come: {error}"));
                }
                Err(_) => {}
            }
        }
    }

    /// Takes the next connection and finishes its handshake, as most nodes do: without an identity.
    ///
    /// # Errors
    /// If none comes in time.
    pub async fn greet(&self) -> io::Result<Connection> {
        self.greet_with(b"", b"").await
    }

    /// Takes the next connection and finishes its handshake, with this identity and these further
    /// properties in READY.
    ///
    /// # Errors
    /// If none comes in time.
    pub async fn greet_with(&self, identity: &[u8], properties: &[u8]) -> io::Result<Connection> {
        let mut connection = Connection::new(self.accept().await?, self.patience);
        if let Some(keys) = self.keys {
            let metadata = [curve::metadata("ROUTER", identity), properties.to_vec()].concat();
            connection.shake_as_server(Server::of(keys), &metadata).await?;
            return Ok(connection);
        }
        let ready = wire::ready_with("ROUTER", identity, properties);
        connection.shake(&[wire::greeting(0), ready].concat()).await?;
        Ok(connection)
    }
}
