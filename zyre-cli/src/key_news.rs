//! What is told of keys, in the words of every command.

use zyre::{Event, Printable};

use crate::text;

/// Says what an event tells of keys; `None` if it is about something else.
pub(crate) fn sentence(event: &Event) -> Option<String> {
    match event {
        Event::KeyChanged { name, key, .. } => Some(format!(
            "{0} has another key than the last {0} that was here; its words are: {1}",
            text::nick(name),
            key.words()
        )),
        Event::Stranger { key, address } => Some(format!(
            "a stranger at {} has the words: {}. If somebody you know reads these from their screen, \
             type /trust and the words; and they have to do so with yours",
            address.ip(),
            key.words()
        )),
        Event::TrustFileUnusable { error } => {
            Some(format!("the list of keys is used as it was before: {}", Printable::new(error)))
        }
        _ => None,
    }
}
