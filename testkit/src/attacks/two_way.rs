//! Two-way connections on which something is said that should not be, or nothing at all.
//!
//! Of two nodes the one with the smaller id, the chooser, speaks first. So each attack is made under
//! two names: one that should speak, and one that should wait for the target.

use std::sync::Arc;
use std::time::Duration;

use zre_proto::PeerId;

use super::attack::{Attack, Done};
use super::target::{Target, linger, many};
use super::{hellos, messages};
use crate::wire::connection::Connection;
use crate::wire::ghost::Ghost;
use crate::wire::{
    self, GOODBYE, Hello, MORE, TWO_WAY, WHISPER, command, frame, greeting, handshake_with, header,
    noise, property, two_way,
};

/// How long all connections of an attack may take.
const ALL: Duration = Duration::from_secs(10);

/// What is not noticed at once is noticed when a claim has been put to the test.
const PROOF: Duration = Duration::from_millis(1500);

/// Nobody listens there.
const NOWHERE: &str = "tcp://127.0.0.1:9";

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new("two-way-ready", "READY with the property twice, or other, or odd ids", |target| {
        Box::pin(on_two_way(target, readies))
    }),
    Attack::new("two-way-first", "anything but a good HELLO as the first message", |target| {
        Box::pin(on_two_way(target, first))
    }),
    Attack::new("two-way-early", "peers that speak first, though it is not for them", |target| {
        Box::pin(on_two_way(target, early))
    }),
    Attack::new("two-way-waiting", "300 that do not answer, or wait to be spoken to", |target| {
        Box::pin(on_two_way(target, waiting))
    }),
    Attack::new("two-way-elsewhere", "HELLO, or the answer, on the wrong connection", |target| {
        Box::pin(on_two_way(target, elsewhere))
    }),
    Attack::new("two-way-hello-again", "a peer says HELLO 1,000 times on one", |target| {
        Box::pin(on_two_way(target, again))
    }),
    Attack::new("two-way-endpoint", "HELLO with the endpoint of the victim, or a peer", |target| {
        Box::pin(on_two_way(target, endpoints))
    }),
    Attack::new("two-way-and-plain", "one id by one connection, and by one each way", |target| {
        Box::pin(on_two_way(target, mixed))
    }),
    Attack::new("two-way-broken-off", "100 peers break a rule, and go on sending", |target| {
        Box::pin(on_two_way(target, broken_off))
    }),
];

/// Attacks the target if it knows two-way connections. Any other has nothing to be attacked.
pub(super) async fn on_two_way<F>(
    target: Arc<Target>,
    attack: fn(Arc<Target>) -> F,
) -> Result<Done, String>
where
    F: Future<Output = Result<Done, String>> + Send,
{
    if target.is_two_way().await? {
        return attack(target).await;
    }
    Done::said("the target knows no two-way connections")
}

/// Returns values of the property that do not mean that a node knows two-way connections.
pub fn wrong_values() -> Vec<Vec<u8>> {
    let short: [&[u8]; 7] = [b"", b"0", b"2", b"11", b"1\0", b" 1", b"true"];
    let long = [vec![b'1'; 1024], vec![b'1'; 1025]];
    short.map(<[u8]>::to_vec).into_iter().chain(long).collect()
}

/// Returns first messages of a node that are not a good HELLO, and for which its connection is
/// closed.
pub fn wrong_first_messages() -> Vec<Vec<u8>> {
    let hello = Hello::new(NOWHERE).encode();
    let mut all = messages::whole(1);
    all.extend(messages::whole(2));
    all.push(header(42, 1, b"what is this"));
    all.extend(hellos::sequences());
    all.extend(hellos::false_counts());
    all.extend([7, 8, 20, hello.len() - 1].map(|length| hello[..length].to_vec()));
    all.extend(["", "nonsense", "tcp://127.0.0.1:0"].map(|place| Hello::new(place).encode()));
    all
}

/// Connects, past the handshake, in the place of one that may speak now: a follower has heard HELLO.
async fn greeted(target: &Target, id: PeerId) -> Result<Connection, String> {
    let mut connection = target.two_way(target.here, id).await?;
    if id > target.id && !is_greeted(&mut connection).await {
        return Err("the target does not greet a new two-way peer".into());
    }
    Ok(connection)
}

/// Whether the next message from the target is HELLO.
async fn is_greeted(connection: &mut Connection) -> bool {
    connection.read().await.is_ok_and(|frames| wire::number(&frames) == Some(wire::HELLO))
}

