//! The values that applications hold: what they say of themselves, and what converts into them.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod content;
mod endpoint;
mod event;
mod id;
