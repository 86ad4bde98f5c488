//! What the tests of the engine share.

pub(crate) use testkit::promises::{Promises, endpoint, id, key};
