//! A file that is sent unasked.

use crate::message::Cheezburger;

/// A file of a server that sends files unasked, until the application has decided.
#[derive(Debug)]
pub(super) struct UndecidedFile {
    /// By which the application is asked.
    pub(super) number: u64,
    /// What has come.
    pub(super) pieces: Vec<Cheezburger>,
}
