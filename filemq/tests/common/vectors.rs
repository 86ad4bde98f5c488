//! What was captured from C FileMQ.

use std::sync::LazyLock;

use bytes::Bytes;
use serde_json::Value;
use testkit::hex;

/// A captured message.
#[derive(Clone)]
pub struct Vector {
    pub name: String,
    pub dialect: String,
    pub message: String,
    pub frames: Vec<Bytes>,
    pub fields: Value,
}

/// All messages, without what is ZMTP.
pub fn vectors() -> Vec<Vector> {
    static VECTORS: LazyLock<Vec<Vector>> = LazyLock::new(read);
    VECTORS.clone()
}

fn read() -> Vec<Vector> {
    let entries = testkit::vectors::filemq();
    let messages =
        entries.iter().filter(|entry| !entry["message"].as_str().unwrap().contains("ZMTP"));
    messages.map(vector).collect()
}

pub fn named(name: &str) -> Vec<Bytes> {
    vectors().into_iter().find(|vector| vector.name == name).unwrap().frames
}

fn vector(entry: &Value) -> Vector {
    let text = |key: &str| entry[key].as_str().unwrap().to_owned();
    let frames = match entry["frames"].as_array() {
        Some(frames) => {
            frames.iter().map(|frame| hex::decode(frame.as_str().unwrap()).into()).collect()
        }
        None => vec![large(entry)],
    };
    let (name, dialect, message) = (text("name"), text("dialect"), text("message"));
    Vector { name, dialect, message, frames, fields: entry["fields"].clone() }
}

/// Of a large frame the file has the beginning, the rule of its content, and the end.
fn large(entry: &Value) -> Bytes {
    let frame = &entry["large"][0];
    let (fields, prefix) = (&entry["fields"], hex::decode(frame["prefix_hex"].as_str().unwrap()));
    let length = usize::try_from(frame["len"].as_u64().unwrap()).unwrap();
    let chunk = usize::try_from(fields["chunk"]["len"].as_u64().unwrap()).unwrap();
    let offset = usize::try_from(fields["offset"].as_u64().unwrap()).unwrap();
    let mut bytes = prefix[..length - chunk].to_vec();
    if entry["chunk_rule"].as_str().unwrap().starts_with("file byte") {
        bytes.extend((offset..offset + chunk).map(|i| ((i * 7 + (i >> 8)) & 255) as u8));
    } else {
        bytes.extend(b"TOPSECRET".iter().cycle().take(chunk));
    }
    assert_eq!(bytes.len(), length);
    assert_eq!(bytes[..prefix.len()], prefix, "{}", entry["name"]);
    assert!(
        bytes.ends_with(&hex::decode(frame["suffix_hex"].as_str().unwrap())),
        "{}",
        entry["name"]
    );
    bytes.into()
}
