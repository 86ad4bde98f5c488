//! Which case runs with which pair: one test each, named `matrix::<A>_<B>::<case>`.
//!
//! In every case A acts and B looks on.

use crate::cases;
use crate::environment::{Kind, Outcome, run};

/// A module with one test per case for the pair.
macro_rules! pair {
    ($module:ident: $a:ident, $b:ident; $($case:ident)*) => {
        mod $module {
            use super::*;

            $(
                #[test]
                #[ignore = "needs real peers: cargo xtask interop"]
                fn $case() -> Outcome {
                    let (a, b) = (Kind::$a, Kind::$b);
                    let title = format!("{a} -> {b} {}", stringify!($case));
                    run(&title, &[a, b], |bed| cases::$case(bed, a, b))
                }
            )*
        }
    };
}

/// The cases for a pair whose members notice a crashed peer only when it expires, after 30 s.
macro_rules! patient_pair {
    ($module:ident: $a:ident, $b:ident $(; $($more:ident)*)?) => {
        pair!($module: $a, $b;
            a_starts_first b_starts_first groups whisper shout burst churn quit $($($more)*)?);
    };
}

patient_pair!(ours_ours: Ours, Ours; several_frames crash);
patient_pair!(pyre_ours: Pyre, Ours; several_frames crash);
patient_pair!(zyrejs_ours: ZyreJs, Ours; crash);
patient_pair!(ours_pyre: Ours, Pyre; several_frames);
patient_pair!(ours_zyrejs: Ours, ZyreJs; several_frames);
patient_pair!(pyre_pyre: Pyre, Pyre; several_frames);
patient_pair!(pyre_zyrejs: Pyre, ZyreJs; several_frames);
patient_pair!(zyrejs_pyre: ZyreJs, Pyre);
