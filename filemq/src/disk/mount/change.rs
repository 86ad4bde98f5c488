//! What a mount reports.

use crate::disk::FileSource;
use crate::version::Version;
use crate::{OmittedFiles, VirtualPath};

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
    /// There is a file that is published when it is [stable](crate::MountOptions::stable). Told once,
    /// of files that are not published yet.
    Unstable {
        /// Its name on the network.
        name: VirtualPath,
    },
    /// A file is gone.
    Removed {
        /// Its name on the network.
        name: VirtualPath,
    },
    /// Other files than before are not published for some reason. Told once for each reason, and
    /// again when their number changes.
    Omitted(OmittedFiles),
}
