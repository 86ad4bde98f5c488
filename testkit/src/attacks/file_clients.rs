//! Clients of the target's file server that break the protocol, ask for what is not theirs, or take
//! all that a server has to give. What is published for others does not come to them, and other
//! clients are served all the time.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use super::attack::{Attack, Done};
use super::file_sides::{
    awaited, connect, connect_as, fetched, is_served, offered, subscribed, subscribed_as_ours,
    whole,
};
use super::file_target::{FileTarget, PUBLIC, SECRET};
use super::target::{Target, linger, many};
use crate::wire::connection::Connection;
use crate::wire::filemq::{
    self, DECLINE, FETCH, HUGZ, HUGZ_OK, ICANHAZ_OK, KTHXBAI, LATER, OHAI, OHAI_OK, OURS, RTFM,
    SRSLY, answers, icanhaz, icanhaz_with, message, nom, ohai, receipts,
};
use crate::wire::{self, count, longstr, noise, property, string};

/// How long the target may take to close a connection.
const SOON: Duration = Duration::from_secs(3);

/// How long an attack goes on that is made of mass.
const MASS: Duration = Duration::from_secs(6);

pub(super) const ATTACKS: &[Attack] = &[
    Attack::new("file-client-malformed", "messages that are none, cut, or not for servers", |it| {
        Box::pin(malformed(it))
    }),
    Attack::new("file-client-early", "a thousand messages of each kind before OHAI", |it| {
        Box::pin(early(it))
    }),
    Attack::new("file-client-not-agreed", "RECEIPTS and ANSWERS without having agreed", |it| {
        Box::pin(not_agreed(it))
    }),
    Attack::new("file-client-numbers", "receipts and answers for what never was", |it| {
        Box::pin(numbers(it))
    }),
    Attack::new("file-client-resume", "lies about the part of a file that is there", |it| {
        Box::pin(resume(it))
    }),
    Attack::new("file-client-credit", "credit of nothing, of 2^64-1, and that again", |it| {
        Box::pin(credit(it))
    }),
    Attack::new("file-client-paths", "subscriptions that lead elsewhere", |it| Box::pin(paths(it))),
    Attack::new("file-client-flood", "OHAI, HUGZ and ICANHAZ without end, nothing is read", |it| {
        Box::pin(flood(it))
    }),
    Attack::new("file-client-cache", "a million files that clients claim to have", |it| {
        Box::pin(cache(it))
    }),
    Attack::new("file-client-half", "40 clients send all but the end of 24 MB, or 6", |it| {
        Box::pin(halves(it))
    }),
    Attack::new("file-client-deaf", "100 clients want everything and never read", |it| {
        Box::pin(deaf(it))
    }),
    Attack::new("file-client-leaves", "clients subscribe and leave, 1,000 times", |it| {
        Box::pin(leaves(it))
    }),
    Attack::new("file-client-idle", "1,100 clients come and stay, and want nothing", |it| {
        Box::pin(idle(it))
    }),
    Attack::new("file-client-tickets", "1,000 guessed tickets in a good peer's name", |it| {
        Box::pin(tickets(it))
    }),
    Attack::new("file-client-names", "good peers' names without a ticket", |it| {
        Box::pin(identities(it))
    }),
    Attack::new("file-client-calls", "1,000 calls of servers that nobody knows", |it| {
        Box::pin(calls(it))
    }),
];

/// What every attack says of a target without files.
const NO_FILES: &str = "the target shares no files";

/// Ends an attack: another client is served meanwhile, and nothing on the disk was touched.
async fn held(
    target: &Target,
    files: &FileTarget,
    note: impl Into<String>,
    held: impl std::any::Any + Send,
) -> Result<Done, String> {
    is_served(target, files).await?;
    files.is_untouched()?;
    Done::holding(note, held)
}

