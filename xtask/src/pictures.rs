//! `cargo xtask pictures`: the picture of the README, `docs/zyre.svg`.

use crate::commands::{cargo, run as run_command};

/// Draws it: a test of the command drives it in a pseudo-terminal, on a network of its own.
///
/// # Errors
/// There can be no network namespaces here, or the command shows something else.
pub(crate) fn run() -> Result<(), String> {
    run_command(&mut cargo("test -p zyre-cli --test picture -- --ignored --nocapture"))
}
