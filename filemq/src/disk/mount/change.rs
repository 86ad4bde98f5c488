//! What a mount reports.

use crate::VirtualPath;
use crate::disk::FileSource;
use crate::version::Version;

/// What happened to a file of a mount.
#[derive(Clone, Debug)]
pub enum MountChange {
    /// There is a new file, or a new state of one.
    Updated {
        /// Its name on the network.
        name: VirtualPath,
        /// Where it is.
        source: FileSource,
        /// Its state.
        version: Version,
    },
    /// A file is gone.
    Removed {
        /// Its name on the network.
        name: VirtualPath,
    },
}