/// Greetings with READYs that have the property, and something odd.
fn odd_handshakes(target: &Target) -> Vec<Vec<u8>> {
    let names = [b"x-zre-two-way".as_slice(), b"X-ZRE-TWO-WAY", b"X-ZRE-Two-Way\0"];
    let names = names.map(|name| property(&String::from_utf8_lossy(name), b"1"));
    let values = wrong_values().into_iter().map(|value| property(TWO_WAY, &value));
    let [no, yes] = [property(TWO_WAY, b"0"), two_way()];
    let twice = [[&yes[..], &yes], [&yes, &no], [&no, &yes]].map(|both| both.concat());
    let many = (0..20).map(|number| property(&format!("X-{number}"), b"1")).collect::<Vec<_>>();
    let late = [many.concat(), yes.clone()].concat();
    let large = [yes.clone(), property("X-Large", &noise(60_000))].concat();
    let mut properties: Vec<_> = values.chain(names).chain(twice).collect();
    properties.extend([late, large, yes.repeat(1000)]);
    let mut all = Vec::new();
    for id in [target.both(), target.both()].concat().into_iter().chain([target.id]) {
        all.extend(properties.iter().map(|properties| handshake_with(id, properties)));
    }
    let socket = |name: &str| property("Socket-Type", name.as_bytes());
    let identity = |id: &[u8]| property("Identity", id);
    let named = |id: PeerId| identity(&id.routing_id());
    let [stranger, own] = [target.stranger(), target.id].map(named);
    let mut readies = vec![
        [socket("DEALER"), yes.clone()].concat(),
        [yes.clone(), socket("DEALER"), named(target.follower())].concat(),
        [socket("DEALER"), stranger.clone(), own.clone(), yes.clone()].concat(),
        [socket("DEALER"), own, stranger.clone(), yes.clone()].concat(),
        [socket("ROUTER"), stranger.clone(), yes.clone()].concat(),
        [socket("REQ"), stranger, yes.clone()].concat(),
    ];
    let ids = [vec![], vec![1; 16], vec![1; 18], vec![0; 17], vec![2; 17]];
    readies.extend(ids.map(|id| [socket("DEALER"), identity(&id), yes.clone()].concat()));
    all.extend(readies.iter().map(|ready| [greeting(17), command("READY", ready)].concat()));
    all
}

async fn readies(target: Arc<Target>) -> Result<Done, String> {
    let hello = wire::message(&[&Hello::new(NOWHERE).encode()]);
    let whisper = wire::message(&[&header(WHISPER, 2, &[]), b"content"]);
    let handshakes = Arc::new(odd_handshakes(&target));
    let count = handshakes.len();
    let closed = many(count, 16, ALL, move |i| {
        let (target, handshakes) = (Arc::clone(&target), Arc::clone(&handshakes));
        let said = [&handshakes[i], &hello[..], &whisper].concat();
        async move {
            let mut connection = target.route(target.here).connect().await.ok()?;
            connection.write(&said).await;
            Some(connection.closed(Duration::from_millis(100)).await)
        }
    });
    summary(count, &closed.await)
}

/// An attack by many connections has come about if some have.
fn summary(count: usize, closed: &[Option<bool>]) -> Result<Done, String> {
    let made = closed.iter().flatten().count();
    if made == 0 {
        return Err("no connection to the victim came about".into());
    }
    let shut = closed.iter().flatten().filter(|closed| **closed).count();
    Done::said(format!("{made} of {count} sent, {shut} closed within 100 ms"))
}

async fn first(target: Arc<Target>) -> Result<Done, String> {
    let mut said: Vec<Vec<u8>> = wrong_first_messages();
    said.extend(hellos::endpoints());
    said.extend(hellos::too_large());
    let mut said: Vec<_> = said.iter().map(|header| wire::message(&[header, b"more"])).collect();
    said.push(wire::message(&[b"not ZRE"]).repeat(1000));
    said.push(frame(MORE, b"x").repeat(1000));
    said.push(noise(1 << 16));
    let (count, said) = (2 * said.len(), Arc::new(said));
    let closed = many(count, 16, ALL, move |i| {
        let (target, said) = (Arc::clone(&target), Arc::clone(&said));
        async move {
            let id = if i % 2 == 0 { target.stranger() } else { target.follower() };
            let mut connection = greeted(&target, id).await.ok()?;
            connection.write(&said[i / 2]).await;
            Some(connection.closed(Duration::from_millis(100)).await)
        }
    });
    summary(count, &closed.await)
}

/// Followers that do not wait for the target, on the first connection, and on a further one.
async fn early(target: Arc<Target>) -> Result<Done, String> {
    let hello = wire::message(&[&Hello::new(NOWHERE).encode()]);
    let mut open = Vec::new();
    let mut refused = 0;
    for _ in 0..50 {
        let id = target.follower();
        let shaken = [handshake_with(id, &two_way()), hello.clone()].concat();
        for number in 0..3 {
            let connection = target.route(target.here).connect().await;
            let mut connection = connection.map_err(|error| format!("no connection: {error}"))?;
            connection.write(&shaken).await;
            if number > 0 {
                refused += usize::from(connection.closed(Duration::from_millis(50)).await);
            }
            open.push(connection);
        }
    }
    linger(PROOF).await;
    Done::holding(format!("{refused} of 100 closed within 50 ms"), open)
}

