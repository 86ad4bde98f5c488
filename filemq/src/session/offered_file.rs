//! What a client knows of a file before it has it.

use std::time::SystemTime;

use crate::VirtualPath;

/// A file that a server has for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedFile {
    /// Its name.
    pub name: VirtualPath,
    /// Bytes; `None` if the server does not tell, as those of other implementations.
    pub size: Option<u64>,
    /// When it was last changed; `None` if the server does not tell.
    pub modified: Option<SystemTime>,
}
