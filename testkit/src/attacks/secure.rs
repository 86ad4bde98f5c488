//! Attacks on a secure node: by strangers, by insiders, and by attackers that would have it say something
//! that is not sealed.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use zre_proto::{Beacon, PeerId, PublicKey};

use super::attack::{Attack, Done};
use super::secure_target::SecureTarget;
use super::target::{Target, linger};
use super::transport::odd_greetings;
use crate::curve::{Client, Keys};
use crate::network_key::bound_id;
use crate::wire::mailbox::Mailbox;
use crate::wire::secure::{Secured, metadata};
use crate::wire::{self, Hello, WHISPER, handshake, longstr, message, string};

/// What is not noticed at once is noticed when a claim has been put to the test.
const PROOF: Duration = Duration::from_millis(1500);

/// From one forged beacon to the next.
const PAUSE: Duration = Duration::from_millis(10);

/// How long an attacker waits until nothing more comes.
const REST: Duration = Duration::from_millis(1000);

/// What a node may say to a remote that cannot answer: a greeting, and the first command.
const UNANSWERED: usize = 64 + 202;

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new("secure-strangers", "connections with keys that nobody trusts", |target| {
        Box::pin(strangers(target))
    }),
    Attack::new("secure-beacons", "100 forged beacons a second, of strangers", |target| {
        Box::pin(beacons(target))
    }),
    Attack::elsewhere("secure-goodbyes", "goodbyes with the good peers' own keys", |target| {
        Box::pin(goodbyes(target))
    }),
    Attack::new("secure-downgrade", "other mechanisms than the one that is set", |target| {
        Box::pin(downgrade(target))
    }),
    Attack::new("secure-downgrade-mailbox", "a trusted node that is not secure", |target| {
        Box::pin(downgrade_mailbox(target))
    }),
    Attack::new("secure-insider", "a trusted key in the names of the good peers", |target| {
        Box::pin(insider(target))
    }),
    Attack::new("secure-squat", "a trusted key with an id that shows another", |target| {
        Box::pin(squat(target))
    }),
    Attack::new("secure-unmarked", "members whose ids do not show it", |target| {
        Box::pin(unmarked(target))
    }),
    Attack::new("secure-boast", "HELLOs that tell another key than was proved", |target| {
        Box::pin(boast(target))
    }),
    Attack::new("secure-mailbox", "a trusted mailbox that says that it is another's", |target| {
        Box::pin(mailbox(target))
    }),
];

/// What every attack says of another target.
pub(super) const NOT_SECURE: &str = "the target is no secure node";

/// A stranger.
fn stranger_key() -> PublicKey {
    PublicKey::new(Keys::draw().public)
}

/// An id that shows a key, and no network.
pub(super) fn id_of(target: &Target, key: &[u8; 32]) -> PeerId {
    PeerId::new(bound_id(key, *target.stranger().as_bytes()))
}

/// Connects with this pair and says to be this node, and what else the metadata have.
pub(super) async fn come(
    target: &Target,
    secure: &SecureTarget,
    keys: &Keys,
    id: PeerId,
    more: impl FnOnce(&Client) -> Vec<u8> + Send,
) -> io::Result<Secured> {
    let client = Client::of(*keys, secure.key);
    let all = |client: &Client| metadata(id, &more(client));
    Secured::dial(&target.route(target.here), client, all).await
}

