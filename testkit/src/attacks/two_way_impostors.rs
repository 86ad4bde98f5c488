//! Two-way connections in the name of another node. By being there each of them asks whether the
//! node in whose name it speaks is still there.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use zre_proto::PeerId;

use super::attack::{Attack, Done};
use super::messages;
use super::target::{Target, linger};
use super::two_way::on_two_way;
use crate::wire::dealer::Route;
use crate::wire::{self, GOODBYE, Hello, JOIN, WHISPER, header, membership};

/// What is not noticed at once is noticed when a claim has been put to the test.
const PROOF: Duration = Duration::from_millis(1500);

/// Far from where the sequence of a good peer will be.
const FAR: u16 = 60_000;

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new("two-way-impostor-silent", "as each good peer, and says nothing", |target| {
        Box::pin(on_two_way(target, |target| silent(Arc::clone(&target), target.here)))
    }),
    Attack::elsewhere("two-way-impostor-silent-elsewhere", "from another address", |target| {
        Box::pin(on_two_way(target, |target| silent(Arc::clone(&target), target.other())))
    }),
    Attack::new("two-way-impostor-hello", "a whole life as each good peer", |target| {
        Box::pin(on_two_way(target, |target| life(Arc::clone(&target), target.here, 1)))
    }),
    Attack::elsewhere("two-way-impostor-hello-elsewhere", "from another address", |target| {
        Box::pin(on_two_way(target, |target| life(Arc::clone(&target), target.other(), 1)))
    }),
    Attack::new("two-way-impostor-hello-flood", "200 such lives of each", |target| {
        Box::pin(on_two_way(target, |target| life(Arc::clone(&target), target.here, 200)))
    }),
    Attack::new("two-way-impostor-messages", "GOODBYE and others as each good peer", |target| {
        Box::pin(on_two_way(target, single))
    }),
    Attack::new("two-way-impostor-victim", "as the victim to each good peer", |target| {
        Box::pin(on_two_way(target, as_victim))
    }),
];

/// All that a peer may say, from HELLO to GOODBYE.
fn whole_life(endpoint: &str) -> Vec<u8> {
    let said = [
        Hello::new(endpoint).encode(),
        membership(JOIN, 2, b"forged", 2),
        header(WHISPER, 3, &[]),
        header(GOODBYE, 4, &[]),
    ];
    said.map(|header| wire::message(&[&header, b"forged"])).concat()
}

async fn silent(target: Arc<Target>, from: Ipv4Addr) -> Result<Done, String> {
    let mut open = Vec::new();
    let mut spoken_to = 0;
    for good in &target.good {
        for _ in 0..5 {
            drop(target.two_way(from, good.id).await?);
        }
        for _ in 0..6 {
            let mut connection = target.two_way(from, good.id).await?;
            spoken_to +=
                usize::from(connection.read_within(Duration::from_millis(20)).await.is_ok());
            open.push(connection);
        }
    }
    linger(PROOF).await;
    if spoken_to > 0 {
        return Err(format!("the target has greeted {spoken_to} impostors of its peers"));
    }
    Done::holding("", open)
}

async fn life(target: Arc<Target>, from: Ipv4Addr, times: usize) -> Result<Done, String> {
    let mut sent = 0;
    let mut open = Vec::new();
    for _ in 0..times {
        for good in &target.good {
            // Some may be refused: then that is the answer.
            let Ok(mut connection) = target.two_way(from, good.id).await else { continue };
            let life = whole_life(&format!("tcp://{}", good.mailbox));
            sent += usize::from(connection.write(&life).await);
            open.push(connection);
        }
        // Those before have been read by now.
        open.drain(..open.len().saturating_sub(50));
    }
    linger(PROOF).await;
    Done::holding(format!("{sent} sent"), open)
}

async fn single(target: Arc<Target>) -> Result<Done, String> {
    let mut said = messages::whole(1);
    said.extend(messages::whole(2));
    said.extend(messages::whole(FAR));
    said.extend([vec![], b"not ZRE".to_vec(), header(42, 1, &[])]);
    for good in &target.good {
        for message in &said {
            let mut connection = target.two_way(target.here, good.id).await?;
            connection.send(&[message, b"forged"]).await;
            connection.closed(Duration::from_millis(20)).await;
        }
    }
    linger(Duration::from_millis(500)).await;
    Done::said(format!("{} of each", said.len()))
}

async fn as_victim(target: Arc<Target>) -> Result<Done, String> {
    let said = [vec![], whole_life(&format!("tcp://{}", target.mailbox))];
    let mut open = Vec::new();
    for good in &target.good {
        let route = Route { to: good.mailbox, ..target.route(target.here) };
        for said in &said {
            open.push(speak(route, target.id, said).await?);
        }
    }
    linger(PROOF).await;
    Done::holding(format!("{} connections", open.len()), open)
}

/// Connects in this name and says this.
async fn speak(route: Route, id: PeerId, said: &[u8]) -> Result<impl Send + use<>, String> {
    let connection = route.greet_two_way(id).await;
    let mut connection = connection.map_err(|error| format!("no connection: {error}"))?;
    connection.write(said).await;
    Ok(connection)
}