/// Returns messages, as they are in their frame, that a server answers by RTFM.
pub fn malformed_messages() -> Vec<Vec<u8>> {
    let whole = [
        ohai(),
        icanhaz_with(b"/", OURS, &filemq::dictionary(&[("a", "b")])),
        nom(7),
        receipts(&[(0, 1, "full")]),
        answers(&[(0, FETCH, "")]),
    ];
    let mut all = Vec::new();
    for whole in &whole {
        all.extend((0..whole.len()).map(|length| whole[..length].to_vec()));
    }
    all.extend(
        (0..=u8::MAX).filter(|id| ![1, 5, 7, 9, 11].contains(id)).map(|id| message(id, b"")),
    );
    all.extend([
        b"\xAA\xA1\x01\x06FILEMQ\x00\x02".to_vec(),
        b"\xAB\xA3\x01\x06FILEMQ\x00\x02".to_vec(),
        message(OHAI, b"\x06FILEMQ\x00\x01"),
        message(OHAI, b"\x06FILEMQ\xFF\xFF"),
        message(OHAI, b"\x06FILEMX\x00\x02"),
        message(filemq::ICANHAZ, &[longstr(b"/"), count(u32::MAX)].concat()),
        message(filemq::ICANHAZ, &[&u32::MAX.to_be_bytes()[..], b"/"].concat()),
        message(filemq::RECEIPTS, &u32::MAX.to_be_bytes()),
        message(filemq::ANSWERS, &u32::MAX.to_be_bytes()),
        filemq::offers(&[filemq::offer(0, b"/a", 1)]),
        filemq::Piece::whole(0, b"/a", b"x").encode(),
        noise(1000),
    ]);
    all
}

async fn malformed(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let all = malformed_messages();
    let mut client = connect(&target, files, b"").await?;
    let mut connections = 1;
    for (number, bytes) in all.iter().enumerate() {
        if !client.send(&[&ohai()]).await || !client.send(&[bytes]).await {
            return Err(format!("nothing is read any more at message {number}"));
        }
        match awaited(&mut client, RTFM).await {
            Ok(_) if (number + 1).is_multiple_of(10) => {
                if !client.closed(SOON).await {
                    return Err("after ten wrong messages the connection stays open".into());
                }
                client = connect(&target, files, b"").await?;
                connections += 1;
            }
            Ok(_) => {}
            Err(error) => return Err(format!("message {number}, {bytes:?}: {error}")),
        }
    }
    // Two frames are none either.
    client.send(&[&ohai(), &ohai()]).await;
    awaited(&mut client, RTFM).await?;
    held(&target, files, format!("{} messages, {connections} connections", all.len()), client).await
}

async fn early(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let kinds =
        [icanhaz(b"/", OURS), nom(u64::MAX), receipts(&[]), answers(&[]), message(HUGZ, b"")];
    for kind in kinds {
        let mut client = connect(&target, files, b"").await?;
        client.write(&wire::message(&[&kind]).repeat(1000)).await;
        if !client.closed(SOON).await {
            return Err(format!("1,000 times {kind:?} before OHAI, and it stays open"));
        }
    }
    held(&target, files, "all closed", ()).await
}

async fn not_agreed(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let without =
        |name: &str| OURS.iter().filter(|(it, _)| *it != name).copied().collect::<Vec<_>>();
    for (options, sent) in [
        (Vec::new(), receipts(&[(0, 1, "")])),
        (Vec::new(), answers(&[(0, FETCH, "")])),
        (without("RECEIPT"), receipts(&[(0, 1, "")])),
        (without("RECEIPT"), answers(&[(0, FETCH, "")])),
        (without("OFFER"), answers(&[(0, FETCH, "")])),
        (without("DIGEST"), receipts(&[(0, 1, "")])),
    ] {
        let mut client = subscribed(&target, files, &options).await?;
        client.send(&[&sent]).await;
        awaited(&mut client, RTFM).await?;
        // It is forgotten: nothing is sent to it.
        client.send(&[&nom(1 << 40)]).await;
        awaited(&mut client, RTFM).await?;
    }
    held(&target, files, "each is told that, and forgotten", ()).await
}

