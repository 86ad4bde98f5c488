//! What the tests of the engine share: short names for nodes, and the promises that every engine
//! keeps whatever happens to it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use zre_proto::message::{Command, Message};
use zre_proto::{Endpoint, Engine, Event, Input, LinkId, MessageLimits, Output, PeerId};

/// Node number `n`.
pub(crate) const fn id(n: u8) -> PeerId {
    PeerId::new([n; 16])
}

/// Where node number `n` is: at an address of its own.
pub(crate) fn endpoint(n: u8) -> Endpoint {
    Endpoint::new(SocketAddr::from(([10, 0, 0, n], 49152)))
}

/// Watches what goes into one engine and what comes out, and panics at a broken promise.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    links: BTreeMap<LinkId, Link>,
    /// The peers between ENTER and EXIT, and their groups.
    present: BTreeMap<PeerId, BTreeSet<String>>,
    stopped: bool,
}

#[derive(Debug)]
struct Link {
    peer: PeerId,
    /// The sequence of what was sent last; `None` before HELLO.
    sent: Option<u16>,
    /// Neither closed by the engine nor reported lost to it.
    usable: bool,
    closed: bool,
}

impl Promises {
    /// To be told of every input before the engine is.
    pub(crate) fn input(&mut self, input: &Input<'_>) {
        if let Input::LinkLost { peer, link, .. } = input {
            let link = self.links.get_mut(link).filter(|link| link.peer == *peer);
            link.into_iter().for_each(|link| link.usable = false);
        }
    }

    /// To be told of every output.
    pub(crate) fn output(&mut self, output: &Output) {
        assert!(!self.stopped, "{output:?} after Stop");
        match output {
            Output::Connect { peer, link, .. } => {
                let new = Link { peer: *peer, sent: None, usable: true, closed: false };
                assert!(self.links.insert(*link, new).is_none(), "{link:?} is used twice");
            }
            Output::Send { link, header, content } => {
                let Some(to) = self.links.get_mut(link) else { panic!("{link:?} was not opened") };
                assert!(to.usable, "{link:?} is closed or lost, but is sent to");
                let message = Message::decode(header, &MessageLimits::default()).unwrap();
                let framed = matches!(message.command, Command::Whisper | Command::Shout { .. });
                assert_eq!(framed, !content.frames().is_empty(), "{message:?}");
                let hello = matches!(message.command, Command::Hello(_));
                assert_eq!(hello, to.sent.is_none(), "HELLO is first and only first: {message:?}");
                assert!(follows(to.sent, message.sequence), "after {:?}: {message:?}", to.sent);
                to.sent = Some(message.sequence);
            }
            Output::CloseLink { link } => {
                let Some(to) = self.links.get_mut(link) else { panic!("{link:?} was not opened") };
                assert!(!to.closed, "{link:?} is closed twice");
                (to.closed, to.usable) = (true, false);
            }
            Output::CloseMailbox { .. } => {}
            Output::Event(event) => self.event(event),
        }
    }

    fn event(&mut self, event: &Event) {
        let Some(peer) = event.peer() else {
            self.stopped = true;
            return;
        };
        if matches!(event, Event::Enter { .. }) {
            assert!(
                self.present.insert(peer, BTreeSet::new()).is_none(),
                "entered twice: {event:?}"
            );
            return;
        }
        let Some(groups) = self.present.get_mut(&peer) else { panic!("before ENTER: {event:?}") };
        match event {
            Event::Join { group, .. } => {
                assert!(groups.insert(group.to_string()), "joined twice: {event:?}");
            }
            Event::Leave { group, .. } => {
                assert!(groups.remove(&**group), "left without a join: {event:?}");
            }
            Event::Exit { .. } => {
                self.present.remove(&peer);
            }
            _ => {}
        }
    }

    /// What the engine answers when it is asked is what its events have told.
    pub(crate) fn agree_with(&self, engine: &Engine) {
        let peers: Vec<_> = engine.peers().collect();
        assert_eq!(peers, self.present.keys().copied().collect::<Vec<_>>());
        let mut members: BTreeMap<&str, Vec<PeerId>> = BTreeMap::new();
        for (peer, groups) in &self.present {
            let Some(info) = engine.peer(*peer) else { panic!("{peer} is not known") };
            assert_eq!(info.id, *peer);
            assert!(info.groups.iter().map(|group| &**group).eq(groups.iter()), "{info:?}");
            groups.iter().for_each(|group| members.entry(group).or_default().push(*peer));
        }
        let names: Vec<_> = engine.peer_groups().map(|group| &**group).collect();
        assert_eq!(names, members.keys().copied().collect::<Vec<_>>());
        for (group, members) in members {
            assert_eq!(engine.peers_in(group).collect::<Vec<_>>(), members, "in {group}");
        }
    }
}

/// Whether a sent sequence number is the next one. A sender may skip 65535, as some peers do.
fn follows(last: Option<u16>, next: u16) -> bool {
    let Some(last) = last else { return next == 1 };
    next == last.wrapping_add(1) || (last == u16::MAX - 1 && next == 0)
}
