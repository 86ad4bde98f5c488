//! The network interfaces that a node lives on.

mod choice;
mod host;
mod place;
mod report;
mod selection;
mod watch;

pub use self::choice::InterfaceChoice;
pub(crate) use self::place::{Audience, OwnAddress, Place, bare, links};
pub use self::report::{Interface, UnusedReason};
pub(crate) use self::selection::{Choices, Selection};
pub(crate) use self::watch::HostWatch;

impl Choices {
    /// Looks at the host, and chooses anew.
    ///
    /// # Errors
    /// Errors of the kernel.
    pub(crate) fn look(&self, in_use: &[Place]) -> std::io::Result<Selection> {
        Ok(self.select(&host::look()?, in_use))
    }
}
