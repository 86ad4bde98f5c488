//! The door: connections of browsers, each within bounds.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::Semaphore;

use super::access::Access;
use super::connection::Patient;
use super::error::ServeError;
use super::routes::{Server, routes};
use super::scene::Scene;
use super::stream::{self, Broadcast};
use crate::say;

/// How many connections may be open at once; more are closed unheard.
const CONNECTIONS: usize = 256;

/// How long a request may take to arrive, and a connection be without one.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of a request's head, and of an answer that waits to be taken.
const BUFFER: usize = 32 * 1024;

/// Bytes that the kernel may hold for a browser.
const SEND_BUFFER: usize = 128 * 1024;

/// How often it is looked whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// Listens at an address.
pub(super) fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    let failed = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

/// Serves until `ends` says so.
pub(super) fn run(
    listener: TcpListener,
    access: &Arc<Access>,
    scene: &Arc<Scene>,
    ends: impl Fn() -> bool,
) -> Result<(), ServeError> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(ServeError::Thread)?;
    let (access, scene) = (access.clone(), scene.clone());
    let served = runtime.block_on(async {
        let address = listener.local_addr().map_err(ServeError::Thread)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(ServeError::Thread)?;
        announce(address, &access.link());
        let broadcast = Arc::new(Broadcast::default());
        tokio::spawn(stream::publish(scene.clone(), broadcast.clone()));
        let routes = TowerToHyperService::new(routes(Server::new(access, scene, broadcast)));
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let Ok((stream, _)) = accepted else {
                        // No descriptors, mostly: some come back.
                        tokio::time::sleep(LOOK).await;
                        continue;
                    };
                    let Ok(place) = places.clone().try_acquire_owned() else { continue };
                    let routes = routes.clone();
                    tokio::spawn(async move {
                        let _place = place;
                        prepare(&stream);
                        // What goes wrong on it is over with it.
                        let _ = http1::Builder::new()
                            .timer(TokioTimer::new())
                            .header_read_timeout(PATIENCE)
                            .max_buf_size(BUFFER)
                            .max_headers(64)
                            .serve_connection(TokioIo::new(Patient::new(stream)), routes)
                            .await;
                    });
                }
                _ = look.tick() => if ends() { return Ok(()) },
            }
        }
    });
    // What is being looked for is not waited for.
    runtime.shutdown_background();
    served
}

/// Says where the page is.
fn announce(address: SocketAddr, link: &str) {
    if address.ip().is_unspecified() {
        let port = address.port();
        let more = "and at every other address of this machine";
        say(format_args!("the page is at http://127.0.0.1:{port}/{link} {more}"));
    } else {
        say(format_args!("the page is at http://{address}/{link}"));
    }
}

/// Bounds what the kernel does for a connection.
fn prepare(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(PATIENCE);
    // Without these it works as well.
    let _ = socket.set_tcp_keepalive(&keepalive);
    let _ = socket.set_send_buffer_size(SEND_BUFFER);
    let _ = socket.set_tcp_nodelay(true);
}
