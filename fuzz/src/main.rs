//! Runs one fuzz target: as a campaign of libFuzzer if built by `cargo xtask fuzz`, else with the
//! inputs in files.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
mod campaign;

/// `fuzz --list`, or `fuzz TARGET FILE...`
#[cfg(not(fuzzing))]
fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [list] if list == "--list" => {
            fuzz::TARGETS.iter().for_each(|it| println!("{:<12} {}", it.name, it.about));
            Ok(())
        }
        [name, files @ ..] => {
            let target = fuzz::Target::named(name).ok_or("there is no such target; see --list")?;
            for file in files {
                println!("{file}");
                let input = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
                (target.run)(&input);
            }
            Ok(())
        }
        [] => Err("fuzz --list, or fuzz TARGET FILE...".to_owned()),
    }
}
