//! What to tell the user of gossip hubs.

use zyre::{Event, Printable};

/// Returns a sentence that says what has become of a hub; `None` for any other event.
pub(crate) fn sentence(event: &Event) -> Option<String> {
    match event {
        Event::HubUnreachable { hub, why } => Some(format!(
            "the gossip hub {hub} cannot be reached: {}. It is tried again and again",
            Printable::new(why)
        )),
        Event::HubReached { hub } => Some(format!("the gossip hub {hub} is reached")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_that_cannot_be_reached_has_a_sentence_and_so_has_its_return() {
        let hub = || "hub:5999".parse().unwrap();
        let lost = sentence(&Event::HubUnreachable { hub: hub(), why: "refused\u{1b}".into() });
        let lost = lost.unwrap();
        assert!(lost.contains("tcp://hub:5999") && lost.contains("refused"), "{lost}");
        assert!(!lost.contains('\u{1b}'), "{lost}");
        let back = sentence(&Event::HubReached { hub: hub() });
        assert_eq!(back.as_deref(), Some("the gossip hub tcp://hub:5999 is reached"));
        assert_eq!(sentence(&Event::Stop), None);
    }
}
