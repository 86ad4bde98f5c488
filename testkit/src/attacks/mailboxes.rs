//! Mailboxes that lie in wait: the victim connects to them, because a beacon says so.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use zre_proto::PeerId;

use super::attack::{Attack, Done};
use super::target::{Target, linger};
use crate::wire::{COMMAND, MORE, announcement, beacon, command, frame, greeting, noise, ready};

/// How long a victim is waited for.
const COMES: Duration = Duration::from_secs(1);

/// Sends this as soon as a node connects.
type Script = fn() -> Vec<u8>;

/// A mailbox that is said to be that of a node.
pub(super) struct Bait {
    /// The node.
    pub(super) id: PeerId,
    /// What it sends as soon as a node connects.
    pub(super) says: Vec<u8>,
}

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new("mailbox-garbage", "a mailbox that speaks HTTP, or noise", |target| {
        Box::pin(lure(target, vec![http, || noise(1 << 16), || vec![0xFF; 4096]]))
    }),
    Attack::new("mailbox-silent", "a mailbox that never ends its handshake", |target| {
        let half: Script = || greeting(0)[..33].to_vec();
        Box::pin(lure(target, vec![Vec::new, half, || greeting(0)]))
    }),
    Attack::new(
        "mailbox-announces",
        "a mailbox that announces frames of 2^31 and more",
        |target| {
            let early: Script = || [greeting(0), announcement(COMMAND, 1 << 46)].concat();
            let large: Script = || [shaken(), announcement(0, 1 << 31)].concat();
            let larger: Script = || [shaken(), announcement(MORE, 1 << 46)].concat();
            let largest: Script = || [shaken(), announcement(0, (1 << 63) - 1)].concat();
            Box::pin(lure(target, vec![early, large, larger, largest]))
        },
    ),
    Attack::new("mailbox-talks", "a mailbox that sends messages, which none ever does", |target| {
        let hello: Script = || {
            let hello = crate::wire::Hello::new("tcp://127.0.0.1:9").encode();
            [shaken(), crate::wire::message(&[&hello]).repeat(1000)].concat()
        };
        let empty: Script = || [shaken(), frame(0, b"").repeat(100_000)].concat();
        let endless: Script = || [shaken(), frame(MORE, b"x").repeat(100_000)].concat();
        Box::pin(lure(target, vec![hello, empty, endless]))
    }),
    Attack::new(
        "mailbox-pings",
        "a mailbox that sends 100,000 PINGs and reads nothing",
        |target| {
            let ping: Script = || [shaken(), command("PING", &[0; 18]).repeat(100_000)].concat();
            Box::pin(lure(target, vec![ping]))
        },
    ),
    Attack::new("mailbox-ready", "a mailbox whose READY is a megabyte, or nonsense", |target| {
        let large: Script = || {
            let property = crate::wire::property("X-Large", &vec![7; 1 << 20]);
            [greeting(0), command("READY", &property)].concat()
        };
        let wrong: Script = || [greeting(0), ready("PUB", b"")].concat();
        let error: Script = || [greeting(0), command("ERROR", b"\x02no")].concat();
        Box::pin(lure(target, vec![large, wrong, error]))
    }),
];

fn http() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()
}

/// All that a mailbox has to say.
fn shaken() -> Vec<u8> {
    [greeting(0), ready("ROUTER", b"")].concat()
}

/// Opens a mailbox of a stranger for each of these.
async fn lure(target: Arc<Target>, scripts: Vec<Script>) -> Result<Done, String> {
    let bait = |script: Script| Bait { id: target.stranger(), says: script() };
    let baits = scripts.into_iter().map(bait).collect();
    lure_with(target, baits).await
}

/// Opens these mailboxes, and has the victim come. Other nodes that hear the beacon come too, and
/// are served the same.
pub(super) async fn lure_with(target: Arc<Target>, baits: Vec<Bait>) -> Result<Done, String> {
    let mut beacons = target.beacons(target.here)?;
    let mut open = Vec::new();
    let mut came = 0;
    for bait in baits {
        let mailbox = target.mailbox_at(target.here)?;
        beacons.send(&beacon(1, bait.id, mailbox.address.port())).await;
        let bytes = Arc::new(bait.says);
        // The good peers and the victim.
        for _ in 0..=target.good.len() {
            let Ok(Ok(stream)) = timeout(COMES, mailbox.accept()).await else { break };
            came += 1;
            open.push(tokio::spawn(serve(stream, Arc::clone(&bytes))));
        }
    }
    linger(Duration::from_millis(500)).await;
    let held = Held(open);
    if came == 0 {
        return Err("nobody came".into());
    }
    Done::holding(format!("{came} connections came"), held)
}

/// Says all there is to say, reads a little, and stays.
async fn serve(mut stream: TcpStream, bytes: Arc<Vec<u8>>) {
    // The other end may close at any point, as it should.
    let _ = stream.write_all(&bytes).await;
    let mut some = [0; 1024];
    let _ = stream.read(&mut some).await;
    std::future::pending::<()>().await;
}

/// Tasks that end when this is dropped.
struct Held(Vec<tokio::task::JoinHandle<()>>);

impl Drop for Held {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}
