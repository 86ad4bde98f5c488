//! Our node with the implementations that are already out there: pyre (Python) and zyre.js
//! (JavaScript), as real processes on the loopback interface.
//!
//! Run it with `cargo xtask interop`, which prepares the other implementations and builds our
//! `peer` program. Every ordered pair goes through the same cases. The pairs without our node
//! show what the others do among themselves: when such a pair fails, the harness or the machine
//! is at fault, not our code.

mod cases;
mod environment;
mod log;
mod matrix;
mod mesh;
mod peer;
