//! What an application gets with each choice of features: it must compile, with the oldest compiler
//! as well, and cost no more than was promised.

use std::collections::BTreeSet;
use std::process::Command;

use crate::commands::{answer, capture, cargo, cargo_of, run as run_command};
use crate::metadata::{Metadata, Package};
use crate::report::Done;
use crate::workspace;

/// Crates that `zyre` may bring into an application, itself included: without features, and with
/// the default ones.
const MOST_CRATES: [(&str, usize); 2] = [("--no-default-features", 30), ("", 45)];
/// Packages that need a C compiler or other tools of the system when they are built.
const NEED_TOOLS: [&str; 4] = ["cc", "cmake", "bindgen", "pkg-config"];
/// The package of the library `zyre`.
const LIBRARY: &str = "zyre-rs";

/// Checks each published crate with no features, and libraries with each alone, the default ones and all,
/// with the oldest compiler that they promise to work with.
///
/// Each time it is the only one: in a build of several, one has the features that another wants.
pub(crate) fn each() -> Result<Done, String> {
    let metadata = Metadata::of(&workspace::root())?;
    let ours = answer(Command::new("rustc").arg("--version")).unwrap_or_default();
    let ours = ours.split(' ').nth(1).unwrap_or_default();
    let installed = answer(Command::new("rustup").args(["toolchain", "list"])).unwrap_or_default();
    let mut missing = BTreeSet::new();
    for package in metadata.packages().filter(Package::is_published) {
        let oldest = package.rust_version().unwrap_or_default();
        let is_ours = is_of(ours, oldest);
        let is_there = !is_ours && installed.lines().any(|toolchain| is_of(toolchain, oldest));
        if !is_ours && !is_there {
            missing.insert(oldest);
        }
        for features in choices(&package) {
            println!("{} {features}", package.name());
            let check = format!("check --quiet -p {} {features}", package.name());
            let mut check = if is_there { cargo_of(oldest, &check) } else { cargo(&check) };
            run_command(check.env("RUSTFLAGS", "-D warnings"))?;
        }
    }
    Ok(match missing.into_iter().collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => Done::All,
        some => Done::Noted(format!(
            "with this compiler: toolchain {some} is not installed \
             (rustup toolchain install {some} --profile minimal)"
        )),
    })
}

/// Returns whether a toolchain, such as `1.89.0` or `1.89-x86_64-unknown-linux-gnu`, is of this version.
fn is_of(toolchain: &str, version: &str) -> bool {
    toolchain.strip_prefix(version).is_some_and(|rest| rest.starts_with(['-', '.']))
}

/// Returns the choices of features, as arguments of cargo. Programs are mostly built as they are.
fn choices(package: &Package<'_>) -> Vec<String> {
    let mut choices = vec!["--no-default-features".to_owned()];
    if !package.is_published_library() {
        return choices;
    }
    // One that begins with an underscore is private.
    let is_choice = |name: &&str| *name != "default" && !name.starts_with('_');
    let features: Vec<&str> = package.features().filter(is_choice).collect();
    choices.extend(features.iter().map(|name| format!("--no-default-features --features {name}")));
    if (2..features.len()).contains(&package.default_features().count()) {
        choices.push(String::new());
    }
    if features.len() > 1 {
        choices.push("--all-features".to_owned());
    }
    choices
}

/// Checks each published crate with every set of features.
pub(crate) fn powerset() -> Result<(), String> {
    let metadata = Metadata::of(&workspace::root())?;
    for package in metadata.packages().filter(Package::is_published) {
        for features in sets(&package) {
            println!("{} --features {features}", package.name());
            let check = format!("check --quiet -p {} --no-default-features", package.name());
            run_command(cargo(&check).args(["--features", &features]))?;
        }
    }
    Ok(())
}

/// Returns every set of features, each separated by commas.
fn sets(package: &Package<'_>) -> Vec<String> {
    let features: Vec<&str> = package.features().filter(|name| *name != "default").collect();
    let is_in = |set: u32, index: usize| set >> index & 1 == 1;
    let set = |set| {
        let chosen = features.iter().enumerate().filter(|(index, _)| is_in(set, *index));
        chosen.map(|(_, name)| *name).collect::<Vec<_>>().join(",")
    };
    (0..1 << features.len()).map(set).collect()
}

