//! The recipients of a published file.

use std::collections::BTreeSet;
use std::sync::Arc;

use filemq::Audience;
use zre_proto::PeerId;

/// The recipients of a published file. A name of a group, and the id of a peer, convert to it.
///
/// Membership of a group is self-declared, and so is the id of a peer: this is not access control.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recipient {
    /// Every peer that shares files.
    Everyone,
    /// The members of a group. A member that joins later gets the file then; one that has left gets no
    /// more changes, and keeps what it has. The publishing node need not be in the group.
    Group(Arc<str>),
    /// One peer, now or when it is here.
    Peer(PeerId),
}

impl From<&str> for Recipient {
    fn from(group: &str) -> Self {
        Self::Group(group.into())
    }
}

impl From<String> for Recipient {
    fn from(group: String) -> Self {
        Self::Group(group.into())
    }
}

impl From<PeerId> for Recipient {
    fn from(peer: PeerId) -> Self {
        Self::Peer(peer)
    }
}

impl Recipient {
    pub(crate) fn audience(&self) -> Audience {
        match self {
            Self::Everyone => Audience::Everyone,
            Self::Group(group) => Audience::Tagged(group_tag(group)),
            Self::Peer(peer) => Audience::Tagged(peer_tag(*peer)),
        }
    }
}

/// Returns what a peer is a recipient of: its groups, and itself.
pub(crate) fn tags(peer: PeerId, groups: &[Arc<str>]) -> BTreeSet<Arc<str>> {
    let groups = groups.iter().map(|group| group_tag(group));
    groups.chain([peer_tag(peer)]).collect()
}

/// No group is called like a peer.
fn group_tag(group: &str) -> Arc<str> {
    format!("group {group}").into()
}

fn peer_tag(peer: PeerId) -> Arc<str> {
    format!("peer {peer}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_gets_what_is_for_it_and_its_groups_whatever_these_are_called() {
        let [alice, bob] = [PeerId::new([1; 16]), PeerId::new([2; 16])];
        let imposture = [peer_tag(bob), bob.to_string().into(), "club".into()];
        let tags = tags(alice, &imposture);
        for (recipient, expected) in [
            (Recipient::Everyone, true),
            ("club".into(), true),
            (String::from("clu").into(), false),
            (alice.into(), true),
            (bob.into(), false),
        ] {
            assert_eq!(recipient.audience().includes(&tags), expected, "{recipient:?}");
        }
    }
}
