//! Watching a zyre network from one place.
//!
//! Every node can record what happens to it, and publish that to whoever announces a collector in
//! its header `X-ZRELOG`: level, event, the node, the peer it is about, the time, a text. This
//! crate is that collector, and what shows what was collected. It is made for its program,
//! `zyre-logger`; the parts are open so that they can be tested, and used in other ways.
//!
//! | part | what |
//! |---|---|
//! | [`collect`] | a node that announces itself as a collector, and hears what others record |
//! | [`store`] | the file: written by a thread of its own, kept within bounds |
//! | [`query`] | the records that are wanted |
//! | [`meter`] | a live screen, or a recording played again |
//! | [`stats`] | joins, sessions and rates, as a table and as a picture |
//! | [`compare`] | for tests: a file against what the applications of its nodes were told |
//!
//! A line names nodes by *correlation ids*, hashes of their endpoints in 16 bits, which are used
//! again and may collide. What they stand for is found in the [`Directory`] by the time of the
//! line.
//!
//! Everything that comes from the network is text that anybody may have written. It is kept as it
//! came, and made fit for a terminal where it is shown ([`clean`](mod@clean)).

pub mod clean;
pub mod collect;
pub mod compare;
pub mod meter;
pub mod moment;
pub mod query;
pub mod stats;
pub mod store;

mod heard;
mod record;
mod sighting;

pub use heard::Heard;
pub use record::{Record, Stored};
pub use sighting::{Directory, Meaning, Sighting};
pub use store::Store;
pub use zre_proto::log::{Level, LogEvent, correlation_id};
