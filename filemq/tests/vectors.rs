//! Bytes captured from C FileMQ: each decodes to what it says, and encodes back to the same bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use bytes::Bytes;
use filemq::message::{Cheezburger, DecodeError, Dictionary, Icanhaz, Message, Outcome};
use serde_json::Value;

use common::receipt;
use common::vectors::{Vector, vectors};

/// What all versions say in the same way.
const SHARED: [&str; 8] =
    ["OHAI-OK", "ICANHAZ-OK", "NOM", "HUGZ", "HUGZ-OK", "KTHXBAI", "SRSLY", "RTFM"];

fn spoken(vector: &Vector) -> bool {
    let shared = SHARED.contains(&vector.message.as_str());
    vector.message != "malformed" && (shared || vector.dialect == "v2-c")
}

fn assert_dictionary(name: &str, dictionary: &Dictionary, fields: &Value) {
    let fields = fields.as_object().unwrap();
    assert_eq!(dictionary.len(), fields.len(), "{name}");
    for (key, value) in fields {
        assert_eq!(dictionary.text(key), value.as_str(), "{name}: {key}");
    }
}

fn assert_cheezburger(name: &str, piece: &Cheezburger, fields: &Value) {
    assert_eq!(Some(piece.sequence), fields["sequence"].as_u64(), "{name}");
    assert_eq!(Some(u64::from(u8::from(piece.operation))), fields["operation"].as_u64(), "{name}");
    assert_eq!(str::from_utf8(&piece.filename).ok(), fields["filename"].as_str(), "{name}");
    assert_eq!(Some(piece.offset), fields["offset"].as_u64(), "{name}");
    assert_eq!(Some(u64::from(piece.eof)), fields["eof"].as_u64(), "{name}");
    assert_eq!(Some(piece.chunk.len() as u64), fields["chunk"]["len"].as_u64(), "{name}");
    assert_dictionary(name, &piece.headers, &fields["headers"]);
}

fn assert_fields(name: &str, message: &Message, fields: &Value) {
    let reason = |reason: &Bytes| {
        assert_eq!(str::from_utf8(reason).ok(), fields["reason"].as_str(), "{name}");
    };
    match message {
        Message::Icanhaz(Icanhaz { path, options, cache }) => {
            assert_eq!(str::from_utf8(path).ok(), fields["path"].as_str(), "{name}");
            assert_dictionary(name, options, &fields["options"]);
            assert_dictionary(name, cache, &fields["cache"]);
        }
        Message::Nom { credit, sequence } => {
            assert_eq!(Some(*credit), fields["credit"].as_u64(), "{name}");
            assert_eq!(Some(*sequence), fields["sequence"].as_u64(), "{name}");
        }
        Message::Cheezburger(piece) => assert_cheezburger(name, piece, fields),
        Message::Srsly { reason: text } | Message::Rtfm { reason: text } => reason(text),
        Message::Ohai => assert_eq!(fields["version"].as_u64(), Some(2), "{name}"),
        _ => {}
    }
}

#[test]
fn every_captured_message_decodes_and_encodes_back() {
    let mut seen = 0;
    for vector in vectors().iter().filter(|vector| spoken(vector)) {
        let name = &vector.name;
        let message =
            Message::from_frames(&vector.frames).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(message.name(), vector.message, "{name}");
        assert_fields(name, &message, &vector.fields);
        assert_eq!(message.encode(), vector.frames[0], "{name}");
        seen += 1;
    }
    assert_eq!(seen, 45);
}

#[test]
fn content_is_a_slice_of_the_frame() {
    let frames = common::vectors::named("v2_cheezburger_create_first_1MB");
    let Message::Cheezburger(piece) = Message::decode(&frames[0]).unwrap() else { panic!() };
    assert!(frames[0].as_ptr_range().contains(&piece.chunk.as_ptr()));
}

/// Versions of which no peer is left: they get an error, and are told so.
#[test]
fn what_older_versions_say_otherwise_is_refused() {
    let older: Vec<_> = vectors()
        .into_iter()
        .filter(|vector| vector.message != "malformed" && !spoken(vector))
        .collect();
    for vector in &older {
        let expected = match (vector.message.as_str(), vector.frames.len()) {
            ("OHAI", _) => DecodeError::Version(1),
            (_, 2) => DecodeError::Frames,
            // A length of one byte, and then text.
            _ => DecodeError::TooLarge,
        };
        assert_eq!(Message::from_frames(&vector.frames), Err(expected), "{}", vector.name);
    }
    assert_eq!(older.len(), 13);
}

