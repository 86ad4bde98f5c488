//! File servers that lie to the target's client: names that lead elsewhere, sizes and digests that
//! are not true, pieces in no order, offers without end. Nothing comes under a name that is not
//! whole, nothing comes outside the liar's own folder, and a good file of the same server still does.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::attack::{Attack, Done};
use super::file_sides::{FileServer, awaited, is_served};
use super::file_target::FileTarget;
use super::target::{Target, linger};
use crate::wire::connection::Connection;
use crate::wire::filemq::{self, ANSWERS, HUGZ, Piece, TERMS, message, offer, offers, withdrawn};
use crate::wire::{announcement, noise};

/// How long the target may take to leave a server.
const SOON: Duration = Duration::from_secs(3);

/// What every attack says of a target without files.
pub(super) const NO_FILES: &str = "the target shares no files";

/// The digest of an empty file, and one that no file has.
const DIGEST_OF_NOTHING: &str =
    "BLAKE3-AF1349B9F5F9A1A6A0404DEA36DCC9499BCB25C9ADC112B7CC9A93CAE41F3262";
const NO_DIGEST: &str = "BLAKE3-1111111111111111111111111111111111111111111111111111111111111111";

/// What is announced of an empty file.
const EMPTY: &[(&str, &str)] =
    &[("SIZE", "0"), ("DIGEST", DIGEST_OF_NOTHING), ("MTIME", "1.000000000"), ("MODE", "644")];

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new("file-server-malformed", "messages that are none, cut, or not for clients", |it| {
        Box::pin(malformed(it))
    }),
    Attack::new("file-server-paths", "files whose names lead elsewhere, unasked", |it| {
        Box::pin(paths(it))
    }),
    Attack::new("file-server-paths-offered", "the same names, offered", |it| {
        Box::pin(paths_offered(it))
    }),
    Attack::new("file-server-order", "pieces out of order, twice, after the end", |it| {
        Box::pin(order(it))
    }),
    Attack::new("file-server-sizes", "sizes and digests that are not true", |it| {
        Box::pin(sizes(it))
    }),
    Attack::new("file-server-too-much", "one byte is offered, 64 MB are sent", |it| {
        Box::pin(too_much(it))
    }),
    Attack::new("file-server-unasked", "1,000 files that were not offered", |it| {
        Box::pin(unasked(it))
    }),
    Attack::new("file-server-numbers", "offers of one number, withdrawals of none", |it| {
        Box::pin(numbers(it))
    }),
];

/// Ends an attack: clients of the target are served meanwhile, and nothing on the disk was touched.
pub(super) async fn held(
    target: &Target,
    files: &FileTarget,
    note: impl Into<String>,
    held: impl std::any::Any + Send,
) -> Result<Done, String> {
    is_served(target, files).await?;
    files.is_untouched()?;
    Done::holding(note, held)
}

/// Sends a good file, waits until it is there, and looks that nothing else is but these.
pub(super) async fn good_file_comes(
    server: &FileServer,
    client: &mut Connection,
    sequence: u64,
    besides: &[&str],
) -> Result<(), String> {
    client.send(&[&Piece::whole(sequence, b"/good", b"good").encode()]).await;
    client
        .send(&[&Piece {
            eof: true,
            offset: 4,
            content: b"",
            ..Piece::whole(sequence + 1, b"/good", b"")
        }
        .encode()])
        .await;
    server.has_come("good", b"good").await?;
    only(server, &[besides, &["good"]].concat())
}

/// The same of one that has agreed on offers: it is offered under this number, and empty.
async fn offered_file_comes(
    server: &FileServer,
    client: &mut Connection,
    number: u64,
) -> Result<(), String> {
    client.send(&[&offers(&[offer(number, b"/good", 0)])]).await;
    fetched(client, number).await?;
    // It says that this is for another fetch.
    let mut headers = [EMPTY, &[("FETCH", "7")]].concat();
    let other = Piece { headers: &headers, ..Piece::whole(u64::MAX - 1, b"/good", b"") };
    client.send(&[&other.encode()]).await;
    headers.pop();
    let good = Piece { headers: &headers, ..Piece::whole(u64::MAX, b"/good", b"") };
    client.send(&[&good.encode()]).await;
    server.has_come("good", b"").await?;
    only(server, &["good"])
}

