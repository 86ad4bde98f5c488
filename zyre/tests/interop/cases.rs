//! What a pair of nodes must be able to do. A acts, B looks on.
//!
//! A case that only wants to see an event waits for it; a case that wants to see *no* event waits
//! for one that was sent afterwards on the same link, which keeps the order.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::failure::{Failure, Result};

use crate::environment::{Bed, Options};
use crate::kind::Kind;
use crate::peer::Peer;

/// What a case that succeeded has to say about it.
type Report = Result<String>;

/// EXIT must follow an orderly end this fast.
const GOODBYE: Duration = Duration::from_secs(2);
/// Our node must notice a lost link this fast.
const LINK_LOST: Duration = Duration::from_secs(1);

/// Every script, some of it outside the basic multilingual plane.
const UNICODE: &str = "grüße · γειά · привет · שלום · 漢字 · 🎉👩‍🚀";

/// The event with this name that a peer is the subject of, and these further fields.
pub(crate) fn about(event: &str, subject: &Peer, fields: Value) -> Value {
    let mut pattern = fields;
    pattern["event"] = json!(event);
    pattern["peer"] = json!(subject.id);
    pattern
}

/// A whisper from the peer.
fn whisper_from(peer: &Peer, content: &[&str]) -> Value {
    about("WHISPER", peer, json!({ "content": content }))
}

/// A shout from the peer.
fn shout_from(peer: &Peer, group: &str, content: &[&str]) -> Value {
    about("SHOUT", peer, json!({ "group": group, "content": content }))
}

/// Starts both and waits until both can send to each other.
fn meet(bed: &Bed, a: Kind, b: Kind, groups: &[&str]) -> Result<(Peer, Peer)> {
    let options = Options { groups, ..Options::default() };
    let a = bed.start(a, "alice", &options)?;
    let b = bed.start(b, "bob", &options)?;
    for (one, other) in [(&a, &b), (&b, &a)] {
        one.expect(&about("ENTER", other, json!({})))?;
        for group in groups {
            one.expect(&about("JOIN", other, json!({ "group": group })))?;
        }
    }
    Ok((a, b))
}

/// Sends a whisper and waits for it.
pub(crate) fn pass(from: &Peer, to: &Peer, text: &str) -> Result<()> {
    let mark = from.say(&format!("whisper {} {text}", to.id))?;
    to.expect_after(mark, &whisper_from(from, &[text]))?;
    Ok(())
}

/// Discovery when the node that looks on comes second.
pub(crate) fn a_starts_first(bed: &Bed, a: Kind, b: Kind) -> Report {
    discovery(bed, a, b, true)
}

/// Discovery when the node that looks on was there first.
pub(crate) fn b_starts_first(bed: &Bed, a: Kind, b: Kind) -> Report {
    discovery(bed, a, b, false)
}

/// Each learns the name, headers and groups of the other, the groups after the ENTER.
fn discovery(bed: &Bed, a: Kind, b: Kind, a_first: bool) -> Report {
    let giver = [("X-ROLE", "giver"), ("X-SERVICE", "tcp://10.0.0.1:80/?a=b")];
    let taker = [("X-ROLE", "taker")];
    let start_a = || {
        bed.start(
            a,
            "alice",
            &Options { groups: &["lobby", "hall"], headers: &giver, ..Options::default() },
        )
    };
    let start_b = || bed.start(b, "bob", &Options { headers: &taker, ..Options::default() });
    let (a, b) = if a_first {
        let a = start_a()?;
        (a, start_b()?)
    } else {
        let b = start_b()?;
        (start_a()?, b)
    };
    let begin = Instant::now();

    let headers = json!({ "X-ROLE": "giver", "X-SERVICE": "tcp://10.0.0.1:80/?a=b" });
    let at_b = b.expect(&about("ENTER", &a, json!({ "name": "alice", "headers": headers })))?;
    let headers = json!({ "X-ROLE": "taker" });
    let at_a = a.expect(&about("ENTER", &b, json!({ "name": "bob", "headers": headers })))?;
    for group in ["lobby", "hall"] {
        b.expect(&about("JOIN", &a, json!({ "name": "alice", "group": group })))?;
    }

    let of_a = b.events(&json!({ "peer": a.id }));
    let enters = of_a.iter().filter(|event| event["event"] == "ENTER").count();
    if enters != 1 {
        return Err(Failure::new(format!("{enters} times ENTER")));
    }
    let enter_comes_first = of_a.first().is_some_and(|event| event["event"] == "ENTER");
    // zyre.js tells its application about the groups first.
    if b.kind != Kind::ZyreJs && !enter_comes_first {
        return Err(Failure::new("JOIN came before ENTER"));
    }
    bed.no_exit()?;
    let last = at_a.at.max(at_b.at).saturating_duration_since(begin);
    Ok(format!("both known {:.0} ms after the second had started", last.as_secs_f64() * 1e3))
}

