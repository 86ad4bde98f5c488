//! A fresh honest node: can it still meet the victim, and get an answer?

use std::time::{Duration, Instant};

use zyre::{Event, Node, PeerId};

use super::secrets;

/// What its messages begin with.
pub(super) const WORD: &str = "newcomer";

/// No newcomer waits longer.
const LONGEST: Duration = Duration::from_secs(5);

/// How long it takes from its start until the victim has answered; `None` if it takes too long.
///
/// # Errors
/// The node does not start.
pub(super) async fn meet(
    interface: String,
    beacon_port: u16,
    victim: PeerId,
    echoes: bool,
    secure: bool,
) -> Result<Option<Duration>, String> {
    let start = Instant::now();
    let builder = Node::builder().name(WORD).interface(interface).beacon_port(beacon_port);
    let builder = if secure { secrets::member(builder)? } else { builder };
    let (node, mut events) = builder.start().await.map_err(|error| error.to_string())?;
    let answered = async {
        while let Some(event) = events.recv().await {
            match event {
                Event::Enter { peer, .. } if peer == victim && !echoes => return true,
                // It may be gone again already; then its next ENTER is waited for.
                Event::Enter { peer, .. } if peer == victim => {
                    let _ = node.whisper(peer, format!("{WORD} {}", node.id()));
                }
                Event::Whisper { peer, content, .. } if peer == victim => {
                    return content.first() == format!("{WORD} {}", node.id()).as_bytes();
                }
                _ => {}
            }
        }
        false
    };
    let answered = tokio::time::timeout(LONGEST, answered).await;
    let took = start.elapsed();
    node.stop().await;
    Ok(matches!(answered, Ok(true)).then_some(took))
}