/// Looks that nothing has come but these.
pub(super) fn only(server: &FileServer, allowed: &[&str]) -> Result<(), String> {
    let allowed: BTreeSet<_> = allowed.iter().map(PathBuf::from).collect();
    match server.received().into_iter().find(|path| !allowed.contains(path)) {
        Some(path) => Err(format!("{} has come, and must not", path.display())),
        None => Ok(()),
    }
}

async fn malformed(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let piece = Piece::whole(0, b"/x", b"x").encode();
    let all = [
        piece[..piece.len() - 1].to_vec(),
        piece[..12].to_vec(),
        b"\xAA\xA1\x08".to_vec(),
        b"\xAA\xA3".to_vec(),
        Vec::new(),
        message(99, b""),
        message(filemq::NOM, &[0; 16]),
        message(filemq::OFFERS, &u32::MAX.to_be_bytes()),
        [&piece[..11], &[1], &u32::MAX.to_be_bytes()].concat(),
        noise(1000),
    ];
    for bytes in &all {
        let server = FileServer::open(&target, files).await?;
        let mut client = server.client(TERMS).await?;
        client.send(&[bytes]).await;
        if !client.closed(SOON).await {
            return Err(format!("the target stays after {bytes:?}"));
        }
        only(&server, &[])?;
    }
    // More than a message may have is not even waited for.
    for length in [(16 << 20) + 1, 1 << 46, u64::MAX] {
        let server = FileServer::open(&target, files).await?;
        let mut client = server.client(TERMS).await?;
        client.write(&announcement(0, length)).await;
        if !client.closed(SOON).await {
            return Err(format!("the target waits for {length} bytes"));
        }
    }
    held(&target, files, format!("left {} times", all.len() + 3), ()).await
}

/// Returns names that no file may have, or that lead elsewhere.
pub fn bad_names() -> Vec<Vec<u8>> {
    let deep = format!("/{}", "d/".repeat(3000));
    let wide = format!("/{}", "w".repeat(256));
    let mut all: Vec<Vec<u8>> = [
        "",
        "/",
        "//",
        "x",
        "../x",
        "/..",
        "/../x",
        "/../../x",
        "/a/../../x",
        "/a/./x",
        "/.",
        "/x/",
        "//etc/x",
        "/./x",
        "/.x",
        "/a/.ssh/x",
        "/.filemq",
        "/.filemq/journal",
        "/.FILEMQ/lock",
        "/.filemq/files/x",
        "\\x",
        "C:\\x",
        "C:/x",
        "/a\0/x",
        "/x\0.txt",
        "..",
        ".",
        "~/x",
        "file:///x",
        "/\u{2024}\u{2024}/\0",
    ]
    .iter()
    .map(|name| name.as_bytes().to_vec())
    .collect();
    all.extend([deep.into_bytes(), wide.into_bytes(), vec![b'x'; 4096], vec![b'/'; 4096]]);
    all.extend([b"/\xFF\xFE".to_vec(), b"/\xC0\xAE\xC0\xAE/x".to_vec(), b"/\xED\xA0\x80".to_vec()]);
    all
}

/// Returns names that are those of devices, or end in what Windows leaves out, or differ in case or in
/// how a letter is written: files like others, where the system takes them so.
const ODD_NAMES: [&str; 14] = [
    "/CON",
    "/nul.txt",
    "/COM1",
    "/lpt9.x",
    "/x.",
    "/x ",
    "/a\\..\\..\\x",
    "/a:b",
    "/Twin",
    "/twin",
    "/\u{e9}",
    "/e\u{301}",
    "/FILEMQ~1",
    "/\u{202e}gpj.exe",
];

async fn paths(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let server = FileServer::open(&target, files).await?;
    let mut client = server.client(&[]).await?;
    let (bad, mut sequence) = (bad_names(), 0);
    // A longer name is no message.
    let bad: Vec<_> = bad.into_iter().filter(|name| (1..4090).contains(&name.len())).collect();
    for name in bad.iter().map(Vec::as_slice).chain(ODD_NAMES.iter().map(|name| name.as_bytes())) {
        client.send(&[&Piece::whole(sequence, name, b"bad").encode()]).await;
        client.send(&[&Piece::delete(sequence + 1, name).encode()]).await;
        client.send(&[&Piece::whole(sequence + 2, name, b"bad").encode()]).await;
        sequence += 3;
        // What lies below a file cannot come.
        let below = [name, b"/below"].concat();
        client.send(&[&Piece::whole(sequence, &below, b"bad").encode()]).await;
        sequence += 1;
    }
    let odd: Vec<_> = ODD_NAMES.iter().map(|name| &name[1..]).collect();
    let below: Vec<_> = odd.iter().map(|name| format!("{name}/below")).collect();
    let allowed: Vec<_> = odd.into_iter().chain(below.iter().map(String::as_str)).collect();
    good_file_comes(&server, &mut client, sequence, &allowed).await?;
    held(&target, files, format!("{} names", bad.len() + ODD_NAMES.len()), (server, client)).await
}