async fn numbers(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let mut client = subscribed_as_ours(&target, files).await?;
    let (number, _) = offered(&mut client).await?;
    let reason = "x".repeat(255);
    let odd = [1_u64 << 40, u64::MAX - 1, u64::MAX];
    for outcome in 0..=u8::MAX {
        let all: Vec<_> = odd.iter().map(|number| (*number, outcome, reason.as_str())).collect();
        client.send(&[&receipts(&all)]).await;
        client.send(&[&answers(&all)]).await;
    }
    let many: Vec<_> = (0..65_536).map(|it| (u64::MAX - it, (it % 4) as u8, "")).collect();
    client.send(&[&receipts(&many)]).await;
    client.send(&[&answers(&many)]).await;
    // It changes its mind all the time, and each time there is another reason.
    for round in 0..20 {
        let reasons: Vec<_> = (0..500).map(|it| format!("{round} {it}")).collect();
        let changes = reasons.iter().flat_map(|it| [(number, FETCH, ""), (number, LATER, it)]);
        client.send(&[&answers(&changes.collect::<Vec<_>>())]).await;
    }
    fetched(&mut client, number).await?;
    // What has come is confirmed, refused, declined, and fetched again.
    for outcome in [1, 3, 2, 1] {
        let all: Vec<_> = (0..100).map(|number| (number, outcome, "again")).collect();
        client.send(&[&receipts(&all)]).await;
    }
    client.send(&[&answers(&[(number, DECLINE, ""), (number, FETCH, "")].repeat(100))]).await;
    client.send(&[&message(HUGZ, b"")]).await;
    awaited(&mut client, HUGZ_OK).await?;
    held(&target, files, "told, and the file comes whole", client).await
}

async fn resume(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let digest = |byte: &str| format!("BLAKE3-{}", byte.repeat(32));
    let (ones, twos) = (digest("11"), digest("22"));
    let parts = [
        String::new(),
        "x".into(),
        "1".into(),
        format!("-1 {ones} {twos}"),
        format!("0 {ones} {twos}"),
        format!("1000000 {ones} {ones}"),
        format!("{} {ones} {twos}", PUBLIC.1),
        format!("{} {ones} {twos}", u64::MAX),
        format!("99999999999999999999999 {ones} {twos}"),
    ];
    for part in &parts {
        let mut client = subscribed_as_ours(&target, files).await?;
        let (number, _) = offered(&mut client).await?;
        let again = [(number, FETCH, part.as_str()), (number, LATER, "")].repeat(30);
        client.send(&[&answers(&again)]).await;
        client.send(&[&answers(&[(number, FETCH, part)])]).await;
        client.send(&[&nom(1 << 40)]).await;
        whole(&mut client).await.map_err(|error| format!("after {part:?}: {error}"))?;
        // And the same of one that takes files as they come.
        let named = format!("{part} /public.bin");
        let options = [("DIGEST", "BLAKE3"), ("RESUME", named.as_str())];
        let mut client = subscribed(&target, files, &options).await?;
        client.send(&[&nom(1 << 40)]).await;
        whole(&mut client).await.map_err(|error| format!("after RESUME {named:?}: {error}"))?;
    }
    held(&target, files, format!("{} lies, the file comes whole each time", parts.len()), ()).await
}

async fn credit(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let mut notes = Vec::new();
    for options in [&[][..], &[("DIGEST", "BLAKE3")], OURS] {
        let mut client = subscribed(&target, files, options).await?;
        for _ in 0..1000 {
            client.send(&[&nom(0)]).await;
        }
        client.send(&[&message(HUGZ, b"")]).await;
        // Nothing may come for credit of nothing.
        loop {
            let frames = client.read().await.map_err(|error| format!("no HUGZ-OK: {error}"))?;
            if filemq::number(&frames) == Some(HUGZ_OK) {
                break;
            }
            if let Some(piece) = filemq::content(&frames.concat())
                && piece.length > 0
            {
                return Err(format!("{} bytes for no credit", piece.length));
            }
        }
        client.write(&wire::message(&[&nom(u64::MAX)]).repeat(1000)).await;
        if options == OURS {
            // The offers have gone by.
            let mut other = subscribed(&target, files, OURS).await?;
            other.write(&wire::message(&[&nom(u64::MAX)]).repeat(1000)).await;
            let (number, _) = offered(&mut other).await?;
            fetched(&mut other, number).await?;
        } else {
            whole(&mut client).await?;
        }
        notes.push(client);
    }
    held(&target, files, "the file comes whole to each", notes).await
}

