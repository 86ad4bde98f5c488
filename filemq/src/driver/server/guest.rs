//! Whom a server takes a client for.

use std::collections::BTreeSet;
use std::sync::Arc;

/// Whom a server takes a client for. By default for somebody without a name and without tags, who
/// gets what is published for everyone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guest {
    /// What the application calls the client, as in [`Server::call`](crate::Server::call): one that is
    /// being served is not called.
    pub name: Option<Arc<str>>,
    /// What is published for a [tag](crate::Audience::Tagged) goes to the clients that have it.
    pub tags: BTreeSet<Arc<str>>,
}