/// Checks how many crates the library brings along, and that none needs a C compiler.
pub(crate) fn dependencies() -> Result<Done, String> {
    for (features, most) in MOST_CRATES {
        let crates = tree(&format!("-e normal {features}"))?;
        println!("{LIBRARY} {features}: {} crates of at most {most}", crates.len());
        if crates.len() > most {
            let names: Vec<&str> = crates.iter().map(|it| &*it.name).collect();
            return Err(format!("{} crates: {}", crates.len(), names.join(" ")));
        }
        let everywhere = tree(&format!("-e normal,build {features} --target all"))?;
        if let Some(tool) = everywhere.iter().find(|it| NEED_TOOLS.contains(&&*it.name)) {
            return Err(format!("{LIBRARY} {features}: {} is built", tool.name));
        }
    }
    with_files_on_arm()
}

/// Checks that no C compiler is needed for the feature `files` on ARM, where `blake3` would call one.
fn with_files_on_arm() -> Result<Done, String> {
    let arguments = "-e normal,build --features files --target aarch64-unknown-linux-gnu";
    for it in tree(arguments)? {
        // `blake3` always depends on `cc`, but does not call it with these features.
        let calls = !it.features.iter().any(|name| name == "pure" || name == "no_neon");
        if it.name == "blake3" && calls {
            return Err("with files, blake3 needs a C compiler on aarch64".to_owned());
        }
        if !NEED_TOOLS.contains(&&*it.name) {
            continue;
        }
        let above = tree(&format!("{arguments} -i {} --depth 1", it.name))?;
        let others = above.iter().map(|it| &*it.name).filter(|name| *name != it.name);
        if let Some(other) = others.into_iter().find(|name| *name != "blake3") {
            return Err(format!("with files, {other} needs {} on aarch64", it.name));
        }
    }
    Ok(Done::All)
}

/// A crate that the library brings along.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Crate {
    name: String,
    version: String,
    features: Vec<String>,
}

/// Returns the crates that `cargo tree` names for the library, itself included.
fn tree(arguments: &str) -> Result<BTreeSet<Crate>, String> {
    let mut tree = cargo(&format!("tree {arguments} -p {LIBRARY} --prefix none --no-dedupe"));
    Ok(capture(tree.args(["-f", "{p}|{f}"]))?.lines().filter_map(Crate::read).collect())
}

impl Crate {
    /// Reads `name v1.2.3 (where it is from)|feature,feature`.
    fn read(line: &str) -> Option<Self> {
        let (package, features) = line.split_once('|')?;
        let mut words = package.split(' ');
        let (name, version) = (words.next()?.to_owned(), words.next()?.to_owned());
        Some(Self { name, version, features: features.split(',').map(str::to_owned).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_of_features_is_made_once() {
        let choices = |kind: &str, features: &str| {
            let targets = format!(r#"[{{"kind": ["{kind}"]}}]"#);
            let package = format!(r#"{{"features": {features}, "targets": {targets}}}"#);
            let package = serde_json::from_str(&package).unwrap();
            choices(&Package::of(&package)).join(" | ")
        };
        assert_eq!(choices("lib", "{}"), "--no-default-features");
        assert_eq!(choices("bin", r#"{"default": ["a"], "a": []}"#), "--no-default-features");
        let alone = "--no-default-features | --no-default-features --features a | \
                     --no-default-features --features b";
        let library = |default| {
            choices(
                "lib",
                &format!(r#"{{"default": {default}, "a": ["_d"], "b": [], "c": [], "_d": []}}"#),
            )
        };
        let each = format!("{alone} | --no-default-features --features c");
        let all = format!("{each} | --all-features");
        assert_eq!(library(r#"["a"]"#), all);
        assert_eq!(library(r#"["a", "b", "c"]"#), all);
        assert_eq!(library(r#"["a", "b"]"#), format!("{each} |  | --all-features"));
    }

    #[test]
    fn a_toolchain_is_of_a_version() {
        for toolchain in ["1.89.0", "1.89.1-beta", "1.89-x86_64-unknown-linux-gnu"] {
            assert!(is_of(toolchain, "1.89"), "{toolchain}");
        }
        for toolchain in ["1.8.9", "1.890.0", "stable-x86_64-unknown-linux-gnu", ""] {
            assert!(!is_of(toolchain, "1.89"), "{toolchain}");
        }
    }

    #[test]
    fn every_set_of_features_is_tried_once() {
        let package = r#"{"features": {"default": ["a"], "a": [], "b": []}}"#;
        let package = serde_json::from_str(package).unwrap();
        assert_eq!(sets(&Package::of(&package)), ["", "a", "b", "a,b"]);
    }

    #[test]
    fn a_line_of_the_tree_says_name_version_and_features() {
        let read = Crate::read("blake3 v1.8.7|default,pure,std").unwrap();
        assert_eq!((&*read.name, &*read.version), ("blake3", "v1.8.7"));
        assert_eq!(read.features, ["default", "pure", "std"]);
        assert!(Crate::read("").is_none());
    }
}
