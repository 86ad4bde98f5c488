//! HELLOs that are too large, false, or too many.

use std::sync::Arc;
use std::time::Duration;

use super::attack::Done;
use super::target::{Target, linger};
use crate::wire::{Hello, count, longstr, string};

/// A mailbox where nobody is.
const NOWHERE: &str = "tcp://127.0.0.1:9";

/// Returns HELLOs without a usable endpoint, or with one where no node is.
pub fn endpoints() -> Vec<Vec<u8>> {
    let long = "x".repeat(255);
    let texts = [
        "",
        "nonsense",
        "tcp://",
        "tcp://:",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:0",
        "tcp://127.0.0.1:-1",
        "tcp://a:99999",
        "tcp://*:*",
        "ipc:///etc/passwd",
        "inproc://x",
        "udp://127.0.0.1:9",
        "tcp://255.255.255.255:9",
        "tcp://0.0.0.0:9",
        "tcp://no such host:9",
        &long,
    ];
    let mut all: Vec<_> = texts.map(|text| Hello::new(text).encode()).to_vec();
    all.push(Hello { endpoint: b"tcp://\xFF\xFE:9".to_vec(), ..Hello::new("") }.encode());
    all
}

/// Returns HELLOs with another sequence number than 1.
pub fn sequences() -> Vec<Vec<u8>> {
    let wrong = [0, 2, 3, 255, 256, 65_535];
    wrong.map(|sequence| Hello { sequence, ..Hello::new(NOWHERE) }.encode()).to_vec()
}

/// Returns HELLOs with strings and counts past their end.
pub fn false_counts() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for number in [1, 2, 65_537, 1 << 20, 1 << 31, u32::MAX] {
        let none = || Hello { groups: count(0), headers: count(0), ..Hello::new(NOWHERE) };
        all.push(Hello { groups: count(number), ..none() }.encode());
        all.push(Hello { headers: count(number), ..none() }.encode());
        let one = [count(number.max(2)), longstr(b"group")].concat();
        all.push(Hello { groups: one, ..none() }.encode());
        // One group, and its length past the end.
        let long = [count(1), count(number.max(1000)), b"short".to_vec()].concat();
        all.push(Hello { groups: long, ..none() }.encode());
        let long = [count(1), string(b"X"), count(number.max(1000))].concat();
        all.push(Hello { headers: long, ..none() }.encode());
        all.push(Hello { headers: [count(1), vec![255, b'x']].concat(), ..none() }.encode());
    }
    all
}

/// Returns HELLOs with more groups, headers or bytes than are allowed.
pub fn too_large() -> Vec<Vec<u8>> {
    let empty = |number: usize| [count(number as u32), longstr(b"").repeat(number)].concat();
    let header = [string(b"X"), longstr(b"")].concat();
    let large = longstr(&vec![b'x'; 1 << 20]);
    let groups = [empty(65_537), [count(1), large.clone()].concat()];
    let headers =
        [[count(65_537), header.repeat(65_537)].concat(), [count(1), string(b"X"), large].concat()];
    let of_groups = groups.map(|groups| Hello { groups, ..Hello::new(NOWHERE) }.encode());
    let of_headers = headers.map(|headers| Hello { headers, ..Hello::new(NOWHERE) }.encode());
    of_groups.into_iter().chain(of_headers).collect()
}

/// Nearly as large as allowed: each has 4,000 groups of 206 bytes, and one header.
pub(super) async fn largest(target: Arc<Target>) -> Result<Done, String> {
    const GROUPS: u32 = 4000;
    let mut groups = count(GROUPS);
    for number in 0..GROUPS {
        groups.extend(longstr(format!("group {number:0200}").as_bytes()));
    }
    let mut heard = 0;
    for _ in 0..5 {
        let groups = groups.clone();
        let bend = |hello: &mut Hello| hello.groups = groups;
        let mut ghost = target.ghost_as(target.stranger(), bend).await?;
        heard += usize::from(ghost.is_heard().await);
    }
    Done::said(format!("{heard} of 5 heard"))
}

pub(super) async fn text(target: Arc<Target>) -> Result<Done, String> {
    let odd: [&[u8]; 5] = [b"\xFF\xFE", b"cut \xC3", b"\xED\xA0\x80", b"\0", b"\x1B[2J\r\n"];
    let mut heard = 0;
    for text in odd {
        let bend = |hello: &mut Hello| {
            hello.name = text.to_vec();
            hello.groups = [count(2), longstr(text), longstr(text)].concat();
            let header = [string(text), longstr(text)].concat();
            hello.headers = [count(2), header.repeat(2)].concat();
            hello.status = 2;
        };
        let mut ghost = target.ghost_as(target.stranger(), bend).await?;
        heard += usize::from(ghost.is_heard().await);
    }
    Done::said(format!("{heard} of 5 heard"))
}

pub(super) async fn again(target: Arc<Target>) -> Result<Done, String> {
    let mut taken = Vec::new();
    let mut ghosts = Vec::new();
    for elsewhere in [false, true] {
        let mut ghost = target.settled_ghost().await?;
        ghost.drain();
        let place = if elsewhere { NOWHERE } else { &ghost.endpoint };
        let hello = Hello::new(place).encode();
        let mut count = 0;
        while count < 1000 && ghost.dealer.send(&[&hello]).await {
            count += 1;
        }
        taken.push(count);
        ghosts.push(ghost);
    }
    linger(Duration::from_secs(1)).await;
    Done::holding(format!("{taken:?} taken"), ghosts)
}
