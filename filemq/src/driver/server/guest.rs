//! The guest that a client of a server is.

use std::collections::BTreeSet;
use std::sync::Arc;

/// What a server knows of a client: a name, and tags. By default a client has neither, and gets what is
/// published for everyone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guest {
    /// What the application calls the client, as in [`Server::call`](crate::Server::call): one that is
    /// being served is not called.
    pub name: Option<Arc<str>>,
    /// What is published for a [tag](crate::Audience::Tagged) goes to the clients that have it.
    pub tags: BTreeSet<Arc<str>>,
}
