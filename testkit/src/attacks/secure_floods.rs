//! Much of what a secure node has to compute, and what an insider may do to its own connection.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use super::attack::{Attack, Done};
use super::secure::{NOT_SECURE, come, id_of, many_addresses};
use super::secure_target::SecureTarget;
use super::target::{Target, many};
use crate::curve::{Client, Keys, OF_CLIENT};
use crate::wire::dealer::Route;
use crate::wire::secure::{Secured, metadata};
use crate::wire::{self, Hello, MORE, PING};

/// How long connections are made.
const CONNECTING: Duration = Duration::from_secs(8);

/// Handshakes of a flood.
const HANDSHAKES: usize = 1500;

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new("secure-flood", "1,500 handshakes that stop half way", |target| {
        Box::pin(half(Arc::clone(&target), |target, _| target.here))
    }),
    Attack::elsewhere("secure-flood-many", "the same from many addresses", |target| {
        Box::pin(half(target, many_addresses))
    }),
    Attack::new("secure-flood-strangers", "1,500 whole handshakes of strangers", |target| {
        Box::pin(whole(target))
    }),
    Attack::new("secure-frames", "frames that are replayed, glued, bent, or left out", |target| {
        Box::pin(frames(target))
    }),
];

async fn half(target: Arc<Target>, from: fn(&Target, usize) -> Ipv4Addr) -> Result<Done, String> {
    let Some(secure) = target.secure.clone() else { return Done::said(NOT_SECURE) };
    let number = target.affordable(HANDSHAKES);
    let keys = Keys::draw();
    let open = many(number, 64, CONNECTING, move |number| {
        let route = Route { from: from(&target, number), ..target.route(target.here) };
        let mut client = Client::of(keys, secure.key);
        async move {
            let mut connection = route.connect().await.ok()?;
            connection.say_hello(&mut client).await.ok().map(|()| connection)
        }
    });
    let open: Vec<_> = open.await.into_iter().flatten().collect();
    Done::holding(format!("{} of {number} got an answer", open.len()), open)
}

async fn whole(target: Arc<Target>) -> Result<Done, String> {
    let Some(secure) = target.secure.clone() else { return Done::said(NOT_SECURE) };
    let came = many(HANDSHAKES, 64, CONNECTING, move |_| {
        let (client, id) = (Client::of(Keys::draw(), secure.key), target.stranger());
        let route = target.route(target.here);
        async move { Secured::dial(&route, client, |_| metadata(id, &[])).await.is_ok() }
    });
    let came = came.await;
    if came.iter().any(|came| *came) {
        return Err("a stranger is let in".into());
    }
    Done::said(format!("{} are refused", came.len()))
}

/// What an attacker in the middle may do to the frames of a connection.
#[derive(Clone, Copy, Debug)]
enum Bend {
    Replay,
    Twice,
    OuterMore,
    OuterCommand,
    Cut,
    Flip,
    Glue,
    OldCounter,
    LastCounter,
    Plain,
}

const BENDS: [Bend; 10] = [
    Bend::Replay,
    Bend::Twice,
    Bend::OuterMore,
    Bend::OuterCommand,
    Bend::Cut,
    Bend::Flip,
    Bend::Glue,
    Bend::OldCounter,
    Bend::LastCounter,
    Bend::Plain,
];

impl Bend {
    /// What comes instead of a PING.
    fn bytes(self, secured: &mut Secured, before: &[u8]) -> Vec<u8> {
        let ping = wire::header(PING, 2, &[]);
        let sealed = secured.traffic.message(0, &ping);
        let counter = secured.traffic.next;
        let with = |counter| secured.traffic.message_with(OF_CLIENT, counter, 0, &ping);
        match self {
            Self::Replay => before.to_vec(),
            Self::Twice => wire::frame(0, &sealed).repeat(2),
            Self::OuterMore => wire::frame(MORE, &sealed),
            Self::OuterCommand => wire::frame(wire::COMMAND, &sealed),
            Self::Cut => wire::frame(0, &sealed[..sealed.len() - 1]),
            Self::Flip => {
                let mut sealed = sealed;
                let last = sealed.len() - 1;
                sealed[last] ^= 1;
                wire::frame(0, &sealed)
            }
            Self::Glue => {
                let next = secured.traffic.message(0, &ping);
                wire::frame(0, &[sealed, next].concat())
            }
            Self::OldCounter => wire::frame(0, &with(1)),
            // There is no next one after it.
            Self::LastCounter => {
                [with(u64::MAX), with(counter)].map(|it| wire::frame(0, &it)).concat()
            }
            Self::Plain => wire::frame(0, &ping),
        }
    }
}

/// An insider that has said HELLO; and the bytes of that.
async fn greeted(target: &Target, secure: &SecureTarget) -> Result<(Secured, Vec<u8>), String> {
    let id = id_of(target, &secure.insider.public);
    let came = come(target, secure, &secure.insider, id, |_| Vec::new()).await;
    let mut came = came.map_err(|error| format!("no connection: {error}"))?;
    let hello = came.seal(&[&Hello::new("tcp://127.0.0.1:9").encode()]);
    came.connection.write(&hello).await;
    Ok((came, hello))
}

async fn frames(target: Arc<Target>) -> Result<Done, String> {
    let Some(secure) = &target.secure else { return Done::said(NOT_SECURE) };
    for bend in BENDS {
        let (mut came, hello) = greeted(&target, secure).await?;
        let bytes = bend.bytes(&mut came, &hello);
        came.connection.write(&bytes).await;
        if !came.connection.closed(Duration::from_secs(2)).await {
            return Err(format!("{bend:?} is borne"));
        }
    }
    // Of what is left out the counter tells nothing; the sequence of the messages does.
    let (mut came, _) = greeted(&target, secure).await?;
    drop(came.seal(&[&wire::header(PING, 2, &[])]));
    came.send(&[&wire::header(PING, 3, &[])]).await;
    if !came.connection.closed(Duration::from_secs(2)).await {
        return Err("a message may be left out".into());
    }
    Done::said(format!("{} connections are closed", BENDS.len() + 1))
}
