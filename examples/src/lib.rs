//! What several of the example programs need.

pub mod bars;
pub mod clean;
