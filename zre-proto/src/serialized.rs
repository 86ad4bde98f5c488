//! Values as `serde` writes and reads them: as text, as people see them.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Content, Endpoint, HostEndpoint, PeerId, PublicKey};

/// Values that are displayed and parsed as one text.
macro_rules! as_text {
    ($($value:ty),* $(,)?) => {$(
        impl Serialize for $value {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $value {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                // A text may have escapes, so it cannot always be borrowed.
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}

as_text!(Endpoint, HostEndpoint, PeerId, PublicKey);

/// A list of frames: each a text, or, if it is not UTF-8, a list of numbers.
impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.frames().iter().map(|frame| match str::from_utf8(frame) {
            Ok(text) => Written::Text(text),
            Err(_) => Written::Bytes(frame),
        }))
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Written<'a> {
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let frames = Vec::<Frame>::deserialize(deserializer)?;
        Ok(frames.into_iter().map(|Frame(bytes)| bytes).collect())
    }
}

/// One frame, as it is read.
struct Frame(Vec<u8>);

impl<'de> Deserialize<'de> for Frame {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FrameVisitor).map(Self)
    }
}

struct FrameVisitor;

impl<'de> Visitor<'de> for FrameVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of bytes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = numbers.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use serde::de::DeserializeOwned;
    use serde_json::{Value, from_value, json, to_value};

    use super::*;
    use crate::{Event, ExitReason, Liveness, UnreachableReason};

    fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T, told: Value) {
        assert_eq!(to_value(&value).unwrap(), told);
        assert_eq!(from_value::<T>(told).unwrap(), value);
    }

    #[test]
    fn values_are_texts_as_people_see_them() {
        let key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
        let secure = format!("tcp://[fe80::7%3]:49152|{key}");
        same(PeerId::new([0xAB; 16]), json!("ab".repeat(16)));
        same(key.parse::<PublicKey>().unwrap(), json!(key));
        same(secure.parse::<Endpoint>().unwrap(), json!(secure));
        same("host:7".parse::<HostEndpoint>().unwrap(), json!("tcp://host:7"));
        same(ExitReason::LinkLost, json!("link_lost"));
        same(UnreachableReason::NoAnswer, json!("no_answer"));
        same(Liveness::Evasive, json!("evasive"));
        let escaped = r#""\u0061bababababababababababababababab""#;
        assert_eq!(serde_json::from_str::<PeerId>(escaped).unwrap(), PeerId::new([0xAB; 16]));
        let error = from_value::<PeerId>(json!("short")).unwrap_err().to_string();
        assert!(error.contains("32 hexadecimal digits"), "{error}");
        assert!(from_value::<Endpoint>(json!("tcp://host:7")).is_err());
    }

    #[test]
    fn content_is_a_list_of_texts_and_bytes() {
        same(Content::none(), json!([]));
        same(Content::from("hello"), json!(["hello"]));
        same(
            Content::from(vec![b"\xff\x00".to_vec(), vec![], b"ok".to_vec()]),
            json!([[255, 0], "", "ok"]),
        );
        for bad in [json!("hello"), json!([[256]]), json!([7]), json!([null])] {
            assert!(from_value::<Content>(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_event_says_what_it_is() {
        let peer = PeerId::new([7; 16]);
        let id = peer.to_string();
        let endpoint = "tcp://10.0.0.7:49152".parse().unwrap();
        let headers = [("a".to_owned(), "b".to_owned())];
        let enter = Event::Enter {
            peer,
            name: "alice".into(),
            headers: std::sync::Arc::new(headers.into()),
            endpoint,
        };
        let told = json!({
            "event": "enter", "peer": id, "name": "alice", "headers": {"a": "b"},
            "endpoint": "tcp://10.0.0.7:49152",
        });
        assert_eq!(to_value(enter).unwrap(), told);
        let reason = ExitReason::SequenceGap;
        let exit = to_value(Event::Exit { peer, name: "alice".into(), reason }).unwrap();
        let told = json!({"event": "exit", "peer": id, "name": "alice", "reason": "sequence_gap"});
        assert_eq!(exit, told);
        let endpoint = "host:7".parse().unwrap();
        let why = UnreachableReason::NoName;
        let unreachable = to_value(Event::EndpointUnreachable { endpoint, why }).unwrap();
        let told =
            json!({"event": "endpoint_unreachable", "endpoint": "tcp://host:7", "why": "no_name"});
        assert_eq!(unreachable, told);
        assert_eq!(to_value(Event::Stop).unwrap(), json!({"event": "stop"}));
    }
}
