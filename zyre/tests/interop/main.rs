//! Our node with the implementations that are already out there: pyre (Python) and zyre.js
//! (JavaScript), as real processes on the loopback interface.
//!
//! Run it with `cargo xtask interop`, which prepares the other implementations, builds our `peer`
//! program and passes `--ignored`. Every ordered pair goes through the same cases. The pairs
//! without our node show what the others do among themselves: when such a pair fails, the harness
//! or the machine is at fault, not our code.

#![cfg(test)]

mod cases;
mod environment;
mod kind;
mod leader;
mod matrix;
mod mesh;
mod peer;
mod required;

use std::process::ExitCode;

use testkit::harness::Harness;
use testkit::tests;

use self::kind::Kind;

fn main() -> ExitCode {
    let mut harness = Harness::default().if_asked_for();
    for (kinds, tests) in matrix::pairs() {
        harness = harness.skip(environment::missing(&kinds)).and(tests);
    }
    harness
        .skip(environment::missing(&[Kind::Ours, Kind::Pyre]))
        .and(tests![required_pyre: required::pyre, leader_pyre: leader::pyre])
        .skip(environment::missing(&[Kind::Ours, Kind::ZyreJs]))
        .and(tests![required_zyrejs: required::zyrejs, leader_zyrejs: leader::zyrejs])
        .skip(environment::missing(&[Kind::Ours, Kind::Pyre, Kind::ZyreJs]))
        .and(tests![leader_both: leader::both])
        .skip(environment::missing(&mesh::THE_OTHERS))
        .and(tests![mesh::the_others])
        .skip(environment::missing(&mesh::EVERYONE))
        .then(tests![mesh::everyone])
        .exit_code()
}
