//! Stories, line by line, and what the picture makes of them.

use serde_json::{Value, json};

use super::*;
use crate::moment::SECOND;
use crate::{Stored, correlation_id};

/// A recording that is told: each item comes a second after the one before.
#[derive(Default)]
struct Story {
    at: i64,
    id: i64,
    items: Vec<Item>,
}

fn endpoint(node: u8) -> String {
    format!("tcp://10.0.0.{node}:49152")
}

fn key(node: u8) -> String {
    format!("{node:02x}").repeat(16)
}

fn id(node: u8) -> u16 {
    if node == 0 { 0 } else { correlation_id(&endpoint(node)) }
}

impl Story {
    fn change(mut self, node: u8, what: What) -> Self {
        self.at += SECOND;
        self.items.push(Item::Change(Change { at: self.at, peer: key(node), what }));
        self
    }

    fn enter(self, node: u8, name: &str) -> Self {
        let (endpoint, name) = (endpoint(node), name.to_owned());
        let correlation = correlation_id(&endpoint);
        let entered = Entered { correlation, endpoint, name, ..Entered::default() };
        self.change(node, What::Entered(Box::new(entered)))
    }

    fn gone(self, node: u8, reason: &str) -> Self {
        self.change(node, What::Gone { reason: reason.to_owned() })
    }

    /// The collector is node 9.
    fn begin(self) -> Self {
        self.change(9, What::Begun).enter(9, "watch")
    }

    fn graver(mut self, level: Level, node: u8, event: LogEvent, peer: u8, data: &str) -> Self {
        self.at += SECOND;
        self.id += 1;
        let record = Record {
            received: self.at,
            source: Some([10, 0, 0, node].into()),
            time: 0,
            level,
            event,
            node: id(node),
            peer: id(peer),
            data: data.to_owned(),
        };
        self.items.push(Item::Line(Stored { id: self.id, record }));
        self
    }

    fn line(self, node: u8, event: LogEvent, peer: u8, data: &str) -> Self {
        self.graver(Level::Info, node, event, peer, data)
    }

    fn picture(&self) -> Picture {
        let mut picture = Picture::default();
        self.items.iter().for_each(|item| drop(picture.apply(item)));
        picture
    }

    fn json(&self) -> Value {
        self.picture().json(self.at)
    }
}

fn node(json: &Value, node: u8) -> &Value {
    let nodes = json["nodes"].as_array().unwrap();
    nodes.iter().find(|one| one["id"] == key(node)).unwrap_or(&Value::Null)
}

use LogEvent::{Enter, Exit, Join, Leave, None as Text, Recv, Send};

#[test]
fn who_is_there_and_why_they_went() {
    let story = Story::default().begin().enter(1, "alice").enter(2, "bob");
    let json = story.json();
    assert_eq!(json["figures"]["present"], 3);
    assert_eq!(json["figures"]["enters"], 2, "the collector itself does not count");
    assert_eq!((&json["collector"], &node(&json, 1)["state"]), (&json!(key(9)), &json!("present")));
    let story = story.change(1, What::Evasive).change(2, What::Silent).gone(2, "link lost");
    let json = story.json();
    assert_eq!(node(&json, 1)["state"], "evasive");
    assert_eq!(node(&json, 2)["state"], "gone");
    assert_eq!(node(&json, 2)["reason"], "link lost");
    assert_eq!(json["figures"]["exits"], json!({ "link lost": 1 }));
    let story = story.change(1, What::Returned).gone(7, "said by nobody that is known");
    let json = story.json();
    assert_eq!(node(&json, 1)["state"], "present");
    assert_eq!(json["figures"]["exits"], json!({ "link lost": 1, "other": 1 }));
}

#[test]
fn a_collector_that_begins_knows_nobody() {
    let story = Story::default().begin().enter(1, "alice").begin();
    let json = story.json();
    assert_eq!(node(&json, 1)["reason"], "not watched");
    assert_eq!(json["figures"]["present"], 1);
    assert_eq!(json["figures"]["exits"], json!({}), "nobody knows whether it has gone");
}

#[test]
fn of_a_node_that_was_met_only_the_collector_tells_the_groups() {
    let story = Story::default().begin().enter(1, "alice").enter(2, "bob");
    let story = story.line(9, Join, 1, "chat").line(2, Join, 1, "old news");
    assert_eq!(node(&story.json(), 1)["groups"], json!(["chat"]));
    let story = story.line(9, Leave, 1, "chat").line(2, Join, 1, "chat");
    assert_eq!(node(&story.json(), 1)["groups"], json!([]));
    // Of a node that it has not met it takes the word of any node.
    let story = story.line(3, Join, 0, "away");
    let unseen = format!("#{:04x}", id(3));
    let json = story.json();
    let all = json["nodes"].as_array().unwrap();
    let found = all.iter().find(|one| one["id"] == unseen).unwrap();
    assert_eq!((&found["state"], &found["groups"]), (&json!("unseen"), &json!(["away"])));
    // It enters, and is one node.
    let json = story.enter(3, "carol").json();
    assert!(!json["nodes"].as_array().unwrap().iter().any(|one| one["id"] == unseen));
    assert_eq!(json["figures"]["nodes"][key(3)][1], 1, "its line is kept");
}

