//! A short chaos through the program itself: it finds nothing where nothing is, and something
//! where a node loses events.

#![allow(clippy::expect_used, clippy::panic)]

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

/// Runs chaos with eight nodes for six seconds. Returns what the process said, and the JSON.
fn chaos(port: u16, more: &[&str]) -> (Output, Value) {
    let json: PathBuf =
        std::env::temp_dir().join(format!("zyre-chaos-{}-{port}.json", std::process::id()));
    let output = Command::new(env!("CARGO_BIN_EXE_zyre-tester"))
        .args(["chaos", "--nodes", "8", "--seconds", "6", "--pace", "fast", "--seed", "4"])
        .args(["--interface", "lo", "--port", &port.to_string(), "--json"])
        .arg(&json)
        .args(more)
        .output()
        .expect("the program runs");
    let text = std::fs::read_to_string(&json).expect("the JSON was written");
    std::fs::remove_file(&json).expect("the JSON is ours");
    (output, serde_json::from_str(&text).expect("it is JSON"))
}

fn number(result: &Value, path: &str) -> u64 {
    let value = result.pointer(path).and_then(Value::as_u64);
    value.unwrap_or_else(|| panic!("no number at {path} of {result:#}"))
}

#[test]
fn nothing_is_violated() {
    let (output, result) = chaos(7721, &["--processes", "2"]);
    assert!(output.status.success(), "{result:#}\n{output:?}");
    assert_eq!(number(&result, "/violations"), 0);
    assert_eq!(number(&result, "/seed"), 4);
    assert_eq!(number(&result, "/processes"), 2);
    for path in [
        "/deeds/starts",
        "/deeds/stops",
        "/deeds/crashes",
        "/deeds/plain",
        "/messages/whispers",
        "/messages/received",
        "/messages/refused",
        "/messages/links/dialled",
        "/messages/links/accepted",
        "/messages/links/one_each_way",
        "/messages/links/dials",
        "/messages/links/hellos",
        "/enters",
        "/exits",
        "/quiet_moments",
        "/pairs_compared",
        "/descriptors/most",
    ] {
        assert!(number(&result, path) > 0, "{path} of {result:#}");
    }
    assert_eq!(result["failures"], Value::Array(Vec::new()));
    assert_eq!(result["violations_by_rule"].as_object().map(serde_json::Map::len), Some(8));
    let ended = ["stops", "crashes"].map(|how| number(&result, &format!("/deeds/{how}")));
    assert!(number(&result, "/deeds/starts") >= ended[0] + ended[1]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("violations     0"), "{text}");
}

#[test]
fn nodes_share_connections_or_not() {
    for (port, percent, links) in [
        (7724, "0", ["/messages/links/dialled", "/messages/links/one_each_way"]),
        (7725, "100", ["/messages/links/one_each_way", "/messages/links/dialled"]),
    ] {
        let (output, result) = chaos(port, &["--processes", "1", "--plain", percent]);
        assert!(output.status.success(), "{result:#}\n{output:?}");
        let [all, none] = links.map(|path| number(&result, path));
        assert!(all > 0 && none == 0, "{percent} % plain: {result:#}");
    }
}

#[test]
fn secure_nodes_have_nothing_to_do_with_strangers() {
    let more = ["--processes", "2", "--secure", "--strangers", "40"];
    let (output, result) = chaos(7726, &more);
    assert!(output.status.success(), "{result:#}\n{output:?}");
    for path in ["/deeds/strangers", "/deeds/distrusts", "/enters", "/exit_reasons/distrusted"] {
        assert!(number(&result, path) > 0, "{path} of {result:#}");
    }
    assert!(number(&result, "/deeds/forged") > 300, "{result:#}");
}

#[test]
fn a_node_that_loses_events_is_found() {
    let (output, result) = chaos(7722, &["--processes", "1", "--sabotage"]);
    assert_eq!(output.status.code(), Some(1), "{result:#}");
    assert!(number(&result, "/violations") > 0);
    let finding = &result["findings"][0];
    for field in ["name", "node", "peer", "what"] {
        assert!(finding[field].as_str().is_some_and(|text| !text.is_empty()), "{finding:#}");
    }
    let histories = finding["histories"].as_object().expect("histories");
    assert!(!histories.is_empty(), "{finding:#}");
}

#[cfg(unix)]
#[test]
fn too_few_descriptors_are_said_before_the_start() {
    // Not more than 512, whatever this machine allows.
    let script = "ulimit -n 512 && exec \"$0\" chaos --nodes 100 --processes 1 --port 7723";
    let output = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_zyre-tester")])
        .output()
        .expect("there is a shell");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("--processes") && text.contains("ulimit"), "{text}");
}
