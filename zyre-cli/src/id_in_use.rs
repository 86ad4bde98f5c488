//! What to tell the user when another node uses the id of this one.

use zyre::Endpoint;

/// Returns a sentence that says where the other node is, what comes of it, and what to do.
pub(crate) fn sentence(endpoint: Endpoint) -> String {
    format!(
        "a node at {} uses the id of this one: the two do not meet, and others meet only one of \
         them. Start one of the two with another id",
        endpoint.address()
    )
}
