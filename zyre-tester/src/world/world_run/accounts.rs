//! Whether all that was accepted has arrived: that takes the books of two nodes.

use std::collections::BTreeMap;
use std::ops::Range;
use std::thread::sleep;
use std::time::{Duration, Instant};

use testkit::ledger::Account;

use super::{ASK, WorldRun};
use crate::world::last_words::LastWords;

/// How long what was said may be on its way: links are slow and lossy.
const ON_ITS_WAY: Duration = Duration::from_secs(20);

/// Whispers of one node to another that were accepted, and have not come.
struct Missing {
    from: String,
    to: String,
    whispers: Range<u32>,
}

impl WorldRun {
    /// Everybody is silent until all that was said to peers which are known since has been heard.
    /// What was accepted before lies before an EXIT, or is missing.
    pub(super) fn settle(&mut self) {
        self.hush(true);
        let end = Instant::now() + ON_ITS_WAY;
        loop {
            let (missing, compared) = self.missing();
            if missing.is_empty() || Instant::now() > end {
                self.summary.settled += compared - missing.len() as u64;
                for Missing { from, to, whispers } in missing {
                    let (from, to) = (self.name_of(&from), self.name_of(&to));
                    let what = format!(
                        "{from} has whispered {whispers:?} to {to}, which has not heard it; both \
                         are present to each other, and there was no EXIT in between"
                    );
                    self.summary.wrong.push(what);
                }
                break;
            }
            sleep(ASK);
        }
        self.hush(false);
    }

    fn hush(&self, hushed: bool) {
        for member in self.members.values().filter(|member| member.kind.is_ours()) {
            // One that has died is found when it is asked.
            let _ = member.hush(hushed);
        }
    }

    /// Returns what has not come so far, and how many accounts were compared.
    fn missing(&mut self) -> (Vec<Missing>, u64) {
        let mut accounts: BTreeMap<String, BTreeMap<String, Account>> = BTreeMap::new();
        for member in self.members.values().filter(|member| member.kind.is_ours()) {
            match member.accounts() {
                Ok(account) => drop(accounts.insert(member.id.clone(), account)),
                Err(error) => self.summary.wrong.push(error.to_string()),
            }
        }
        let (mut missing, mut compared) = (Vec::new(), 0);
        for (from, peers) in &accounts {
            for (to, account) in peers {
                let Some(other) = accounts.get(to).and_then(|peers| peers.get(from)) else {
                    continue;
                };
                compared += 1;
                let whispers = account.missing_at(other);
                if !whispers.is_empty() {
                    let (from, to) = (from.clone(), to.clone());
                    missing.push(Missing { from, to, whispers });
                }
            }
        }
        (missing, compared)
    }

    /// What nodes had said before they stopped has come before their goodbye, where the network was
    /// in order.
    pub(super) fn judge_last_words(&mut self) {
        let in_order =
            |host: usize| !self.disturbed.contains(&host) && !self.topology.hosts[host].is_rough();
        let mut wrong = Vec::new();
        for LastWords { host, id, name, said } in self.last_words.drain(..) {
            for (place, member) in &self.members {
                let Some(&said) = said.get(&member.id) else { continue };
                let Some(heard) = member.heard_before_goodbye(&id) else { continue };
                if heard < said && in_order(host) && in_order(*place) {
                    let to = &member.name;
                    wrong.push(format!(
                        "{name} had whispered {said} times to {to} before it stopped, which has \
                         heard {heard} of that before its goodbye"
                    ));
                }
            }
        }
        self.summary.wrong.append(&mut wrong);
        self.disturbed.clear();
        self.unsettled.clear();
    }
}