async fn paths_offered(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let server = FileServer::open(&target, files).await?;
    let mut client = server.client(TERMS).await?;
    let bad = bad_names();
    // None of the longest: such a message is none.
    let all: Vec<_> = bad.iter().filter(|name| name.len() <= 4096).collect();
    let offered: Vec<_> = (0..).zip(&all).map(|(number, name)| offer(number, name, 3)).collect();
    client.send(&[&offers(&offered)]).await;
    for (sequence, name) in (0..).zip(&all) {
        client.send(&[&Piece::whole(sequence, name, b"bad").encode()]).await;
    }
    offered_file_comes(&server, &mut client, 1000).await?;
    held(&target, files, format!("{} names", all.len()), (server, client)).await
}

/// Waits until the target fetches this offer.
pub(super) async fn fetched(client: &mut Connection, number: u64) -> Result<(), String> {
    loop {
        let answers = awaited(client, ANSWERS).await?;
        let wanted = [&number.to_be_bytes()[..], &[filemq::FETCH]].concat();
        if answers.windows(9).any(|part| part == wanted) {
            return Ok(());
        }
    }
}

async fn order(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let server = FileServer::open(&target, files).await?;
    let mut client = server.client(&[]).await?;
    let mut sequence = 0;
    let mut piece = |name: &'static [u8], offset: u64, eof: bool, content: &'static [u8]| {
        sequence += 1;
        Piece { sequence, operation: 1, name, offset, eof, headers: &[], content }.encode()
    };
    let sent = [
        // It begins in the middle.
        piece(b"/middle", 7, false, b"xxx"),
        piece(b"/middle", 0, true, b""),
        // A gap, an overlap, the same twice, backwards.
        piece(b"/gap", 0, false, b"xxx"),
        piece(b"/gap", 4, true, b"xxx"),
        piece(b"/overlap", 0, false, b"xxx"),
        piece(b"/overlap", 2, true, b"xxx"),
        piece(b"/twice", 0, false, b"xxx"),
        piece(b"/twice", 0, true, b"xxx"),
        piece(b"/back", 0, false, b"xxx"),
        piece(b"/back", u64::MAX, false, b"xxx"),
        piece(b"/back", u64::MAX - 2, true, b"xxx"),
        // An end that is not the end, and one without a beginning.
        piece(b"/short", 0, false, b"xxx"),
        piece(b"/short", 2, true, b""),
        piece(b"/late", 9, true, b""),
        // Two at a time.
        piece(b"/one", 0, false, b"xxx"),
        piece(b"/two", 0, false, b"yyy"),
        piece(b"/one", 3, true, b"xxx"),
        piece(b"/two", 3, true, b"yyy"),
    ];
    for bytes in &sent {
        client.send(&[bytes]).await;
    }
    let abort = [("ABORT", "1")];
    let last = 100;
    for number in 0..3 {
        let aborted =
            Piece { eof: true, headers: &abort, ..Piece::whole(last + number, b"/aborted", b"") };
        let begun = Piece { eof: false, ..Piece::whole(last + 10 + number, b"/aborted", b"xxx") };
        let after = Piece { offset: 3, ..Piece::whole(last + 20 + number, b"/aborted", b"xxx") };
        for bytes in [begun.encode(), aborted.encode(), after.encode()] {
            client.send(&[&bytes]).await;
        }
    }
    // A number twice is a piece twice, whatever is in it; operations that are none are none.
    let other = Piece { operation: 9, ..Piece::whole(200, b"/nine", b"xxx") };
    client.send(&[&other.encode()]).await;
    client.send(&[&Piece::whole(200, b"/nine", b"xxx").encode()]).await;
    good_file_comes(&server, &mut client, 300, &[]).await?;
    held(&target, files, format!("{} pieces", sent.len() + 11), (server, client)).await
}

