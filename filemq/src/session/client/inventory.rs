//! What a client has from a server already.

use crate::VirtualPath;
use crate::digest::Digest;
use crate::session::ResumePoint;

/// What a client has from a server already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Complete files, by name, with their digests.
    pub complete: Vec<(VirtualPath, Digest)>,
    /// The beginning of a file, which can be resumed.
    pub partial: Option<(VirtualPath, ResumePoint)>,
}
