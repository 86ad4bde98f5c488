//! What a node counts, as text for monitoring.

#![cfg(test)]
#![cfg(feature = "metrics")]

mod common;

use common::{Member, free_port, on, until};

/// The number on the line that begins like this.
fn number(text: &str, figure: &str) -> Option<u64> {
    let line =
        text.lines().find(|line| line.strip_prefix(figure).is_some_and(|l| l.starts_with(' ')))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[tokio::test]
async fn the_text_tells_what_the_node_knows() {
    let port = free_port();
    let mut a = Member::start(on(port).name("a").join("chat")).await;
    let b = Member::start(on(port).name("b \"{quoted}\"")).await;
    a.enter(b.node.id()).await;
    let text = a.node.metrics();
    assert_eq!(number(&text, "zyre_peers{liveness=\"present\"}"), Some(1), "{text}");
    assert_eq!(number(&text, "zyre_peers{liveness=\"silent\"}"), Some(0), "{text}");
    assert_eq!(number(&text, "zyre_groups"), Some(1));
    assert_eq!(number(&text, "zyre_enters_total"), Some(1));
    assert_eq!(number(&text, "zyre_exits_total{reason=\"goodbye\"}"), None);
    assert!(number(&text, "zyre_messages_sent_total") >= Some(1));
    assert!(!text.contains("quoted"), "no peer chooses a label");
    b.node.stop().await;
    until("it is gone", || a.node.peers().is_empty()).await;
    let text = a.node.metrics();
    assert_eq!(number(&text, "zyre_peers{liveness=\"present\"}"), Some(0));
    assert_eq!(number(&text, "zyre_exits_total{reason=\"goodbye\"}"), Some(1), "{text}");
    // Each family is described once, and each line is one of three kinds.
    let names: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let mut once = names.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), names.len());
    for line in text.lines() {
        let is_sample = || names.iter().any(|name| line.starts_with(name));
        assert!(
            line.starts_with("# HELP ") || line.starts_with("# TYPE ") || is_sample(),
            "{line}"
        );
    }
}