#[test]
fn each_message_counts_once() {
    let story = Story::default().begin().enter(1, "alice").enter(2, "bob").enter(3, "carol");
    let shout = |story: Story| {
        story.line(1, Send, 0, "SHOUT chat").line(2, Recv, 1, "SHOUT chat").line(
            3,
            Recv,
            1,
            "SHOUT chat",
        )
    };
    let json = shout(shout(story)).line(9, Text, 0, "now").json();
    let shouts = json["figures"]["shouts"].as_array().unwrap();
    assert_eq!((shouts.len(), &shouts[0][3]), (1, &json!(2)));
    // One that tells nothing itself: by the word of one receiver.
    let story = Story::default().begin().enter(1, "alice").enter(2, "bob").enter(3, "carol");
    let hears = |story: Story| story.line(2, Recv, 1, "SHOUT chat").line(3, Recv, 1, "SHOUT chat");
    let story = hears(hears(story));
    let json = story.json();
    assert_eq!(json["figures"]["shouts"][0][3], 2);
    // Whispers go by what the receiver says, if it says anything.
    let story = story.line(2, Send, 3, "WHISPER carol").line(3, Recv, 2, "WHISPER bob");
    let json = story.line(3, Send, 1, "WHISPER alice").line(9, Text, 0, "now").json();
    let whispers = json["figures"]["whispers"].as_array().unwrap();
    let totals: Vec<_> = whispers.iter().map(|way| (way[0].clone(), way[3].clone())).collect();
    assert_eq!(totals.len(), 2);
    assert!(totals.iter().all(|(_, total)| *total == 1), "{totals:?}");
}

#[test]
fn a_collision_is_decided_by_the_address_or_not_at_all() {
    let both = |correlation| {
        let one = |node: u8| {
            let (endpoint, name) = (endpoint(node), format!("n{node}"));
            What::Entered(Box::new(Entered { correlation, endpoint, name, ..Entered::default() }))
        };
        Story::default().begin().change(1, one(1)).change(2, one(2))
    };
    let picture = both(7).picture();
    assert_eq!(&*picture.resolve(7, Some("10.0.0.2")), key(2));
    assert_eq!(&*picture.resolve(7, Some("10.0.0.5")), "#0007");
    assert_eq!(&*picture.resolve(7, None), "#0007");
    let mut story = both(7).gone(2, "goodbye");
    assert_eq!(&*story.picture().resolve(7, None), key(1));
    story = story.gone(1, "goodbye");
    assert_eq!(&*story.picture().resolve(7, None), key(1), "the one that went last");
    story.at += 60 * SECOND;
    let late = story.line(9, Text, 0, "later").picture();
    assert_eq!(&*late.resolve(7, None), "#0007");
    assert_eq!(&*late.resolve(8, Some("10.0.0.9")), key(9), "nobody else is at that address");
}

#[test]
fn leaders_files_and_secure_nodes() {
    let story = Story::default().begin().enter(1, "al leads x").enter(2, "bob");
    let story = story.line(9, Join, 1, "print").line(2, Text, 1, "al leads x leads print");
    let json = story.json();
    assert_eq!(json["figures"]["groups"][0]["leader"]["id"], key(1));
    let story = story.line(1, Text, 2, "sending 10 of 40 bytes: a: b");
    let story = story.line(2, Text, 1, "receiving 20 of 40 bytes: a: b");
    let file = &story.json()["transfers"][0];
    assert_eq!((&file["from"]["id"], &file["to"]["id"]), (&json!(key(1)), &json!(key(2))));
    assert_eq!((&file["name"], &file["bytes"]), (&json!("a: b"), &json!(20)));
    let story = story.line(2, Text, 1, "delivered 40 bytes: a: b");
    // What the sender has said before that comes late.
    let story = story.line(1, Text, 2, "sending 30 of 40 bytes: a: b");
    let file = &story.json()["transfers"][0];
    assert_eq!((&file["state"], &file["bytes"]), (&json!("delivered"), &json!(40)));
    let json = story.gone(1, "goodbye").json();
    assert_eq!(json["figures"]["groups"], json!([]), "it was the only member, and leads no more");
    let secure = Entered { key: Some("KEY".to_owned()), ..Entered::default() };
    let json = Story::default().begin().change(1, What::Entered(Box::new(secure))).json();
    assert_eq!((&node(&json, 1)["key"], &node(&json, 9)["key"]), (&json!("KEY"), &Value::Null));
}

