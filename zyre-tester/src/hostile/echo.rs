//! The victim, if it is ours: a node in a process of its own that sends back whatever it gets, and
//! says what its application hears and must not.

use std::collections::BTreeSet;
use std::io::Read;
use std::net::SocketAddr;

use serde_json::json;
use testkit::attacks::{FRIENDS, GROUP, SECRET};
use testkit::heard;
use testkit::ledger::Presence;
use zyre::{Event, Node, PeerId, Recipient};

use super::member::WORD;
use super::options::Options;
use super::secrets;

/// Runs the node until standard input ends. It says on standard output that it has started, and
/// when it has lost one that had sent it a good message.
///
/// # Errors
/// If it does not start.
pub(super) fn run(options: &Options) -> Result<(), String> {
    if let Some(limit) = options.descriptors {
        limit_descriptors(limit)?;
    }
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let lived = runtime.block_on(live(options));
    lived.map_err(|error| format!("the victim does not start: {error}"))
}

#[cfg(unix)]
fn limit_descriptors(limit: u64) -> Result<(), String> {
    let set = rlimit::Resource::NOFILE.set(limit, limit);
    set.map_err(|error| format!("the victim cannot have {limit} descriptors: {error}"))
}

/// There is no such limit.
#[cfg(not(unix))]
fn limit_descriptors(_limit: u64) -> Result<(), String> {
    Err("the number of descriptors cannot be limited on this system".to_owned())
}

async fn live(options: &Options) -> Result<(), String> {
    let builder = Node::builder().name("victim").contest(GROUP);
    let builder = builder.interface(options.interface.as_str()).beacon_port(options.beacon_port);
    let builder = match &options.trusted {
        Some(trusted) => secrets::victim(builder, trusted.clone())?,
        None => builder,
    };
    let hub = options.gossip_hub.as_ref().and_then(|hub| Some((hub, hub.endpoint()?)));
    let builder = match hub {
        Some((hub, at)) => {
            let here = SocketAddr::new(at.address().ip(), 0);
            builder.gossip_listen(here).gossip_connect(hub.clone())
        }
        None => builder,
    };
    let builder = match &options.home {
        Some(home) => builder.share(home.join("shared"), home.join("received")),
        None => builder,
    };
    let (node, mut events) = builder.start().await.map_err(|error| error.to_string())?;
    if let Some(home) = &options.home {
        let secret = node.publish(home.join(&SECRET[1..])).named(SECRET);
        let published = secret.to(Recipient::Group(FRIENDS.into())).await;
        published.map_err(|error| format!("the secret: {error}"))?;
    }
    let (peer, endpoint) = (node.id().to_string(), node.endpoint().to_string());
    let hub = node.gossip().listening.first().map(ToString::to_string);
    let key = node.key().map(|key| key.to_string());
    let started = json!({
        "event": "STARTED", "peer": peer, "endpoint": endpoint, "gossip": hub, "key": key,
    });
    println!("{started}");
    let (mut friends, mut presence) = (BTreeSet::new(), Presence::default());
    let (over, mut end) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        // Nothing is ordered but the end.
        while matches!(std::io::stdin().read(&mut [0; 64]), Ok(1..)) {}
        drop(over);
    });
    loop {
        tokio::select! {
            event = events.recv() => match event {
                // As if it had been an abort: to show that it is seen.
                Some(Event::Enter { name, .. }) if options.sabotage && &*name == "ghost" => {
                    std::process::exit(134);
                }
                Some(event) => {
                    if let Err(breach) = presence.hear(&heard!(zyre::Event, &event)) {
                        let peer = event.peer();
                        eprintln!("error: the victim's application heard {breach}, of {peer:?}");
                    }
                    answer(&node, &event, &mut friends);
                }
                None => return Err("it has stopped by itself".into()),
            },
            _ = &mut end => {
                node.stop().await;
                return Ok(());
            }
        }
    }
}

fn answer(node: &Node, event: &Event, friends: &mut BTreeSet<PeerId>) {
    match event {
        Event::Whisper { peer, content, .. } | Event::Shout { peer, content, .. } => {
            if content.first().starts_with(WORD.as_bytes()) {
                friends.insert(*peer);
            }
            // One that has just left, or sends nothing, gets no answer.
            let _ = node.whisper(*peer, content.clone());
        }
        Event::Exit { peer, reason, .. } if friends.contains(peer) => {
            let (peer, reason) = (peer.to_string(), reason.as_str());
            println!("{}", json!({ "event": "EXIT", "peer": peer, "reason": reason }));
        }
        _ => {}
    }
}
