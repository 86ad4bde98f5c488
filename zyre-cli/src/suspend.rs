//! Ctrl-Z while a line is being edited.
//!
//! The editor gives the terminal back, stops the process, and takes the terminal again when it goes on. If
//! any other thread takes the signal, the editor runs on for a moment and takes the terminal at once, so the
//! user finds neither his line nor a terminal that shows it.

#[cfg(unix)]
use nix::sys::signal::{SigSet, Signal};

/// Keeps this thread, and those that it starts from now on, from stopping the process on Ctrl-Z.
pub(crate) fn leave_to_editor() {
    #[cfg(unix)]
    {
        // If that is impossible it is as without it.
        let _ = ctrl_z().thread_block();
    }
}

/// Lets this thread stop the process on Ctrl-Z.
pub(crate) fn take() {
    #[cfg(unix)]
    {
        let _ = ctrl_z().thread_unblock();
    }
}

#[cfg(unix)]
fn ctrl_z() -> SigSet {
    SigSet::from(Signal::SIGTSTP)
}
