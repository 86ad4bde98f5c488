//! The database: one SQLite file that holds what was logged.
//!
//! A [`Writer`] fills it, on a thread of its own and a batch at a time; any number of readers may
//! look at it meanwhile. The tables are described in `schema.rs`, and are open to other programs.

mod change_row;
mod entry;
mod error;
mod file;
mod prune;
mod row;
mod schema;
mod tape;
mod writer;

pub use entry::Entry;
pub use error::StoreError;
pub use file::Store;
pub use prune::{Bounds, Pruned};
pub use row::{COLUMNS, read_record};
pub use schema::VERSION;
pub use tape::{Item, Position};
pub use writer::{Notice, Sender, Writer};