#[test]
fn what_all_say_of_one_is_one_warning() {
    let mut story = Story::default().begin().enter(1, "alice").enter(2, "bob").enter(3, "carol");
    story = story.graver(Level::Warning, 2, Exit, 1, "link lost");
    story = story.graver(Level::Warning, 3, Exit, 1, "link lost");
    story = story.graver(Level::Warning, 2, Text, 0, "disk full");
    story = story.graver(Level::Warning, 3, Text, 0, "disk full");
    let json = story.json();
    let warnings = json["warnings"].as_array().unwrap();
    let told: Vec<_> =
        warnings.iter().map(|one| (one["text"].clone(), one["times"].clone())).collect();
    let expected = [("disk full", 1), ("disk full", 1), ("EXIT link lost", 2)];
    assert_eq!(told, expected.map(|(text, times)| (json!(text), json!(times))));
}

#[test]
fn peers_are_those_that_a_node_says_it_has() {
    let story = Story::default().begin().enter(1, "alice").enter(2, "bob");
    let story =
        story.line(1, Enter, 2, "bob").line(2, Enter, 1, "alice").line(2, Exit, 1, "expired");
    let picture = story.picture();
    let alice = picture.node_json(&key(1), story.at).unwrap();
    assert_eq!(alice["peers"], json!([{ "id": key(2), "name": "bob" }]));
    assert_eq!(alice["known_to"], json!([]));
    assert!(picture.node_json("nobody", 0).is_none());
}

#[test]
fn deltas_lead_to_the_whole() {
    let story = Story::default()
        .line(1, Text, 0, "before it has entered")
        .begin()
        .enter(1, "alice")
        .line(9, Join, 1, "chat")
        .enter(2, "bob")
        .graver(Level::Error, 2, Text, 0, "on fire")
        .change(2, What::Silent)
        .line(1, Text, 2, "sending 10 of 40 bytes: x")
        .gone(2, "expired");
    let mut followed: BTreeMap<String, Value> = BTreeMap::new();
    let (mut warnings, mut transfers) = (BTreeMap::new(), json!([]));
    let (mut picture, mut version) = (Picture::default(), 0);
    for (i, item) in story.items.iter().enumerate() {
        picture.apply(item);
        if i % 3 == 2 {
            continue;
        }
        let delta = picture.delta(version, item.at(), true).unwrap();
        version = picture.version();
        for node in delta["nodes"].as_array().unwrap() {
            followed.insert(node["id"].as_str().unwrap().to_owned(), node.clone());
        }
        for id in delta["forgotten"].as_array().unwrap() {
            followed.remove(id.as_str().unwrap());
        }
        for warning in delta["warnings"].as_array().unwrap() {
            warnings.insert(warning["id"].as_u64().unwrap(), warning.clone());
        }
        if !delta["transfers"].is_null() {
            transfers = delta["transfers"].clone();
        }
    }
    let last = picture.delta(version, story.at, true).unwrap();
    for node in last["nodes"].as_array().unwrap() {
        followed.insert(node["id"].as_str().unwrap().to_owned(), node.clone());
    }
    let whole = picture.json(story.at);
    assert_eq!(json!(followed.into_values().collect::<Vec<_>>()), whole["nodes"]);
    assert_eq!(json!(warnings.into_values().rev().collect::<Vec<_>>()), whole["warnings"]);
    assert_eq!((transfers, &last["figures"]), (whole["transfers"].clone(), &whole["figures"]));
}

#[test]
fn nothing_grows_for_ever() {
    let mut picture = Picture::default();
    let mut item = |i: i64, node: u16, event, data: String| {
        let (time, level, source) = (0, Level::Warning, None);
        let record =
            Record { received: i * 1000, source, time, level, event, node, peer: node / 2, data };
        picture.apply(&Item::Line(Stored { id: i, record }));
    };
    for i in 0..20_000_u16 {
        let at = i64::from(i);
        item(at, i, Join, format!("group {i}"));
        item(at, i, Recv, format!("SHOUT group {i}"));
        item(at, i, Text, format!("sending 1 of 2 bytes: {i}"));
        item(at, i, Text, format!("x leads group {i}"));
    }
    assert!(picture.nodes.len() <= NODES);
    assert!(picture.traffic.shouts.len() <= 4_096);
    assert!(picture.counts.groups.len() <= 65);
    assert!(picture.leaders.len() <= LEADERS);
    assert!(picture.forgotten.len() <= FORGOTTEN);
    let json = picture.json(20_000_000);
    assert!(json["warnings"].as_array().unwrap().len() <= 300);
    assert!(json["transfers"].as_array().unwrap().len() <= 200);
    assert!(json.to_string().len() < 2_000_000, "{}", json.to_string().len());
    let mut text = zyre::metrics::MetricsText::default();
    picture.metrics(&mut text, 0);
    assert!(text.finish().lines().count() < 120);
    // Who was away for that long has to begin anew.
    assert!(picture.delta(1, 0, true).is_none());
}