async fn paths(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let long = format!("/{}", "x/".repeat(2000));
    let bad: [&[u8]; 8] =
        [b"", b"..", b"a/b", b"/..", b"/../../etc", b"/a\0b", b"/\xFF\xFE", long.as_bytes()];
    for path in bad {
        let mut client = connect(&target, files, b"").await?;
        client.send(&[&ohai()]).await;
        client.send(&[&icanhaz(path, OURS)]).await;
        client.send(&[&nom(1 << 40)]).await;
        client.send(&[&message(HUGZ, b"")]).await;
        loop {
            let frames = client.read().await.map_err(|error| format!("{path:?}: {error}"))?;
            match filemq::number(&frames) {
                Some(HUGZ_OK | RTFM) => break,
                Some(filemq::CHEEZBURGER | filemq::OFFERS) => {
                    return Err(format!("something is sent for {path:?}"));
                }
                _ => {}
            }
        }
    }
    // Some clients append a slash to a directory: this is the root, and gives what the root gives.
    let mut client = connect(&target, files, b"").await?;
    client.send(&[&ohai()]).await;
    client.send(&[&icanhaz(b"//", &[])]).await;
    client.send(&[&nom(1 << 62)]).await;
    whole(&mut client).await?;
    // A path too many, of those that a client may subscribe to.
    let mut client = subscribed(&target, files, &[("HIDDEN", "1")]).await?;
    client.send(&[&message(KTHXBAI, b"")]).await;
    client.send(&[&ohai()]).await;
    for number in 0..2000 {
        client.send(&[&icanhaz(format!("/{number}").as_bytes(), &[])]).await;
    }
    awaited(&mut client, RTFM).await?;
    held(&target, files, format!("{} paths", bad.len()), client).await
}

async fn flood(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let ask = [ohai(), icanhaz(b"/", OURS), message(HUGZ, b""), message(KTHXBAI, b"")];
    let mut sent = 0;
    let mut clients = Vec::new();
    for bytes in &ask {
        let mut client = connect(&target, files, b"").await?;
        client.send(&[&ohai()]).await;
        // One that leaves has to come again.
        let mut batch = wire::message(&[bytes]);
        if bytes.get(2) == Some(&KTHXBAI) {
            batch = [batch, wire::message(&[&ohai()])].concat();
        }
        let batch = batch.repeat(2000);
        let end = tokio::time::Instant::now() + MASS / 6;
        while tokio::time::Instant::now() < end && client.write(&batch).await {
            sent += 2000;
        }
        clients.push(client);
    }
    held(&target, files, format!("{sent} messages"), clients).await
}

async fn cache(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    // As long as names may be, and different ones each time.
    let path = format!("/{}", vec!["p".repeat(250); 15].join("/"));
    let digest = format!("BLAKE3-{}", "11".repeat(32));
    let mut clients = Vec::new();
    let (mut claims, end) = (0_u64, tokio::time::Instant::now() + MASS);
    for _ in 0..4 {
        let mut client = subscribed(&target, files, OURS).await?;
        for _ in 0..16 {
            // As much as the messages of a stranger may have.
            let mut cache = count(16_384);
            for _ in 0..16_384 {
                claims += 1;
                cache.extend(string(format!("{claims:0240}").as_bytes()));
                cache.extend(longstr(digest.as_bytes()));
            }
            let message = icanhaz_with(path.as_bytes(), OURS, &cache);
            if tokio::time::Instant::now() > end || !client.send(&[&message]).await {
                break;
            }
        }
        clients.push(client);
    }
    held(&target, files, format!("{claims} claims of {} bytes", path.len() + 241), clients).await
}

