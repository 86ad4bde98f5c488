//! Watching a zyre network from one place.
//!
//! Every node can record what happens to it, and publish that to each node that announces a
//! collector in its header `X-ZRELOG`: level, event, the node, the peer it is about, the time, a
//! text. This crate is that collector, and what shows what was collected. It is made for its
//! program, `zyre-logger`: each command is a module with its `Options` and a function `run`. Other
//! programs can read a file with [`Store`] and [`query::Filter`].
//!
//! | part | what |
//! |---|---|
//! | [`collect`] | a node that announces itself as a collector, and hears what others record |
//! | [`store`] | the file: written by a thread of its own, kept within bounds |
//! | [`query`] | the records that are wanted |
//! | `meter` (feature `meter`) | a live screen, or a recording played again |
//! | `serve` (feature `serve`) | a page for browsers, and numbers for monitoring |
//! | `picture` | what a recording says of the network at a moment: what `serve` shows |
//! | [`stats`] | joins, sessions and rates, as a table and, with the feature `plot`, as a picture |
//!
//! A line names nodes by *correlation ids*, hashes of their endpoints in 16 bits, which are used
//! again and may collide. What they stand for is found in the [`Directory`] by the time of the
//! line.
//!
//! Everything that comes from the network is text that anybody may have written. It is kept as it
//! came, and made fit for a terminal where it is shown ([`zyre::Printable`]).

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod collect;
#[cfg(feature = "meter")]
pub mod meter;
pub mod moment;
#[cfg(feature = "serve")]
pub mod picture;
pub mod query;
#[cfg(feature = "serve")]
pub mod serve;
#[cfg(any(feature = "meter", feature = "serve"))]
pub mod speed;
pub mod stats;
pub mod store;

mod change;
mod collector_event;
mod directory;
mod node_interval;
#[cfg(any(feature = "meter", feature = "serve"))]
mod presence;
mod range;
#[cfg(any(feature = "meter", feature = "serve"))]
mod rate;
mod record;
mod text;

pub use change::{Change, Entered, What};
pub use collector_event::CollectorEvent;
pub use directory::{Directory, Resolution};
pub use node_interval::NodeInterval;
pub use range::Range;
pub use record::{Record, Stored};
pub use store::Store;
pub use text::{for_terminal, say, with_causes};
pub use zre_proto::log::{Level, LogEvent, correlation_id};
