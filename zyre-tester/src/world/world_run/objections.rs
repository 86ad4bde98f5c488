//! What is wrong, in words.

use std::time::Duration;

use super::WorldRun;
use crate::world::member::Member;
use crate::world::moment::{Difference, Other};

impl WorldRun {
    pub(super) fn name_of(&self, id: &str) -> String {
        self.names.get(id).map_or_else(|| id.to_owned(), |(name, _)| name.clone())
    }

    pub(super) fn object(&mut self, difference: &Difference, lasted: Duration) {
        let mut text = difference.describe(&self.topology);
        let until = match lasted {
            Duration::ZERO => "it was so, and is not any more".to_owned(),
            late => format!("for {:.1} s", late.as_secs_f64()),
        };
        text += &format!("\n    {until}\n    {}", self.topology.hosts[difference.host]);
        let member = &self.members[&difference.host];
        let other = match &difference.other {
            Other::Missing(place) | Other::Surplus(place) => {
                text += &format!("\n    {}", self.topology.hosts[*place]);
                self.members[place].id.clone()
            }
            Other::Gone(id) => id.clone(),
        };
        let story = member.whole_story(&other);
        text += &format!("\n    what {} has heard of it:\n      ", member.name);
        text += &story.join("\n      ");
        self.summary.wrong.push(text);
    }

    pub(super) fn all_objections(&mut self) {
        let members = std::mem::take(&mut self.members);
        for member in members.values() {
            self.objections(member);
        }
        self.members = members;
    }

    /// What the ledger of a node says.
    pub(super) fn objections(&mut self, member: &Member) {
        let is_ours = |id: &str| self.names.get(id).is_some_and(|(_, kind)| kind.is_ours());
        for wrong in member.objections() {
            // What guests do to each other is not judged here.
            if !member.kind.is_ours()
                && self.names.contains_key(&wrong.peer)
                && !is_ours(&wrong.peer)
            {
                continue;
            }
            let mut line = format!("{}: {}: {}", member.name, wrong.rule, wrong.what);
            line += &format!(" (about {})", self.name_of(&wrong.peer));
            for entry in &wrong.history {
                line += &format!("\n      {entry}");
            }
            self.summary.wrong.push(line);
        }
    }
}
