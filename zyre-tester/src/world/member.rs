//! A node on one of the hosts, in a process of its own, as the world sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use testkit::child::Child;
use testkit::failure::{Failure, Result};
use testkit::ledger::Account;
use testkit::network::Host as Machine;
use testkit::transcript::{Mark, Seen, Transcript};
use zyre::ExitReason;

use super::kind::Kind;
use super::language::{Answer, Objection};

/// How long a node may take to stop: it says goodbye to peers that may be gone.
const STOP: Duration = Duration::from_secs(15);

/// A running node. Killed when dropped.
pub(super) struct Member {
    /// As its host, and which life of that it is.
    pub(super) name: String,
    pub(super) id: String,
    pub(super) kind: Kind,
    /// Of its mailbox.
    port: String,
    /// The ids and endpoints that it was told of.
    told: BTreeSet<(String, String)>,
    /// The messages that it had received when it was last asked.
    pub(super) received: u64,
    /// Those that were lost on their way to it, each before an EXIT.
    pub(super) lost: u64,
    born: Mark,
    process: Child,
}

/// A question that was put to a node.
pub(super) struct Asked(Mark);

impl Member {
    /// Starts a node on a host, by the program of its kind.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn start(
        machine: &Machine,
        transcript: &Arc<Transcript>,
        kind: Kind,
        program: &Command,
        settings: &Value,
    ) -> Result<Self> {
        let name = settings["name"].as_str().unwrap_or_default().to_owned();
        let born = transcript.mark();
        let process = Child::start_in(transcript, &name, &mut machine.command(program))?;
        if let Some(start) = kind.start(settings) {
            process.tell(&start)?;
        }
        let started = process.blocking_expect(born, &kind.started())?;
        let [id, endpoint] = kind.place(&started.report);
        let port = endpoint.rsplit(':').next().unwrap_or_default().to_owned();
        let told = BTreeSet::new();
        Ok(Self { name, id, kind, port, told, received: 0, lost: 0, born, process })
    }

    /// Asks for the peers that it knows.
    ///
    /// # Errors
    /// It has ended.
    pub(super) fn ask(&self) -> Result<Asked> {
        self.process.tell(&self.kind.question()).map(Asked)
    }

    /// Waits for the answer to a question.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn answer(&mut self, asked: &Asked) -> Result<BTreeSet<String>> {
        let answer = self.process.blocking_expect(asked.0, &self.kind.answer())?;
        let Answer { peers, received, lost } = self.kind.read(&answer.report);
        (self.received, self.lost) = (received, lost);
        Ok(peers)
    }

    /// Tells it of a node at an address, unless it knows that.
    ///
    /// # Errors
    /// It has ended.
    pub(super) fn tell_of(&mut self, id: &str, endpoint: &str) -> Result<()> {
        if !self.told.insert((id.to_owned(), endpoint.to_owned())) {
            return Ok(());
        }
        self.process.tell(&format!("require {id} {endpoint}")).map(drop)
    }

    /// Has a node of pyre say something, in a group that all its kind are in.
    ///
    /// # Errors
    /// It has ended.
    pub(super) fn shout(&self) -> Result<()> {
        self.process.tell(&format!("shout group-0 from {}", self.name)).map(drop)
    }

    /// Returns where its mailbox is, on a host with this address.
    pub(super) fn endpoint(&self, address: Ipv4Addr) -> String {
        format!("tcp://{address}:{}", self.port)
    }

    /// Has a node of ours say nothing more, or speak again.
    ///
    /// # Errors
    /// It has ended.
    pub(super) fn hush(&self, hushed: bool) -> Result<()> {
        self.process.tell(if hushed { "hush" } else { "speak" }).map(drop)
    }

    /// Returns what was whispered between a node of ours and each of its peers.
    ///
    /// # Errors
    /// It has ended.
    pub(super) fn accounts(&self) -> Result<BTreeMap<String, Account>> {
        let answer = self.process.blocking_ask("accounts")?;
        let accounts = Deserialize::deserialize(&answer.report["peers"]);
        accounts.map_err(|error| Failure::new(format!("accounts of {}: {error}", self.name)))
    }

    /// Returns how many whispers each peer had been sent that was present when it stopped.
    pub(super) fn said(&self) -> BTreeMap<String, u64> {
        let stopped = self.process.reports(self.born, &self.kind.stopped());
        let said = stopped.first().and_then(|seen| seen.report["said"].as_object().cloned());
        let said = said.unwrap_or_default().into_iter();
        said.filter_map(|(peer, said)| Some((peer, said.as_u64()?))).collect()
    }

    /// Returns how many whispers of a peer had come before it said goodbye, if it has.
    pub(super) fn heard_before_goodbye(&self, peer: &str) -> Option<u64> {
        let goodbye = ExitReason::Goodbye.as_str();
        let exit = json!({ "event": "EXIT", "peer": peer, "why": goodbye });
        self.process.reports(self.born, &exit).last()?.report["heard"].as_u64()
    }

    /// Has it stop, which takes a while.
    ///
    /// # Errors
    /// It has ended.
    pub(super) fn stop(&self) -> Result<()> {
        self.process.tell(&self.kind.stop()).map(drop)
    }

    /// Waits until it has stopped.
    ///
    /// # Errors
    /// It does not stop, or not well.
    pub(super) fn stopped(&mut self) -> Result<()> {
        let (name, stopped) = (&self.name, self.kind.stopped());
        self.process.transcript().blocking_expect(name, self.born, &stopped, STOP)?;
        if self.kind == Kind::Old {
            // Its process would hold other nodes.
            self.process.kill();
            return Ok(());
        }
        let status = self.process.blocking_wait(STOP)?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::new(format!("{name} has stopped with {status}")))
    }

    /// Kills it. Returns whether it had ended before.
    pub(super) fn crash(&mut self) -> bool {
        let had_ended = self.process.status().is_some();
        self.process.kill();
        had_ended
    }

    /// Returns what it has objected to.
    pub(super) fn objections(&self) -> Vec<Objection> {
        let patterns = self.kind.objections().into_iter();
        let reports = patterns.flat_map(|pattern| self.process.reports(self.born, &pattern));
        reports.map(|seen| self.kind.objection(&seen.report)).collect()
    }

    /// Returns what it has heard about a peer after the mark, a line each.
    pub(super) fn story(&self, peer: &str, after: Mark) -> Vec<String> {
        let start = self.process.transcript().start();
        let patterns = self.kind.news(peer).into_iter();
        let mut news: Vec<_> =
            patterns.flat_map(|pattern| self.process.reports(after, &pattern)).collect();
        news.sort_by_key(|seen| seen.at);
        let line = |seen: &Seen| {
            let seconds = seen.at.duration_since(start.at).as_secs_f64();
            format!("{seconds:8.3} s {}", self.kind.words(&seen.report))
        };
        news.iter().map(line).collect()
    }

    /// Returns all that it has heard about a peer, a line each.
    pub(super) fn whole_story(&self, peer: &str) -> Vec<String> {
        self.story(peer, self.born)
    }
}
