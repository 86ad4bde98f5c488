//! Octets captured from real nodes, as inputs to start from.

use serde_json::Value;

const VECTORS: &str = include_str!("../../vectors/zre.json");

/// The entries of this kind whose name starts like that; of a ZRE message the header.
pub(crate) fn captured(kind: &str, prefix: &str) -> Vec<Vec<u8>> {
    let entries: Vec<Value> = serde_json::from_str(VECTORS).expect("vectors are JSON");
    let wanted = |entry: &&Value| {
        entry["kind"] == kind && entry["name"].as_str().is_some_and(|name| name.starts_with(prefix))
    };
    entries.iter().filter(wanted).map(|entry| first_frame(&entry["hex"])).collect()
}

/// An entry of ZRE is a list of frames, of which the first is the header.
fn first_frame(hex: &Value) -> Vec<u8> {
    let text = hex.as_str().or_else(|| hex[0].as_str()).expect("octets");
    let digit = |digit: u8| char::from(digit).to_digit(16).expect("a digit") as u8;
    text.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) * 16 + digit(pair[1])).collect()
}
