//! Nodes of ours contest in a group that has members of another kind as well. Those know nothing of
//! elections, would break their links on the first word of one, and so are told none.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::failure::{Failure, Result};

use crate::cases::{about, pass};
use crate::environment::{Bed, Options, run};
use crate::kind::Kind;
use crate::peer::Peer;

pub(crate) fn pyre() {
    run("a leader beside pyre", |bed| beside(bed, [Kind::Pyre, Kind::Pyre]));
}

pub(crate) fn zyrejs() {
    run("a leader beside zyre.js", |bed| beside(bed, [Kind::ZyreJs, Kind::ZyreJs]));
}

pub(crate) fn both() {
    run("a leader beside both", |bed| beside(bed, [Kind::Pyre, Kind::ZyreJs]));
}

const GROUP: &str = "plaza";

/// GOODBYE, which the others do not know either. It is the last thing that a node says.
const GOODBYE: u64 = 10;

/// A new leader must be known this fast once the old one is gone; after a crash that is noticed within
/// a second.
const NEXT_LEADER: Duration = Duration::from_secs(3);

/// One of the others is there before ours, one comes when there is a leader.
fn beside(bed: &Bed, [early, late]: [Kind; 2]) -> Result<String> {
    let foreign = Options { groups: &[GROUP], ..Options::default() };
    let early = bed.start(early, "early", &foreign)?;
    let mut ours = Vec::new();
    for (n, part) in [(1, "--join"), (2, "--join"), (3, "--contest"), (4, "--contest")] {
        let id = format!("{n:032x}");
        let arguments = &["--id", &id, part, GROUP];
        let options = Options { arguments, ..Options::default() };
        ours.push(bed.start(Kind::Ours, &format!("node{n}"), &options)?);
    }
    for one in &ours {
        one.expect(&leads(Some(&ours[2])))?;
    }
    let others = [early, bed.start(late, "late", &foreign)?];
    talk(&ours, &others)?;
    agree(&ours, &ours[2])?;

    let mark = ours[1].say(&format!("contest {GROUP}"))?;
    for one in &ours {
        one.expect_after(mark, &leads(Some(&ours[1])))?;
    }
    // A member that comes back must not be told either.
    for (command, event) in [("leave", "LEAVE"), ("join", "JOIN")] {
        let mark = others[0].say(&format!("{command} {GROUP}"))?;
        for one in &ours {
            one.expect_after(mark, &about(event, &others[0], json!({ "group": GROUP })))?;
        }
    }
    talk(&ours, &others)?;
    agree(&ours, &ours[1])?;
    bed.no_exit()?;
    understood(&others, &[])?;
    without_the_leader(bed, ours, &others)
}

/// The leader stops and the next one is killed: another one leads, and the others miss nobody else.
fn without_the_leader(bed: &Bed, mut ours: Vec<Peer>, others: &[Peer]) -> Result<String> {
    let stopped = ours.remove(1);
    let mark = stopped.say("quit")?;
    for one in &ours {
        one.expect_within(NEXT_LEADER, mark, &leads(None))?;
        one.expect_within(NEXT_LEADER, mark, &leads(Some(&ours[1])))?;
    }
    for other in others {
        other.expect_after(mark, &about("EXIT", &stopped, json!({})))?;
    }
    // The others notice a crash only when the peer expires, after 30 s.
    let mut killed = ours.remove(1);
    let mark = killed.kill();
    let mut slowest = Duration::ZERO;
    for one in &ours {
        let (took, _) = one.expect_within(NEXT_LEADER, mark, &leads(Some(&ours[1])))?;
        slowest = slowest.max(took);
    }
    talk(&ours, others)?;
    agree(&ours, &ours[1])?;
    understood(others, &[GOODBYE])?;
    ours.iter().chain(others).try_for_each(|peer| bed.no_exit_of(peer))?;
    Ok(format!("another one {:.0} ms after a crash", slowest.as_secs_f64() * 1e3))
}

fn leads(leader: Option<&Peer>) -> Value {
    json!({ "event": "LEADER", "group": GROUP, "leader": leader.map(|leader| &leader.id) })
}

/// This was the last leader that each was told of, and each says so when it is asked.
fn agree(ours: &[Peer], leader: &Peer) -> Result<()> {
    for one in ours {
        let told = one.events(&json!({ "event": "LEADER" }));
        let last = told.last().map(|event| &event["leader"]);
        if last != Some(&json!(leader.id)) {
            return Err(Failure::new(format!("{} was told last that {last:?} leads", one.name)));
        }
        let mark = one.say(&format!("leader {GROUP}"))?;
        one.expect_after(mark, &leads(Some(leader)))?;
    }
    Ok(())
}

/// Each of ours and each of the others have met in the group, and hear each other.
fn talk(ours: &[Peer], others: &[Peer]) -> Result<()> {
    let couples = || ours.iter().flat_map(|one| others.iter().map(move |other| (one, other)));
    for (one, other) in couples().flat_map(|(one, other)| [(one, other), (other, one)]) {
        one.expect(&about("ENTER", other, json!({ "name": other.name })))?;
        one.expect(&about("JOIN", other, json!({ "group": GROUP })))?;
        pass(one, other, "to you")?;
    }
    for (speakers, hearers) in [(ours, others), (others, ours)] {
        for speaker in speakers {
            let mark = speaker.say(&format!("shout {GROUP} to all"))?;
            let shout = about("SHOUT", speaker, json!({ "group": GROUP, "content": ["to all"] }));
            for hearer in hearers {
                hearer.expect_after(mark, &shout)?;
            }
        }
    }
    Ok(())
}

/// None of the others was sent a command that it does not know, but for these.
fn understood(others: &[Peer], except: &[u64]) -> Result<()> {
    for other in others {
        for unknown in other.events(&json!({ "event": "UNKNOWN" })) {
            if !unknown["command"].as_u64().is_some_and(|command| except.contains(&command)) {
                return Err(Failure::new(format!(
                    "{} was sent what it does not know: {unknown}",
                    other.name
                )));
            }
        }
    }
    Ok(())
}