/// JOIN and LEAVE arrive, more than once for the same group, in both directions.
pub(crate) fn groups(bed: &Bed, a: Kind, b: Kind) -> Report {
    let (a, b) = meet(bed, a, b, &[])?;
    for _ in 0..3 {
        for (command, event) in [("join", "JOIN"), ("leave", "LEAVE")] {
            let mark = a.say(&format!("{command} room"))?;
            b.expect_after(mark, &about(event, &a, json!({ "name": "alice", "group": "room" })))?;
            let mark = b.say(&format!("{command} attic"))?;
            a.expect_after(mark, &about(event, &b, json!({ "name": "bob", "group": "attic" })))?;
        }
    }
    bed.no_exit()?;
    Ok(String::new())
}

/// Whispers arrive whole, in both directions: text, text beyond ASCII, nothing at all, much.
pub(crate) fn whisper(bed: &Bed, a: Kind, b: Kind) -> Report {
    let (a, b) = meet(bed, a, b, &[])?;
    let long = "0123456789abcdef".repeat(4096);
    for text in ["hello", UNICODE, "", " two  spaces ", &long] {
        pass(&a, &b, text)?;
        pass(&b, &a, text)?;
    }
    bed.no_exit()?;
    Ok(String::new())
}

/// Shouts reach the members of the group, in both directions, and nobody else.
pub(crate) fn shout(bed: &Bed, a: Kind, b: Kind) -> Report {
    let (a, b) = meet(bed, a, b, &["room"])?;
    for text in ["hello", UNICODE, ""] {
        let mark = a.say(&format!("shout room {text}"))?;
        b.expect_after(mark, &shout_from(&a, "room", &[text]))?;
        let mark = b.say(&format!("shout room {text}"))?;
        a.expect_after(mark, &shout_from(&b, "room", &[text]))?;
    }

    // B is no member of the attic, so it must not hear what A says there.
    let mark = a.say("join attic")?;
    b.expect_after(mark, &about("JOIN", &a, json!({ "group": "attic" })))?;
    a.say("shout attic secret")?;
    pass(&a, &b, "after the secret")?;
    if !b.events(&json!({ "event": "SHOUT", "group": "attic" })).is_empty() {
        return Err(Failure::new("a shout reached a node that is no member"));
    }
    // But it may speak to those who are.
    let mark = b.say("shout attic let me in")?;
    a.expect_after(mark, &shout_from(&b, "attic", &["let me in"]))?;

    // And one who has left hears no more.
    let mark = b.say("leave room")?;
    a.expect_after(mark, &about("LEAVE", &b, json!({ "group": "room" })))?;
    a.say("shout room too late")?;
    pass(&a, &b, "after the leave")?;
    if !b.events(&shout_from(&a, "room", &["too late"])).is_empty() {
        return Err(Failure::new("a shout reached a node that had left"));
    }
    bed.no_exit()?;
    Ok(String::new())
}

/// Messages of several frames keep them all. zyre.js cannot send them and keeps the first.
pub(crate) fn several_frames(bed: &Bed, a: Kind, b: Kind) -> Report {
    let (a, b) = meet(bed, a, b, &["room"])?;
    for frames in [&["one", "two", "three"][..], &["", "", "x", ""], &["first", UNICODE]] {
        let kept = if b.kind == Kind::ZyreJs { &frames[..1] } else { frames };
        let text = frames.join("|");
        let mark = a.say(&format!("whisperm {} {text}", b.id))?;
        b.expect_after(mark, &whisper_from(&a, kept))?;
        let mark = a.say(&format!("shoutm room {text}"))?;
        b.expect_after(mark, &shout_from(&a, "room", kept))?;
    }
    bed.no_exit()?;
    Ok(String::new())
}

