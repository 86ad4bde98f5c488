//! How nodes are told apart.

use std::sync::Arc;

/// A node's id; `#` and the correlation id as long as that is all that is known.
pub type Key = Arc<str>;