async fn halves(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let piece = vec![7; 1 << 20];
    let (mut clients, mut written) = (Vec::new(), 0);
    for number in 0..40 {
        let size = if number % 8 == 0 { 24 } else { 6 } << 20;
        let mut client = connect(&target, files, b"").await?;
        client.send(&[&ohai()]).await;
        client.write(&wire::announcement(0, size as u64)).await;
        for _ in 0..(size / piece.len()) - 1 {
            if !client.write(&piece).await {
                break;
            }
            written += piece.len();
        }
        clients.push(client);
    }
    held(&target, files, format!("{} MiB were written", written >> 20), clients).await
}

async fn deaf(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let mut clients = Vec::new();
    for number in 0..target.affordable(100) {
        let mut client = connect(&target, files, b"").await?;
        client.send(&[&ohai()]).await;
        let options = if number % 2 == 0 { &[][..] } else { &[("DIGEST", "BLAKE3")] };
        client.send(&[&icanhaz(b"/", options)]).await;
        client.send(&[&nom(u64::MAX)]).await;
        clients.push(client);
    }
    held(&target, files, format!("{} clients", clients.len()), clients).await
}

async fn leaves(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let shared = files.clone();
    let attacked = Arc::clone(&target);
    let come = many(500, 16, MASS, move |_| {
        let (target, files) = (Arc::clone(&attacked), shared.clone());
        async move { subscribed_as_ours(&target, &files).await.is_ok() }
    });
    let come = come.await.into_iter().filter(|come| *come).count();
    if come == 0 {
        return Err("no client is let in".into());
    }
    let mut client = connect(&target, files, b"").await?;
    for number in 0..500 {
        let come = [ohai(), icanhaz(b"/", OURS), nom(1 << 40), message(KTHXBAI, b"")];
        client.write(&come.map(|message| wire::message(&[&message])).concat()).await;
        awaited(&mut client, ICANHAZ_OK).await.map_err(|error| format!("{number}: {error}"))?;
    }
    held(&target, files, format!("{come} came and closed, one came 500 times"), client).await
}

async fn idle(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    // More than the places of clients.
    let number = target.affordable(1100);
    let mut clients: Vec<Connection> = Vec::new();
    for _ in 0..number {
        let mut client = connect(&target, files, &target.stranger().routing_id()).await?;
        client.send(&[&ohai()]).await;
        clients.push(client);
    }
    held(&target, files, format!("{} clients", clients.len()), clients).await
}

async fn tickets(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let Some(good) = target.good.first() else { return Err("there is no good peer".into()) };
    let (name, shared, attacked) = (good.id.routing_id(), files.clone(), Arc::clone(&target));
    // A peer has few connections at a time; of more the oldest make room.
    let at_once = if target.secure.is_some() { 3 } else { 16 };
    let refused = many(1000, at_once, 2 * MASS, move |number| {
        let (target, files) = (Arc::clone(&attacked), shared.clone());
        async move {
            let client = connect_as(&target, &files, &name).await?;
            // The key of another is not let in under this name: then it guesses in its own.
            let mut client = match client {
                Some(client) => client,
                None => connect(&target, &files, &name).await?,
            };
            let guess = format!("{number:032x}");
            let options = [OURS, &[("TICKET", guess.as_str())]].concat();
            asks_in_vain(&mut client, &options, "one that guesses a ticket").await
        }
    });
    let refused = refused.await;
    if let Some(error) = refused.iter().find_map(|refused| refused.as_ref().err()) {
        return Err(error.clone());
    }
    held(&target, files, format!("{} guesses, all refused", refused.len()), ()).await
}

async fn identities(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    if target.secure.is_some() {
        return no_identities(&target, files).await;
    }
    let mut notes = Vec::new();
    for good in target.good.iter().take(3) {
        // What is no ticket at all is none.
        for ticket in [None, Some(""), Some("0"), Some("00000000000000000000000000000000 ")] {
            let name = good.id.routing_id();
            let in_its_name = || async {
                let client = connect_as(&target, files, &name).await?;
                client.ok_or_else(|| "there is no key that it could lack".to_owned())
            };
            let mut client = in_its_name().await?;
            let shown = ticket.map(|ticket| ("TICKET", ticket));
            let options = [OURS, shown.as_slice()].concat();
            client.send(&[&ohai()]).await;
            client.send(&[&icanhaz(b"/", &options)]).await;
            let (number, names) = offered(&mut client).await?;
            if names.iter().any(|name| name == SECRET.as_bytes()) {
                return Err(format!("the secret is offered to one who says {ticket:?}"));
            }
            fetched(&mut client, number).await?;
            // One that takes files as they come.
            let mut client = in_its_name().await?;
            client.send(&[&ohai()]).await;
            client.send(&[&icanhaz(b"/", &[])]).await;
            client.send(&[&icanhaz(SECRET.as_bytes(), &[])]).await;
            client.send(&[&nom(1 << 62)]).await;
            if whole(&mut client).await?.contains(SECRET.as_bytes()) {
                return Err(format!("the secret is sent to one who says {ticket:?}"));
            }
            notes.push(client);
        }
    }
    held(&target, files, "they get what everybody gets", notes).await
}

