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
        let text = difference.describe(&self.topology, &self.truth);
        let until = match lasted {
            Duration::ZERO => "it was so, and is not any more".to_owned(),
            late => format!("for {:.1} s", late.as_secs_f64()),
        };
        let stories = self.stories(difference, usize::MAX);
        self.summary.wrong.push(format!("{text}\n    {until}{stories}"));
    }

    /// Returns what the two hosts of a difference are, and the last that their nodes have heard of
    /// each other, `most` lines each.
    pub(super) fn stories(&self, difference: &Difference, most: usize) -> String {
        let host = difference.host;
        let (other, gone) = match &difference.other {
            Other::Missing(place) | Other::Surplus(place) => (Some(*place), None),
            Other::Gone(id) => (None, Some(id.as_str())),
        };
        let id_at = |place| self.members.get(&place).map(|member: &Member| member.id.as_str());
        let heard_of = |place, id: Option<&str>| {
            let (member, id) = (self.members.get(&place)?, id?);
            let story = member.whole_story(id);
            let lines = story[story.len().saturating_sub(most)..].join("\n      ");
            Some(format!("\n    what {} has heard of it:\n      {lines}", member.name))
        };
        let mut text = format!("\n    {}", self.topology.hosts[host]);
        if let Some(other) = other {
            text += &format!("\n    {}", self.topology.hosts[other]);
            text.extend(heard_of(other, id_at(host)));
        }
        text.extend(heard_of(host, other.and_then(id_at).or(gone)));
        text
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
