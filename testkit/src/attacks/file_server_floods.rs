//! File servers that send the target's client more than it can use: offers, deletes and files without
//! end, slowly, or without reading a word.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::attack::{Attack, Done};
use super::file_servers::{NO_FILES, fetched, good_file_comes, held, only};
use super::file_sides::FileServer;
use super::target::{Target, linger};
use crate::wire;
use crate::wire::filemq::{HUGZ, OHAI_OK, Piece, TERMS, message, offer, offers};

/// How long an attack goes on that is made of mass.
const MASS: Duration = Duration::from_secs(5);

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new("file-server-offers", "a million offers", |it| Box::pin(million(it))),
    Attack::new("file-server-offers-long", "offers with names of 4,096 bytes, without end", |it| {
        Box::pin(long_names(it))
    }),
    Attack::new("file-server-deletes", "100,000 deletes, also of others' files", |it| {
        Box::pin(deletes(it))
    }),
    Attack::new("file-server-names", "as many small files as there is time for", |it| {
        Box::pin(small_files(it))
    }),
    Attack::new("file-server-empty", "the same empty file without end", |it| Box::pin(empty(it))),
    Attack::new("file-server-slow", "8 servers send a byte now and then", |it| Box::pin(slow(it))),
    Attack::new("file-server-credit", "pieces without end, whatever the credit is", |it| {
        Box::pin(credit(it))
    }),
    Attack::new("file-server-deaf", "questions without end, the answers are not read", |it| {
        Box::pin(deaf(it))
    }),
];

async fn million(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let server = FileServer::open(&target, files).await?;
    let mut client = server.client(TERMS).await?;
    let mut reading = tokio::task::JoinSet::new();
    reading.spawn(client.draining());
    let (mut number, end) = (0_u64, Instant::now() + MASS);
    while number < 1_000_000 && Instant::now() < end {
        let some: Vec<_> =
            (number..number + 20_000).map(|it| offer(it, format!("/{it}").as_bytes(), 1)).collect();
        number += 20_000;
        if !client.send(&[&offers(&some)]).await {
            break;
        }
    }
    only(&server, &[])?;
    held(&target, files, format!("{number} offers"), (server, client, reading)).await
}

async fn long_names(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let server = FileServer::open(&target, files).await?;
    let mut client = server.client(TERMS).await?;
    let mut reading = tokio::task::JoinSet::new();
    reading.spawn(client.draining());
    let long = vec!["x".repeat(250); 16].join("/");
    let (mut number, end) = (0_u64, Instant::now() + MASS);
    while number < 200_000 && Instant::now() < end {
        let name = |it: u64| format!("/{it:060}/{long}");
        let some: Vec<_> =
            (number..number + 2000).map(|it| offer(it, name(it).as_bytes(), 1)).collect();
        number += 2000;
        if !client.send(&[&offers(&some)]).await {
            break;
        }
    }
    held(&target, files, format!("{number} offers"), (server, client, reading)).await
}

async fn deletes(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let server = FileServer::open(&target, files).await?;
    let mut client = server.client(&[]).await?;
    let (mut number, end) = (0, Instant::now() + MASS);
    while number < 100_000 && Instant::now() < end {
        let mut batch = Vec::new();
        for _ in 0..1000 {
            number += 1;
            let name = format!("/never{}", number % 7000);
            batch.extend(wire::message(&[&Piece::delete(number, name.as_bytes()).encode()]));
        }
        if !client.write(&batch).await {
            return Err("the target takes no more deletes".into());
        }
    }
    good_file_comes(&server, &mut client, number + 10, &[]).await?;
    held(&target, files, format!("{number} deletes"), (server, client)).await
}

async fn small_files(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let server = FileServer::open(&target, files).await?;
    let mut client = server.client(&[]).await?;
    let (mut number, end) = (0_u64, Instant::now() + MASS);
    while number < 1_000_000 && Instant::now() < end {
        let mut batch = Vec::new();
        for _ in 0..50 {
            number += 1;
            let name = format!("/{}/{number}", number % 100);
            batch.extend(wire::message(&[&Piece::whole(number, name.as_bytes(), b"x").encode()]));
        }
        // The disk is slower than the network: then it is not read.
        client.write(&batch).await;
    }
    held(
        &target,
        files,
        format!("{number} files, {} came", server.received().len()),
        (server, client),
    )
    .await
}

async fn empty(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let server = FileServer::open(&target, files).await?;
    let mut client = server.client(&[]).await?;
    let (mut number, end) = (0_u64, Instant::now() + MASS / 2);
    while Instant::now() < end {
        let mut batch = Vec::new();
        for _ in 0..500 {
            number += 1;
            let piece = Piece { eof: number % 2 == 0, ..Piece::whole(number, b"/empty", b"") };
            batch.extend(wire::message(&[&piece.encode()]));
        }
        client.write(&batch).await;
    }
    only(&server, &["empty"])?;
    held(&target, files, format!("{number} pieces"), (server, client)).await
}

async fn slow(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let mut servers = Vec::new();
    let content = vec![7; 1000];
    for number in 0..8_u64 {
        let server = FileServer::open(&target, files).await?;
        // The half of them in the handshake, or before OHAI-OK.
        let mut client = server.client(&[]).await?;
        let begun = Piece { eof: false, ..Piece::whole(number, b"/slow", &content) };
        client.send(&[&begun.encode()]).await;
        let rest = Piece { offset: 1000, ..Piece::whole(number + 1, b"/slow", &content) };
        servers.push((server, client, wire::message(&[&rest.encode()])));
    }
    for at in 0..20 {
        for (_, client, rest) in &mut servers {
            client.write(&rest[at..=at]).await;
        }
        linger(Duration::from_millis(50)).await;
    }
    for (server, ..) in &servers {
        only(server, &[])?;
    }
    held(&target, files, format!("{} servers", servers.len()), servers).await
}

async fn credit(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let server = FileServer::open(&target, files).await?;
    let mut client = server.client(TERMS).await?;
    client.send(&[&offers(&[offer(0, b"/endless", 1 << 31)])]).await;
    fetched(&mut client, 0).await?;
    let (content, end) = (vec![7; 8_000_000], Instant::now() + MASS / 2);
    let mut number = 0_u64;
    while number < 12 && Instant::now() < end {
        let offset = number * content.len() as u64;
        let piece = Piece {
            sequence: number,
            operation: 1,
            name: b"/endless",
            offset,
            eof: false,
            headers: &[],
            content: &content,
        };
        if !client.send(&[&piece.encode()]).await {
            break;
        }
        number += 1;
    }
    only(&server, &[])?;
    let note = format!("{} MB of 2 GB", number * 8);
    // It is broken off, so that nothing stays.
    drop((server, client));
    held(&target, files, note, ()).await
}

async fn deaf(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let server = FileServer::open(&target, files).await?;
    let mut client = server.client(TERMS).await?;
    let asked = [message(HUGZ, b""), message(OHAI_OK, b""), offers(&[offer(1, b"/../x", 1)])];
    let batch = asked.map(|asked| wire::message(&[&asked])).concat().repeat(2000);
    let (mut sent, end) = (0, Instant::now() + MASS / 2);
    while Instant::now() < end && client.write(&batch).await {
        sent += 6000;
    }
    held(&target, files, format!("{sent} messages"), (server, client)).await
}
