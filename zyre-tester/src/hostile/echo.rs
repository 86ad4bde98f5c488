//! The victim, if it is ours: a node in a process of its own that sends back whatever it gets.

use std::collections::BTreeSet;
use std::io::Read;
use std::process::ExitCode;

use serde_json::json;
use zyre::{Event, Node, PeerId};

use super::Options;
use super::good::GROUP;
use super::member::WORD;

/// Runs the node until standard input ends. It says on standard output that it has started, and
/// when it has lost one that had sent it a good message.
pub(super) fn run(options: &Options) -> ExitCode {
    if let Some(limit) = options.descriptors
        && let Err(error) = rlimit::Resource::NOFILE.set(limit, limit)
    {
        eprintln!("zyre-tester: the victim cannot have {limit} descriptors: {error}");
        return ExitCode::from(2);
    }
    let outcome = tokio::runtime::Runtime::new()
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(live(options)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("zyre-tester: the victim does not start: {error}");
            ExitCode::from(2)
        }
    }
}

async fn live(options: &Options) -> Result<(), String> {
    let builder = Node::builder().name("victim").join(GROUP);
    let builder = builder.interface(options.interface.as_str()).beacon_port(options.beacon_port);
    let (node, mut events) = builder.start().await.map_err(|error| error.to_string())?;
    let (peer, endpoint) = (node.id().to_string(), node.endpoint().to_string());
    println!("{}", json!({ "event": "STARTED", "peer": peer, "endpoint": endpoint }));
    let mut friends = BTreeSet::new();
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
                Some(event) => answer(&node, &event, &mut friends),
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
