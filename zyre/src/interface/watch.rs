//! Notices at once that interfaces or addresses of the host change.
//!
//! Where the system does not tell, it is noticed by the look at the host that comes with every
//! beacon.

/// Tells that something has changed, not what: then the host is looked at.
pub(crate) struct HostWatch(#[cfg(target_os = "linux")] Option<linux::Watch>);

impl HostWatch {
    /// Begins to watch. On a system that does not tell it waits for ever.
    #[cfg(target_os = "linux")]
    pub(crate) fn new() -> Self {
        let watch = linux::open();
        if let Err(error) = &watch {
            tracing::debug!(%error, "changes of interfaces are noticed late");
        }
        Self(watch.ok())
    }

    /// Begins to watch. On a system that does not tell it waits for ever.
    #[cfg(not(target_os = "linux"))]
    pub(crate) const fn new() -> Self {
        Self()
    }

    /// Whether it tells of changes.
    #[cfg(target_os = "linux")]
    pub(crate) const fn tells(&self) -> bool {
        self.0.is_some()
    }

    /// Whether it tells of changes.
    #[cfg(not(target_os = "linux"))]
    pub(crate) const fn tells(&self) -> bool {
        false
    }

    /// Waits for a change. Safe to cancel.
    pub(crate) async fn changed(&mut self) {
        #[cfg(target_os = "linux")]
        if let Some(watch) = &self.0 {
            if linux::changed(watch).await.is_ok() {
                return;
            }
            self.0 = None;
        }
        std::future::pending().await
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixDatagram;

    use nix::sys::socket::{
        AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, socket,
    };

    /// What is told of: links, and addresses of both families (`RTMGRP_LINK`, `…_IPV4_IFADDR`,
    /// `…_IPV6_IFADDR`).
    const GROUPS: u32 = 0x1 | 0x10 | 0x100;

    /// Of a message only the fact counts.
    const MESSAGE: usize = 64;

    /// The queue of the kernel was full, and messages were lost.
    const ENOBUFS: i32 = 105;

    /// A socket of datagrams, of whatever family: all that is done with it is to receive.
    pub(super) type Watch = tokio::net::UnixDatagram;

    pub(super) fn open() -> io::Result<Watch> {
        let family = AddressFamily::Netlink;
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(family, SockType::Datagram, flags, SockProtocol::NetlinkRoute)?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, GROUPS))?;
        Watch::from_std(UnixDatagram::from(socket))
    }

    /// Waits for a message, and takes all that there are.
    pub(super) async fn changed(watch: &Watch) -> io::Result<()> {
        let mut message = [0; MESSAGE];
        watch.recv(&mut message).await.or_else(but_lost)?;
        loop {
            match watch.try_recv(&mut message).or_else(but_lost) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// What counts is that there were any.
    fn but_lost(error: io::Error) -> io::Result<usize> {
        if error.raw_os_error() == Some(ENOBUFS) { Ok(0) } else { Err(error) }
    }
}
