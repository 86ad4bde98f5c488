//! The door for libFuzzer. The environment says which target, and where its seeds are to be.

use std::env;
use std::sync::OnceLock;

use fuzz::{Target, corpus};

static TARGET: OnceLock<Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(
    init: {
        let name = env::var("FUZZ_TARGET").unwrap_or_default();
        let Some(target) = Target::named(&name) else {
            eprintln!("FUZZ_TARGET is no target: {name:?}");
            std::process::exit(2);
        };
        if let Some(folder) = env::var_os("FUZZ_SEEDS")
            && let Err(error) = corpus::write_seeds(&target, folder.as_ref())
        {
            eprintln!("FUZZ_SEEDS: {error}");
            std::process::exit(2);
        }
        TARGET.get_or_init(|| target);
    },
    |data: &[u8]| {
        if let Some(target) = TARGET.get() {
            (target.run)(data);
        }
    }
);