#[test]
fn what_ends_the_c_server_is_an_error() {
    let errors: Vec<_> = vectors()
        .into_iter()
        .filter(|vector| vector.message == "malformed")
        .map(|vector| Message::from_frames(&vector.frames).unwrap_err())
        .collect();
    let expected = [
        DecodeError::Version(1),
        DecodeError::Version(1),
        DecodeError::Signature,
        DecodeError::Truncated,
        DecodeError::UnknownId(0x20),
        DecodeError::Truncated,
        DecodeError::Frames,
    ];
    assert_eq!(errors, expected);
}

#[test]
fn every_part_of_a_captured_message_is_too_short() {
    for vector in vectors().iter().filter(|vector| spoken(vector)) {
        let frame = &vector.frames[0];
        for end in (0..frame.len().min(200)).chain(frame.len() - 1..frame.len()) {
            let error = Message::decode(&frame.slice(..end)).unwrap_err();
            // A version of which a byte is missing is another version.
            let short = matches!(error, DecodeError::Truncated | DecodeError::Version(0));
            assert!(short, "{} {end}: {error}", vector.name);
        }
    }
}

#[test]
fn what_is_too_long_for_its_field_is_left_out_or_cut() {
    let name = "x".repeat(256);
    let message = Message::Icanhaz(Icanhaz {
        cache: common::dictionary(&[
            ("a", "1"),
            (&name, "2"),
            ("b", &"y".repeat(8193)),
            ("c", "3"),
        ]),
        ..Icanhaz::default()
    });
    let Message::Icanhaz(decoded) = Message::decode(&message.encode()).unwrap() else { panic!() };
    assert_eq!(decoded.cache, common::dictionary(&[("a", "1"), ("c", "3")]));
    let message = Message::Rtfm { reason: name.into() };
    assert_eq!(message.encode().len(), 4 + 255);
}

#[test]
fn receipts_are_encoded_as_the_module_says() {
    let receipts = vec![
        receipt(1, Outcome::Delivered, ""),
        receipt(u64::MAX, Outcome::Waiting, "full"),
        receipt(2, Outcome::Refused, "no"),
        receipt(3, Outcome::Other(9), ""),
    ];
    let frame = [
        &b"\xAA\xA3\x40\0\0\0\x04"[..],
        b"\0\0\0\0\0\0\0\x01\x01\0",
        b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02\x04full",
        b"\0\0\0\0\0\0\0\x02\x03\x02no",
        b"\0\0\0\0\0\0\0\x03\x09\0",
    ];
    let (message, frame) = (Message::Receipts(receipts), Bytes::from(frame.concat()));
    assert_eq!(message.encode(), frame);
    assert_eq!(Message::decode(&frame), Ok(message));
    for length in 0..frame.len() {
        assert!(Message::decode(&frame.slice(..length)).is_err(), "{length}");
    }
}

#[test]
fn what_announces_too_much_is_refused() {
    for (bytes, error) in [
        // A path of 4,097 bytes, and of 2^32 - 1.
        ([0xAA, 0xA3, 5, 0, 0, 0x10, 0x01], DecodeError::TooLarge),
        ([0xAA, 0xA3, 5, 0xFF, 0xFF, 0xFF, 0xFF], DecodeError::TooLarge),
        ([0xAA, 0xA3, 5, 0, 0, 0x10, 0x00], DecodeError::Truncated),
    ] {
        assert_eq!(Message::decode(&bytes.to_vec().into()), Err(error), "{bytes:?}");
    }
    let entries = |count: u32| {
        let mut bytes = vec![0xAA, 0xA3, 5, 0, 0, 0, 1, b'/'];
        bytes.extend(count.to_be_bytes());
        Message::decode(&bytes.into()).unwrap_err()
    };
    assert_eq!(entries(65_536), DecodeError::Truncated);
    assert_eq!(entries(65_537), DecodeError::TooLarge);
}
