//! What the tests on real sockets share. All of them live on the loopback interface.
#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test binary uses its part")]

pub mod child;

use std::net::Ipv4Addr;
use std::time::Duration;

pub use testkit::wait::{DEADLINE, free_port, soon, until, until_some};
use testkit::wire::dealer::Route;
use zyre::{Builder, Content, Event, Events, ExitReason, Node, PeerId, TryRecvError};

/// The way to a node's mailbox, for connections by hand.
pub fn route(node: &Node) -> Route {
    let to = node.endpoint().address();
    Route { to, from: Ipv4Addr::LOCALHOST, patience: DEADLINE, secure: None }
}

/// A node on loopback that hears this beacon port.
pub fn on(port: u16) -> Builder {
    Node::builder().interface("lo").beacon_port(port)
}

/// A node and its events.
pub struct Member {
    pub node: Node,
    pub events: Events,
}

impl Member {
    pub async fn start(builder: Builder) -> Self {
        let (node, events) = builder.start().await.expect("the node starts");
        Self { node, events }
    }

    pub fn id(&self) -> PeerId {
        self.node.id()
    }

    pub async fn next(&mut self) -> Event {
        soon(self.events.recv()).await.expect("the node runs")
    }

    /// The first event from which `pick` makes something; those before it are dropped.
    pub async fn pick<T>(&mut self, what: &str, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        let picked = async {
            loop {
                let event = self.events.recv().await.expect("the node runs");
                if let Some(picked) = pick(event) {
                    return picked;
                }
            }
        };
        match tokio::time::timeout(DEADLINE, picked).await {
            Ok(picked) => picked,
            Err(_) => panic!("waited in vain for {what}"),
        }
    }

    pub async fn enter(&mut self, id: PeerId) {
        self.pick(&format!("ENTER of {id}"), |event| {
            matches!(event, Event::Enter { peer, .. } if peer == id).then_some(())
        })
        .await;
    }

    pub async fn exit(&mut self, id: PeerId) -> ExitReason {
        self.pick(&format!("EXIT of {id}"), |event| match event {
            Event::Exit { peer, reason, .. } if peer == id => Some(reason),
            _ => None,
        })
        .await
    }

    pub async fn join(&mut self, id: PeerId) -> String {
        self.pick("JOIN", |event| match event {
            Event::Join { peer, group, .. } if peer == id => Some(group.to_string()),
            _ => None,
        })
        .await
    }

    pub async fn leave(&mut self, id: PeerId) -> String {
        self.pick("LEAVE", |event| match event {
            Event::Leave { peer, group, .. } if peer == id => Some(group.to_string()),
            _ => None,
        })
        .await
    }

    /// The next WHISPER of this peer, which must be still there.
    pub async fn whisper(&mut self, id: PeerId) -> Content {
        self.pick("WHISPER", |event| match event {
            Event::Whisper { peer, content, .. } if peer == id => Some(content),
            Event::Exit { peer, reason, .. } if peer == id => panic!("EXIT of {peer}: {reason}"),
            _ => None,
        })
        .await
    }

    pub async fn shout(&mut self, id: PeerId) -> (String, Content) {
        self.pick("SHOUT", |event| match event {
            Event::Shout { peer, group, content, .. } if peer == id => {
                Some((group.to_string(), content))
            }
            _ => None,
        })
        .await
    }

    /// All events that wait.
    pub fn rest(&mut self) -> Vec<Event> {
        let mut rest = Vec::new();
        loop {
            match self.events.try_recv() {
                Ok(event) => rest.push(event),
                Err(_) => return rest,
            }
        }
    }
}

/// Two nodes that have met.
pub async fn pair() -> (Member, Member) {
    let port = free_port();
    pair_of(on(port).name("a"), on(port).name("b")).await
}

pub async fn pair_of(a: Builder, b: Builder) -> (Member, Member) {
    let (mut a, mut b) = (Member::start(a).await, Member::start(b).await);
    let (a_id, b_id) = (a.id(), b.id());
    a.enter(b_id).await;
    b.enter(a_id).await;
    (a, b)
}

pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
