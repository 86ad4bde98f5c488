//! Which case runs with which pair: one test each, named `matrix::<A>_<B>::<case>`.
//!
//! In every case A acts and B looks on.

use testkit::harness::Test;

use crate::cases;
use crate::environment::run;
use crate::kind::Kind;

/// Two kinds of peers, and the tests of them.
type Pair = ([Kind; 2], Vec<Test>);

macro_rules! pair {
    ($module:ident: $a:ident, $b:ident; $($case:ident)*) => {
        ([Kind::$a, Kind::$b], vec![$({
            let test: fn() = || {
                let (a, b) = (Kind::$a, Kind::$b);
                let title = format!("{a} -> {b} {}", stringify!($case));
                run(&title, |bed| cases::$case(bed, a, b));
            };
            (concat!("matrix::", stringify!($module), "::", stringify!($case)), test)
        }),*])
    };
}

/// The cases for a pair whose members notice a crashed peer only when it expires, after 30 s.
macro_rules! patient_pair {
    ($module:ident: $a:ident, $b:ident $(; $($more:ident)*)?) => {
        pair!($module: $a, $b;
            a_starts_first b_starts_first groups whisper shout burst churn quit $($($more)*)?)
    };
}

pub(crate) fn pairs() -> Vec<Pair> {
    vec![
        patient_pair!(ours_ours: Ours, Ours; several_frames crash),
        patient_pair!(pyre_ours: Pyre, Ours; several_frames crash),
        patient_pair!(zyrejs_ours: ZyreJs, Ours; crash),
        patient_pair!(ours_pyre: Ours, Pyre; several_frames),
        patient_pair!(ours_zyrejs: Ours, ZyreJs; several_frames),
        patient_pair!(pyre_pyre: Pyre, Pyre; several_frames),
        patient_pair!(pyre_zyrejs: Pyre, ZyreJs; several_frames),
        patient_pair!(zyrejs_pyre: ZyreJs, Pyre),
    ]
}