async fn sizes(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let max = u64::MAX.to_string();
    let sizes = ["0", "3", "5", "1000000000000", &max];
    let mut told = 0;
    for (content, digest) in [(&b""[..], DIGEST_OF_NOTHING), (b"lies", NO_DIGEST)] {
        for size in sizes {
            // It is left, at the latest when a digest is wrong.
            let server = FileServer::open(&target, files).await?;
            let mut client = server.client(TERMS).await?;
            client.send(&[&offers(&[offer(0, b"/lie", 4)])]).await;
            fetched(&mut client, 0).await?;
            let headers =
                [("SIZE", size), ("DIGEST", digest), ("MTIME", "1.000000000"), ("MODE", "644")];
            let lie = Piece { headers: &headers, ..Piece::whole(0, b"/lie", content) };
            client.send(&[&lie.encode()]).await;
            client.send(&[&Piece::whole(1, b"/lie", content).encode()]).await;
            // What is asked after it is answered after it, if it is still there.
            client.send(&[&message(HUGZ, b"")]).await;
            let _ = awaited(&mut client, filemq::HUGZ_OK).await;
            linger(Duration::from_millis(100)).await;
            only(&server, &[]).map_err(|error| format!("{error}: size {size}, {digest}"))?;
            told += 1;
        }
    }
    // Sizes that no disk has are refused before anything comes.
    let server = FileServer::open(&target, files).await?;
    let mut client = server.client(TERMS).await?;
    let huge: Vec<_> =
        (0..1000).map(|it| offer(it, format!("/{it}").as_bytes(), u64::MAX - it)).collect();
    client.send(&[&offers(&huge)]).await;
    offered_file_comes(&server, &mut client, 1000).await?;
    held(&target, files, format!("{told} lies, and 1,000 sizes that no disk has"), client).await
}

async fn too_much(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let content = vec![7; 1_000_000];
    let mut sent = 0;
    for announced in [false, true] {
        let server = FileServer::open(&target, files).await?;
        let mut client = server.client(TERMS).await?;
        client.send(&[&offers(&[offer(0, b"/small", 1)])]).await;
        fetched(&mut client, 0).await?;
        let headers =
            [("SIZE", "1"), ("DIGEST", NO_DIGEST), ("MTIME", "1.000000000"), ("MODE", "644")];
        for number in 0..64_u64 {
            let headers = if announced && number == 0 { &headers[..] } else { &[] };
            let offset = number * content.len() as u64;
            let piece = Piece {
                sequence: number,
                operation: 1,
                name: b"/small",
                offset,
                eof: false,
                headers,
                content: &content,
            };
            if !client.send(&[&piece.encode()]).await {
                break;
            }
            sent += 1;
        }
        only(&server, &[])?;
        files.is_untouched()?;
    }
    held(&target, files, format!("{sent} MB"), ()).await
}

async fn unasked(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let server = FileServer::open(&target, files).await?;
    let mut client = server.client(TERMS).await?;
    for number in 0..1000 {
        let name = format!("/unasked{number}");
        client.send(&[&Piece::whole(number, name.as_bytes(), b"bad").encode()]).await;
    }
    offered_file_comes(&server, &mut client, 5).await?;
    held(&target, files, "1,000 files, and none is taken", (server, client)).await
}

async fn numbers(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let server = FileServer::open(&target, files).await?;
    let mut client = server.client(TERMS).await?;
    for number in [0, 1, u64::MAX] {
        let mut all: Vec<_> =
            (0..200).map(|it| offer(number, format!("/{it}").as_bytes(), 4)).collect();
        all.extend((0..200).map(|_| offer(number, b"/one", 4)));
        all.extend((0..200).flat_map(|_| [withdrawn(number), offer(number, b"/two", 4)]));
        all.extend((0..200).map(|it| withdrawn(it * 0x0123_4567_89AB)));
        all.push(withdrawn(number));
        client.send(&[&offers(&all)]).await;
    }
    // One name under many numbers: the last one counts.
    let names: Vec<_> = (100..10_000).map(|number| offer(number, b"/good", 4)).collect();
    client.send(&[&offers(&names)]).await;
    fetched(&mut client, 9_999).await?;
    offered_file_comes(&server, &mut client, 20_000).await?;
    held(&target, files, "12,000 offers", (server, client)).await
}