/// Whether a node has refused a remote.
fn is_refused(come: &io::Result<Secured>) -> bool {
    come.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

async fn strangers(target: Arc<Target>) -> Result<Done, String> {
    let Some(secure) = &target.secure else { return Done::said(NOT_SECURE) };
    let keys = Keys::draw();
    let names = target.good.iter().map(|good| good.id).chain([target.id]);
    for id in names.chain(target.both()).chain([id_of(&target, &keys.public)]) {
        for two_way in [Vec::new(), wire::two_way()] {
            let came = come(&target, secure, &keys, id, |_| two_way).await;
            if !is_refused(&came) {
                return Err(format!("a stranger in the name of {id} is not refused: {came:?}"));
            }
        }
    }
    Done::said("all are refused")
}

/// A node is claimed to be at a mailbox to which nobody may connect.
async fn nobody_comes(mailbox: &Mailbox) -> Result<(), String> {
    match mailbox.take().await {
        Err(_) => Ok(()),
        Ok(_) => Err("the target connects to where it must not".into()),
    }
}

async fn beacons(target: Arc<Target>) -> Result<Done, String> {
    if target.secure.is_none() {
        return Done::said(NOT_SECURE);
    }
    let trap = target.mailbox_at(target.here)?;
    let port = trap.address.port();
    let mut forging = JoinSet::new();
    let forged = Arc::clone(&target);
    let mut beacons = target.beacons(target.here)?;
    forging.spawn(async move {
        for number in 0.. {
            let good = forged.good[number % forged.good.len()].id;
            let (stranger, key) = (forged.stranger(), Some(stranger_key()));
            for beacon in [
                Beacon { peer: stranger, port, public_key: key },
                Beacon { peer: good, port, public_key: key },
                Beacon { peer: good, port: 0, public_key: key },
                Beacon { peer: good, port: 0, public_key: None },
                Beacon { peer: good, port, public_key: None },
            ] {
                beacons.send(&beacon.encode()).await;
                tokio::time::sleep(PAUSE).await;
            }
        }
    });
    nobody_comes(&trap).await?;
    // It goes on while a newcomer comes.
    Done::holding("nobody comes", forging)
}

async fn goodbyes(target: Arc<Target>) -> Result<Done, String> {
    let Some(secure) = &target.secure else { return Done::said(NOT_SECURE) };
    let mut beacons = target.beacons(target.other())?;
    let silent = target.mailbox_at(target.other())?;
    for _ in 0..10 {
        for (good, key) in target.good.iter().zip(&secure.good) {
            for port in [0, silent.address.port()] {
                let public_key = Some(PublicKey::new(*key));
                beacons.send(&Beacon { peer: good.id, port, public_key }.encode()).await;
            }
        }
        tokio::time::sleep(5 * PAUSE).await;
    }
    linger(PROOF).await;
    Done::holding("10 for each", silent)
}

async fn downgrade(target: Arc<Target>) -> Result<Done, String> {
    if target.secure.is_none() {
        return Done::said(NOT_SECURE);
    }
    let hello = message(&[&Hello::new("tcp://127.0.0.1:9").encode()]);
    let mut attempts = odd_greetings();
    attempts.push([handshake(target.stranger()), hello.clone()].concat());
    attempts.push([crate::curve::greeting("NULL", 1, 0), hello].concat());
    for bytes in &attempts {
        let connection = target.route(target.here).connect().await;
        let mut connection = connection.map_err(|error| format!("no connection: {error}"))?;
        connection.write(bytes).await;
        let said = connection.read_rest(REST).await;
        if said.len() > 64 {
            return Err(format!("{} bytes are said to {:?}", said.len(), &bytes[..64]));
        }
    }
    Done::said(format!("{} connections", attempts.len()))
}

/// Announces a mailbox of the insider's, and waits for the target.
async fn announce(
    target: &Target,
    secure: &SecureTarget,
    id: PeerId,
    mailbox: &Mailbox,
) -> Result<(), String> {
    let mut beacons = target.beacons(target.here)?;
    let public_key = Some(PublicKey::new(secure.insider.public));
    let beacon = Beacon { peer: id, port: mailbox.address.port(), public_key };
    beacons.send(&beacon.encode()).await;
    Ok(())
}

async fn downgrade_mailbox(target: Arc<Target>) -> Result<Done, String> {
    let Some(secure) = &target.secure else { return Done::said(NOT_SECURE) };
    let id = id_of(&target, &secure.insider.public);
    let replies = [
        [wire::greeting(0), wire::ready("ROUTER", &id.routing_id())].concat(),
        crate::curve::greeting("PLAIN", 0, 1),
        crate::curve::greeting("CURVE", 0, 0),
        wire::noise(300),
        Vec::new(),
    ];
    for reply in replies {
        let mailbox = target.mailbox_at(target.here)?;
        announce(&target, secure, id_of(&target, &secure.insider.public), &mailbox).await?;
        let came = mailbox.take().await;
        let mut came = came.map_err(|error| format!("the target does not come: {error}"))?;
        came.write(&reply).await;
        let said = came.read_rest(REST).await;
        if said.len() > UNANSWERED {
            return Err(format!("{} bytes are said to one that does not answer", said.len()));
        }
    }
    Done::said("nothing is said")
}

/// What an insider says in the name of another.
fn lies() -> Vec<Vec<Vec<u8>>> {
    let hello = Hello::new("tcp://127.0.0.1:9").encode();
    let whisper = |sequence| vec![wire::header(WHISPER, sequence, &[]), b"forged".to_vec()];
    let goodbye = |sequence| vec![wire::header(wire::GOODBYE, sequence, &[])];
    vec![vec![], vec![hello], whisper(2), whisper(60_000), goodbye(2)]
}

async fn insider(target: Arc<Target>) -> Result<Done, String> {
    let Some(secure) = &target.secure else { return Done::said(NOT_SECURE) };
    let (mut refused, mut closed) = (0, 0);
    for good in &target.good {
        for (number, lie) in lies().into_iter().enumerate() {
            let two_way = if number % 2 == 0 { wire::two_way() } else { Vec::new() };
            let came = come(&target, secure, &secure.insider, good.id, |_| two_way).await;
            if is_refused(&came) {
                refused += 1;
                continue;
            }
            let mut came = came.map_err(|error| format!("no connection: {error}"))?;
            let frames: Vec<&[u8]> = lie.iter().map(Vec::as_slice).collect();
            came.send(&frames).await;
            if !came.connection.closed(PROOF).await {
                return Err(format!("an insider may be {}", good.id));
            }
            closed += 1;
        }
    }
    linger(PROOF).await;
    Done::said(format!("{refused} are refused, {closed} closed"))
}

async fn squat(target: Arc<Target>) -> Result<Done, String> {
    let Some(secure) = &target.secure else { return Done::said(NOT_SECURE) };
    let listed = secure.good.first().ok_or("there are no good peers")?;
    for _ in 0..20 {
        // One that its owner has not even drawn yet.
        let id = id_of(&target, listed);
        let came = come(&target, secure, &secure.insider, id, |_| Vec::new()).await;
        if !is_refused(&came) {
            return Err(format!("an insider may take {id}, which shows another key: {came:?}"));
        }
    }
    Done::said("all are refused")
}

async fn unmarked(target: Arc<Target>) -> Result<Done, String> {
    let Some(secure) = &target.secure else { return Done::said(NOT_SECURE) };
    let (member, other) = (Keys::draw(), Keys::draw());
    let random = || *target.stranger().as_bytes();
    let network = &secure.network;
    let prove = |client: &Client| network.property(client);
    let right = PeerId::new(network.id(&member.public, random()));
    let first = target.good.first().ok_or("there are no good peers")?.id;
    let of_another = PeerId::new(network.id(&other.public, random()));
    let bound = id_of(&target, &member.public);
    for id in [target.stranger(), bound, of_another, first] {
        let came = come(&target, secure, &member, id, prove).await;
        if !is_refused(&came) {
            return Err(format!("a member may be {id}, which does not show it: {came:?}"));
        }
    }
    let strange = crate::network_key::NetworkKey::of([7; 16]);
    let came = come(&target, secure, &member, right, |client| strange.property(client)).await;
    if !is_refused(&came) {
        return Err(format!("one of another network is not refused: {came:?}"));
    }
    let came = come(&target, secure, &member, right, |_| Vec::new()).await;
    if !is_refused(&came) {
        return Err(format!("who proves nothing is not refused: {came:?}"));
    }
    let came = come(&target, secure, &member, right, prove).await;
    came.map_err(|error| format!("a true member is not let in: {error}"))?;
    Done::said("only the true one is let in")
}

/// A HELLO that says where a mailbox is, and has this as the key of its sender.
fn hello_with_key(endpoint: &str, told: &[u8]) -> Vec<u8> {
    let headers = [wire::count(1), string(b"X-PUBLICKEY"), longstr(told)].concat();
    Hello { headers, ..Hello::new(endpoint) }.encode()
}

async fn boast(target: Arc<Target>) -> Result<Done, String> {
    let Some(secure) = &target.secure else { return Done::said(NOT_SECURE) };
    let own = PublicKey::new(secure.insider.public).to_string();
    let others = secure.good.iter().map(|key| PublicKey::new(*key).to_string());
    let junk = ["", "junk", &own[1..], &"?".repeat(40)].map(ToOwned::to_owned);
    for told in others.chain(junk) {
        let id = id_of(&target, &secure.insider.public);
        let came = come(&target, secure, &secure.insider, id, |_| Vec::new()).await;
        let mut came = came.map_err(|error| format!("no connection: {error}"))?;
        came.send(&[&hello_with_key("tcp://127.0.0.1:9", told.as_bytes())]).await;
        if !came.connection.closed(PROOF).await {
            return Err(format!("HELLO may tell the key {told:?}"));
        }
    }
    meet(&target, secure, &own).await?;
    Done::said("only the true one is met")
}

/// The insider in its own name is met, so what others were refused for is what they have said.
async fn meet(target: &Target, secure: &SecureTarget, own: &str) -> Result<(), String> {
    let mailbox = target.mailbox_at(target.here)?;
    let id = id_of(target, &secure.insider.public);
    let came = come(target, secure, &secure.insider, id, |_| Vec::new()).await;
    let mut came = came.map_err(|error| format!("no connection: {error}"))?;
    let endpoint = format!("tcp://{}", mailbox.address);
    came.send(&[&hello_with_key(&endpoint, own.as_bytes())]).await;
    let named = crate::curve::metadata("ROUTER", &id.routing_id());
    let link = Secured::accept(&mailbox, &secure.insider, &named).await;
    let mut link = link.map_err(|error| format!("the target does not come: {error}"))?;
    let frames = link.read().await.map_err(|error| format!("it says nothing: {error}"))?;
    let met = wire::number(&frames) == Some(wire::HELLO);
    if met { Ok(()) } else { Err(format!("it says {frames:?} first")) }
}

async fn mailbox(target: Arc<Target>) -> Result<Done, String> {
    let Some(secure) = &target.secure else { return Done::said(NOT_SECURE) };
    // In the names of the good peers, which the target has met.
    let trap = target.mailbox_at(target.here)?;
    for good in &target.good {
        announce(&target, secure, good.id, &trap).await?;
    }
    nobody_comes(&trap).await?;
    let two_way = wire::two_way();
    let good = target.good.iter().map(|good| good.id);
    let of_router = |id: PeerId| crate::curve::metadata("ROUTER", &id.routing_id());
    let mut told: Vec<Vec<u8>> = good.map(of_router).collect();
    told.push(of_router(target.id));
    told.push(of_router(target.stranger()));
    told.push(crate::curve::metadata("ROUTER", b"\x01short"));
    told.push(vec![255; 300]);
    for metadata in told {
        let mailbox = target.mailbox_at(target.here)?;
        let id = id_of(&target, &secure.insider.public);
        announce(&target, secure, id, &mailbox).await?;
        let told = [metadata, two_way.clone()].concat();
        let came = Secured::accept(&mailbox, &secure.insider, &told).await;
        let mut came = came.map_err(|error| format!("the target does not come: {error}"))?;
        if let Ok(frames) = came.read().await {
            return Err(format!("{frames:?} is said to one that says that it is another"));
        }
    }
    Done::said("nothing is said")
}

/// Where strangers may come from: on loopback there are many addresses.
pub(super) fn many_addresses(target: &Target, number: usize) -> Ipv4Addr {
    if !target.here.is_loopback() {
        return if number.is_multiple_of(2) { target.here } else { target.other() };
    }
    Ipv4Addr::new(127, 3, (number / 250 % 250) as u8, (number % 250) as u8 + 1)
}
