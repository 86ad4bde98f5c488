//! The options of the socket of a connection.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// How long a connection is quiet before keep-alive probes are sent.
pub(super) const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);

/// The time between two unanswered keep-alive probes.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(3);

/// Unanswered keep-alive probes before the connection is dropped. Where a fifth of all packets is
/// lost, each way, of three in a row none is answered every twentieth time.
const MAX_KEEPALIVE_PROBES: u32 = 12;

/// Bytes that the kernel takes without sending them. So a send queue shows how much the
/// remote takes, if the kernel does not hide seconds of a slow path in a buffer of its own. With
/// less a fast path falls idle: the kernel asks for more only when half of it is sent.
pub(super) const MAX_UNSENT: u32 = 1 << 20;

/// Whether a connection is accepted with the options of the socket that listens.
pub(super) const INHERITS_OPTIONS: bool = cfg!(any(target_os = "android", target_os = "linux"));

/// Sets the options of a connection, before or after it is made.
///
/// # Errors
/// Errors of the kernel. Only what the connection cannot do without is one.
pub(super) fn prepare(socket: SockRef<'_>) -> io::Result<()> {
    // Messages are batched before they get here; Nagle would only delay the last one of a batch.
    socket.set_tcp_nodelay(true)?;
    set_keepalive(&socket);
    set_linear_timeouts(&socket);
    limit_unsent(&socket);
    Ok(())
}

/// Lets the kernel notice that the remote's host is gone: a silent connection would otherwise
/// outlive it forever. The price is a probe now and then on a quiet connection. (Not
/// `TCP_USER_TIMEOUT`: on Linux it also ends a connection whose remote is alive and does not read.)
fn set_keepalive(socket: &SockRef<'_>) {
    let probes = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(MAX_KEEPALIVE_PROBES);
    // The connection works without it.
    let _ = socket.set_tcp_keepalive(&probes);
}

/// Lets the kernel repeat what was lost at even intervals while few segments are on their way. With
/// so few the sender learns of a loss by a timeout only, and each further one would double the
/// pause: where a tenth of all segments is lost, the messages of a quiet connection would now and
/// then wait for a minute, longer than a silent remote is believed to be alive. The kernel backs
/// off again when six repetitions in a row were lost, so a dead network is not flooded.
fn set_linear_timeouts(socket: &SockRef<'_>) {
    // The connection works without it.
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let _ = socket.set_tcp_thin_linear_timeouts(true);
    #[cfg(not(any(target_os = "android", target_os = "fuchsia", target_os = "linux")))]
    let _ = socket;
}

/// Keeps what waits in the send queue, where it is counted, and not in the kernel.
fn limit_unsent(socket: &SockRef<'_>) {
    // The connection works without it.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    let _ = socket.set_tcp_notsent_lowat(MAX_UNSENT);
    #[cfg(not(any(target_os = "android", target_os = "linux")))]
    let _ = (socket, MAX_UNSENT);
}
