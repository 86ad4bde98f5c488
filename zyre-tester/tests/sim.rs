//! `zyre-tester sim` with small numbers.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::process::Command;

use serde_json::Value;

/// Runs `sim` and returns whether it was content, what it printed, and its JSON.
fn sim(options: &str) -> (bool, String, Value) {
    let file = tempfile(options);
    let output = Command::new(env!("CARGO_BIN_EXE_zyre-tester"))
        .arg("sim")
        .args(options.split('|').flat_map(|part| {
            // What stands in quotes is one word.
            let quoted = part.starts_with('\'');
            let words: Vec<&str> =
                if quoted { vec![part.trim_matches('\'')] } else { part.split(' ').collect() };
            words.into_iter().filter(|word| !word.is_empty()).map(ToOwned::to_owned)
        }))
        .arg("--json")
        .arg(&file)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    let json = std::fs::read_to_string(&file).unwrap_or_else(|_| panic!("{text}{errors}"));
    // A file that stays in the directory for temporary files does no harm.
    let _ = std::fs::remove_file(&file);
    (output.status.success(), text, serde_json::from_str(&json).unwrap())
}

/// A name of a file that no other test uses.
fn tempfile(options: &str) -> std::path::PathBuf {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (options, std::thread::current().name()).hash(&mut hasher);
    let name = format!("zyre-sim-{}-{:x}.json", std::process::id(), hasher.finish());
    std::env::temp_dir().join(name)
}

#[test]
fn a_seed_replays_whatever_the_threads() {
    let small = "--nodes 12 --minutes 1 --loss 5% --crash-rate 1 --shrink 0";
    let digest = |more: &str| sim(&format!("{small} {more}")).2["digest"].clone();
    let first = digest("--seed 7 --threads 1");
    assert_eq!(first, digest("--seed 7 --threads 1"));
    assert_eq!(first, digest("--seed 7 --threads 3"));
    assert_ne!(first, digest("--seed 8 --threads 1"));
}

/// Where 5 % are lost an answer is sent again four times in one of five such runs, and who waits for it
/// so long is rightly evasive.
#[test]
fn loss_crashes_moves_and_a_partition_do_no_harm() {
    let (good, text, json) = sim("--nodes 30 --minutes 3 --seed 3 --loss 3% --delay 1..50ms \
                                  --partition 40s,20s --crash-rate 0.5");
    assert!(good, "{text}");
    assert_eq!(json["violations"], Value::Array(Vec::new()));
    assert!(json["agreed"].as_u64().unwrap() > 100, "{text}");
    assert!(json["led"].as_u64().unwrap() > 2_000, "{text}");
    assert!(json["faults"].as_u64().unwrap() > 10, "{text}");
}

#[test]
fn lies_about_secure_nodes_do_no_harm() {
    let (good, text, json) =
        sim("--nodes 20 --minutes 2 --seed 1 --secure --lie-rate 3 --shrink 0");
    assert!(good, "{text}");
    for counted in ["strangers", "other_security", "key_conflicts"] {
        assert!(json[counted].as_u64().unwrap() > 100, "{counted}: {text}");
    }
    assert!(json["agreed"].as_u64().unwrap() > 100, "{text}");
}

#[test]
fn each_lie_is_one_of_secure_nodes() {
    let lies = ["stranger", "forger", "plain", "insider", "trap", "copy", "boaster"];
    let faults = lies.map(|lie| format!("--fault|'10s {lie} 3 5 for 20s'|")).concat();
    let small = "--nodes 8 --minutes 1 --calm --seed 1 --shrink 0";
    let (good, text, json) =
        sim(&format!("{small} --secure {faults} --fault|'30s distrust 1 2 for 5s'"));
    assert!(good, "{text}");
    assert_eq!(json["faults"], 8, "{text}");
    let output = Command::new(env!("CARGO_BIN_EXE_zyre-tester"))
        .args(["sim", "--calm", "--fault", "10s insider 3 5 for 20s"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("only secure nodes have keys"), "{text}");
}

#[test]
fn a_message_that_a_mailbox_loses_is_noticed() {
    let (good, text, json) = sim("--nodes 5 --minutes 2 --calm --loss 0 --sabotage lose");
    assert!(!good, "{text}");
    let found = &json["violations"][0];
    assert_eq!(found["rule"], 6, "{text}");
    assert!(found["what"].as_str().unwrap().contains("sequence gap"), "{text}");
    assert!(text.contains("The shortest prefix"), "{text}");
}

#[test]
fn a_message_that_comes_twice_is_noticed() {
    let (good, text, json) = sim("--nodes 5 --minutes 2 --calm --shouts 50% --sabotage double");
    assert!(!good, "{text}");
    assert_eq!(json["violations"][0]["rule"], 4, "{text}");
}

#[test]
fn a_scenario_is_made_as_short_as_it_can_be() {
    let (good, text, json) = sim("--nodes 6 --minutes 2 --seed 2 --sabotage lose --crash-rate 1");
    assert!(!good, "{text}");
    assert_eq!(json["shrunk"]["faults"], Value::Array(Vec::new()), "{text}");
    assert_eq!(json["shrunk"]["complete"], true, "{text}");
}

#[test]
fn a_file_says_the_same_as_options() {
    let scenario = std::env::temp_dir().join(format!("zyre-scenario-{}.json", std::process::id()));
    let fault = "12s crash 3 for 5s same";
    let fields = r#"{ "nodes": 8, "minutes": 1, "calm": true, "seed": 1, "partition": ["20s,5s", "30s,3s"],
        "fault": ["12s crash 3 for 5s same"] }"#;
    std::fs::write(&scenario, fields).unwrap();
    // The seed of the command line counts more than that of the file.
    let of_file = sim(&format!("--file {} --seed 5", scenario.display()));
    std::fs::remove_file(&scenario).unwrap();
    let options = "--nodes 8 --minutes 1 --calm --seed 5 --partition 20s,5s --partition 30s,3s";
    let of_options = sim(&format!("{options} --fault|'{fault}'"));
    assert!(of_file.0 && of_options.0, "{}{}", of_file.1, of_options.1);
    assert_eq!(of_file.2["digest"], of_options.2["digest"]);
    assert_eq!(of_file.2["faults"], 3);
}

#[test]
fn the_table_grows() {
    let (good, text, json) = sim("--table --sizes 5,20 --loss 0");
    assert!(good, "{text}");
    let [five, twenty] = &json["rows"].as_array().unwrap()[..] else { panic!("{text}") };
    assert_eq!((&five["messages_per_join"], &twenty["messages_per_join"]), (&4.into(), &19.into()));
    assert!(twenty["full_mesh_ms"].as_f64().unwrap() < 3000.0, "{text}");
    assert_eq!(twenty["beacon_bytes_per_s"], 440.0);
}

/// As after `head`.
#[test]
fn nobody_is_told_that_nobody_reads() {
    for arguments in
        [&["sim", "--nodes", "5", "--minutes", "1"][..], &["hostile", "--list"], &["--help"]]
    {
        let (_, writer) = std::io::pipe().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_zyre-tester"));
        let child = command.args(arguments).stdout(writer).stderr(std::process::Stdio::piped());
        let output = child.spawn().unwrap().wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
        assert_ne!(output.status.code(), Some(101), "{arguments:?}: {said}");
    }
}