/// A thousand whispers at once all arrive, in order.
pub(crate) fn burst(bed: &Bed, a: Kind, b: Kind) -> Report {
    const COUNT: usize = 1000;
    let (a, b) = meet(bed, a, b, &[])?;
    let mark = a.say(&format!("burst {} {COUNT}", b.id))?;
    let last = b.expect_after(mark, &whisper_from(&a, &[&(COUNT - 1).to_string()]))?;
    let took = last.at.saturating_duration_since(mark.at);
    let whispers = b.events(&about("WHISPER", &a, json!({})));
    for (index, event) in whispers.iter().enumerate() {
        if event["content"] != json!([index.to_string()]) {
            return Err(Failure::new(format!("whisper {index} is {event}")));
        }
    }
    a.expect(&json!({ "event": "BURST", "count": COUNT }))?;
    bed.no_exit()?;
    Ok(format!("{COUNT} whispers in {:.0} ms", took.as_secs_f64() * 1e3))
}

/// Joins and leaves the same group so often that the status counter (one byte) wraps.
///
/// The deployed peers cannot all do that: pyre's own thread dies at its 256th change, and zyre.js
/// wraps one too early, which kills a pyre that looks on. Those change less often. Our node must
/// bear both ways to wrap.
pub(crate) fn churn(bed: &Bed, a: Kind, b: Kind) -> Report {
    let rounds = match (a, b) {
        (Kind::Pyre, _) | (Kind::ZyreJs, Kind::Pyre) => 120,
        _ => 300,
    };
    let (a, b) = meet(bed, a, b, &[])?;
    let mark = a.say(&format!("churn room {rounds}"))?;
    a.expect_after(mark, &json!({ "event": "CHURN", "count": rounds }))?;
    let mark = a.say("join after")?;
    b.expect_after(mark, &about("JOIN", &a, json!({ "group": "after" })))?;

    bed.no_exit()?;
    let seen = b.events(&json!({ "group": "room" }));
    let alternate = seen
        .iter()
        .enumerate()
        .all(|(index, event)| event["event"] == if index % 2 == 0 { "JOIN" } else { "LEAVE" });
    if seen.len() != 2 * rounds || !alternate {
        return Err(Failure::new(format!("{} changes seen for {rounds} rounds", seen.len())));
    }
    pass(&a, &b, "still here")?;
    pass(&b, &a, "me too")?;
    Ok(format!("{rounds} times"))
}

/// A node that leaves is gone at once, and is found again when it comes back.
pub(crate) fn quit(bed: &Bed, a: Kind, b: Kind) -> Report {
    let (a, b) = meet(bed, a, b, &[])?;
    let mark = a.say("quit")?;
    let (took, exit) = b.expect_within(GOODBYE, mark, &about("EXIT", &a, json!({})))?;
    let reason = reason_of(&b, &exit)?;
    // zyre.js now and then aborts inside its ZeroMQ library when it stops.
    if a.kind != Kind::ZyreJs {
        a.expect(&json!({ "event": "STOPPED", "ok": true }))?;
    }
    come_back(bed, a, &b)?;
    Ok(format!("EXIT after {:.0} ms{reason}", took.as_secs_f64() * 1e3))
}

/// A node that crashes is noticed by the lost link, and is found again when it comes back.
pub(crate) fn crash(bed: &Bed, a: Kind, b: Kind) -> Report {
    let (mut a, b) = meet(bed, a, b, &[])?;
    let mark = a.kill();
    let (took, exit) = b.expect_within(LINK_LOST, mark, &about("EXIT", &a, json!({})))?;
    let reason = reason_of(&b, &exit)?;
    if reason.to_lowercase().contains("expired") {
        return Err(Failure::new(format!("not by expiry: {exit}")));
    }
    come_back(bed, a, &b)?;
    Ok(format!("EXIT after {:.0} ms{reason}", took.as_secs_f64() * 1e3))
}

/// The reason that an EXIT of our node carries, as a remark.
fn reason_of(observer: &Peer, exit: &Value) -> Report {
    if observer.kind != Kind::Ours {
        return Ok(String::new());
    }
    let reason = exit["reason"].as_str().filter(|reason| !reason.is_empty());
    reason
        .map(|reason| format!(", reason {reason}"))
        .ok_or_else(|| Failure::new(format!("an EXIT without a reason: {exit}")))
}

/// Starts the node that has gone once more. The same name has another identity now.
fn come_back(bed: &Bed, gone: Peer, b: &Peer) -> Result<()> {
    let again = bed.start(gone.kind, &gone.name, &Options::default())?;
    if again.id == gone.id {
        return Err(Failure::new("a new node with the identity of the old one"));
    }
    b.expect(&about("ENTER", &again, json!({ "name": gone.name })))?;
    again.expect(&about("ENTER", b, json!({})))?;
    pass(&again, b, "back")?;
    pass(b, &again, "welcome")?;
    Ok(())
}