async fn waiting(target: Arc<Target>) -> Result<Done, String> {
    let mut open = Vec::new();
    for _ in 0..100 {
        open.push(target.two_way(target.here, target.stranger()).await?);
        open.push(greeted(&target, target.follower()).await?);
        let plain = target.dealer().await;
        open.push(plain.map_err(|error| format!("no connection: {error}"))?);
    }
    linger(Duration::from_secs(1)).await;
    Done::holding("", open)
}

async fn elsewhere(target: Arc<Target>) -> Result<Done, String> {
    let hello = Hello::new(NOWHERE).encode();
    let mut open = Vec::new();
    for _ in 0..20 {
        for id in target.both() {
            // A follower is spoken to on the first.
            let mut three = vec![greeted(&target, id).await?];
            for _ in 0..2 {
                three.push(target.two_way(target.here, id).await?);
            }
            // A follower answers everywhere but where it was spoken to, and a chooser everywhere.
            let order = if id > target.id { [1, 2, 0] } else { [0, 1, 2] };
            for place in order {
                three[place].send(&[&hello]).await;
                three[place].send(&[&header(WHISPER, 2, &[]), b"content"]).await;
            }
            let mut late = target.two_way(target.here, id).await?;
            late.send(&[&hello]).await;
            late.send(&[&header(GOODBYE, 2, &[])]).await;
            open.extend(three.into_iter().chain([late]));
        }
    }
    linger(PROOF).await;
    Done::holding(format!("{} connections", open.len()), open)
}

async fn again(target: Arc<Target>) -> Result<Done, String> {
    let mut taken = Vec::new();
    for id in target.both() {
        let mut ghost = target.two_way_ghost(id).await?;
        ghost.drain();
        let hello = Hello::new(&ghost.endpoint).encode();
        let mut count = 0;
        while count < 1000 && ghost.dealer.send(&[&hello]).await {
            count += 1;
        }
        taken.push(count);
    }
    Done::said(format!("{taken:?} taken"))
}

async fn endpoints(target: Arc<Target>) -> Result<Done, String> {
    let mailboxes = target.good.iter().map(|good| good.mailbox).chain([target.mailbox]);
    let mut met = 0;
    let mut open = Vec::new();
    for mailbox in mailboxes {
        // Three ways to go, and one to stay.
        for number in 0..4 {
            for id in target.both() {
                let bend = |hello: &mut Hello| hello.endpoint = format!("tcp://{mailbox}").into();
                let route = target.route(target.here);
                let ghost = Ghost::meet_two_way_with(route, id, bend).await;
                let mut ghost = ghost.map_err(|error| format!("not met: {error}"))?;
                met += 1;
                match number {
                    0 => drop(ghost.dealer.abrupt()),
                    1 => drop(ghost.send(GOODBYE, &[], &[]).await),
                    2 => drop(ghost.dealer.send(&[&header(WHISPER, 7, &[]), b"gap"]).await),
                    _ => open.push(ghost),
                }
            }
        }
    }
    linger(PROOF).await;
    Done::holding(format!("met {met} times"), open)
}

async fn mixed(target: Arc<Target>) -> Result<Done, String> {
    let mut open = Vec::new();
    let mut heard = 0;
    for _ in 0..10 {
        for id in target.both() {
            let mut by_one = target.two_way_ghost(id).await?;
            heard += usize::from(by_one.is_heard().await);
            // Against the first, which does not object, or does not exist any more.
            let mut plain = target.route(target.here).greet(&id.routing_id()).await;
            if let Ok(plain) = &mut plain {
                plain.send(&[&Hello::new(NOWHERE).encode()]).await;
                plain.send(&[&header(WHISPER, 2, &[]), b"content"]).await;
            }
            open.push((by_one, plain));
        }
    }
    linger(PROOF).await;
    for id in target.both() {
        let plain = target.ghost_as(id, |_| {}).await?;
        let by_one = target.two_way(target.here, id).await?;
        drop((plain, by_one));
        heard += usize::from(target.two_way_ghost(id).await?.is_heard().await);
    }
    Done::holding(format!("heard {heard} of 22 times"), open)
}

async fn broken_off(target: Arc<Target>) -> Result<Done, String> {
    let broken = many(100, 16, ALL, move |i| {
        let target = Arc::clone(&target);
        async move {
            let id = if i % 2 == 0 { target.stranger() } else { target.follower() };
            let mut ghost = target.two_way_ghost(id).await.ok()?;
            ghost.drain();
            // A gap; what comes after it is nobody's.
            let whisper = wire::message(&[&header(WHISPER, 9, &[]), &[7; 1000]]);
            let mut sent = 0;
            while sent < 100 && ghost.dealer.write(&whisper).await {
                sent += 1;
                linger(Duration::from_millis(10)).await;
            }
            Some((sent, ghost))
        }
    });
    let broken: Vec<_> = broken.await.into_iter().flatten().collect();
    let sent: usize = broken.iter().map(|(sent, _)| sent).sum();
    if broken.is_empty() {
        return Err("the target does not meet a new two-way peer".into());
    }
    Done::holding(format!("{sent} messages of {} peers were taken", broken.len()), broken)
}