/// Asks for everything with these options, and is sent away without a word of what there is.
///
/// # Errors
/// It is told something else, or may stay.
async fn asks_in_vain(
    client: &mut Connection,
    options: &[(&str, &str)],
    who: &str,
) -> Result<(), String> {
    client.send(&[&ohai()]).await;
    client.send(&[&icanhaz(b"/", options)]).await;
    client.send(&[&nom(1 << 40)]).await;
    loop {
        let frames = client.read().await.map_err(|error| format!("no SRSLY: {error}"))?;
        match filemq::number(&frames) {
            Some(SRSLY) => break,
            Some(OHAI_OK | ICANHAZ_OK) => {}
            other => return Err(format!("{other:?} is said to {who}")),
        }
    }
    if client.closed(SOON).await { Ok(()) } else { Err(format!("{who} may stay")) }
}

/// Who has not the key of a peer gets nothing of it, not even what everybody gets.
async fn no_identities(target: &Target, files: &FileTarget) -> Result<Done, String> {
    let good = target.good.iter().map(|good| good.id);
    for id in good.chain([target.id, target.stranger()]) {
        for options in [OURS, &[]] {
            let client = connect_as(target, files, &id.routing_id()).await?;
            let Some(mut client) = client else { continue };
            asks_in_vain(&mut client, options, &format!("one in the name of {id}")).await?;
        }
    }
    held(target, files, "they get nothing", ()).await
}

async fn calls(target: Arc<Target>) -> Result<Done, String> {
    let Some(files) = &target.files else { return Done::said(NO_FILES) };
    let role = property("X-FILEMQ-Role", b"server");
    let name = target.good.first().map_or(target.id, |good| good.id).routing_id();
    let mut route = target.route(target.here);
    route.to = files.server;
    let tickets = [None, Some(vec![]), Some(vec![7; 15]), Some(vec![7; 17]), Some(vec![7; 5000])];
    for ticket in tickets {
        let ticket = ticket.map(|ticket| property("X-FILEMQ-Ticket", &ticket)).unwrap_or_default();
        let called = route.greet_with(&name, &[&role[..], &ticket].concat()).await;
        // Too much for READY it may be as well, or another key than that of this name.
        let Ok(mut call) = called else { continue };
        if !call.closed(SOON).await {
            return Err("a call without a ticket stays open".into());
        }
    }
    let said = many(1000, 16, 2 * MASS, move |number| {
        let ticket = property("X-FILEMQ-Ticket", &(number as u128).to_be_bytes());
        let properties = [&role[..], &ticket].concat();
        async move {
            let mut call = match route.greet_with(&name, &properties).await {
                Ok(call) => call,
                Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(()),
                Err(error) => return Err(error.to_string()),
            };
            match call.read().await {
                Ok(frames) => Err(format!("{:?} is said to a caller", filemq::number(&frames))),
                Err(error) if error.kind() == ErrorKind::TimedOut => {
                    Err("a call of nobody stays open".to_owned())
                }
                Err(_) => Ok(()),
            }
        }
    });
    let said = said.await;
    if let Some(error) = said.iter().find_map(|said| said.as_ref().err()) {
        return Err(error.clone());
    }
    linger(Duration::from_millis(100)).await;
    held(&target, files, format!("{} calls, all closed without a word", said.len()), ()).await
}
