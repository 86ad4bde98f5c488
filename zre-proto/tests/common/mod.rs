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
    /// The newest link to each peer there ever was.
    newest: BTreeMap<PeerId, LinkId>,
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
    /// Connected, by the last word about it.
    up: bool,
    /// It is or was up: the application may hear of the peer.
    known: bool,
}

impl Promises {
    /// To be told of every input before the engine is.
    pub(crate) fn input(&mut self, input: &Input<'_>) {
        let (peer, link, up) = match input {
            Input::LinkUp { peer, link } => (peer, link, true),
            Input::LinkLost { peer, link, .. } => (peer, link, false),
            _ => return,
        };
        let Some(link) = self.links.get_mut(link).filter(|link| link.peer == *peer) else { return };
        link.up = up;
        link.known |= up;
        link.usable &= up;
    }

    /// To be told of every output.
    pub(crate) fn output(&mut self, output: &Output) {
        assert!(!self.stopped, "{output:?} after Stop");
        match output {
            Output::Connect { peer, link, .. } => {
                let present = self.present.contains_key(peer);
                assert!(!present, "a new link to a peer between ENTER and EXIT: {output:?}");
                let new = Link {
                    peer: *peer,
                    sent: None,
                    usable: true,
                    closed: false,
                    up: false,
                    known: false,
                };
                assert!(self.links.insert(*link, new).is_none(), "{link:?} is used twice");
                self.newest.insert(*peer, *link);
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
                let known = self.present.contains_key(&to.peer);
                assert!(!framed || known, "content for a peer that is not present: {message:?}");
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
            self.stopped = matches!(event, Event::Stop);
            return;
        };
        let link = self.newest.get(&peer).map(|link| &self.links[link]);
        assert!(link.is_some_and(|link| link.known), "the peer was never reached: {event:?}");
        if matches!(event, Event::Enter { .. }) {
            let reached = link.is_some_and(|link| link.up && link.usable);
            assert!(reached, "the peer is not reached: {event:?}");
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
        for peer in self.newest.keys().filter(|peer| !self.present.contains_key(peer)) {
            assert_eq!(engine.peer(*peer), None, "the application does not know {peer}");
        }
    }
}

/// Whether a sent sequence number is the next one. A sender may skip 65535, as some peers do.
fn follows(last: Option<u16>, next: u16) -> bool {
    let Some(last) = last else { return next == 1 };
    next == last.wrapping_add(1) || (last == u16::MAX - 1 && next == 0)
}
