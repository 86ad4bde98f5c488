//! How much an inbox holds.

use super::*;

#[test]
fn a_full_inbox_refuses() {
    let mut place = Place::new();
    place.limits = InboxLimits { octets: 1000, files: 3, durable: false };
    let mut receiver = place.receiver();
    let octets = |n| vec![7; n];
    let full = Refusal::Octets { limit: 1000 };
    assert_eq!(send(&mut receiver, "/a", &octets(600)), delivered(&place, "/a", 600));
    let refused = Written::Refused { name: name("/b"), reason: full.clone() };
    assert_eq!(send(&mut receiver, "/b", &octets(401)), refused);
    let unannounced = execute(&mut receiver, whole("/b", &octets(401), None));
    assert_eq!(unannounced, [refused]);
    assert_eq!(send(&mut receiver, "/b", &octets(400)), delivered(&place, "/b", 400));
    // A new version takes the room of the old.
    assert_eq!(send(&mut receiver, "/a", &octets(600)), delivered(&place, "/a", 600));
    assert_eq!(send(&mut receiver, "/a", &octets(10)), delivered(&place, "/a", 10));
    assert_eq!(send(&mut receiver, "/c", &[]), delivered(&place, "/c", 0));
    let refused = Written::Refused { name: name("/d"), reason: Refusal::Files { limit: 3 } };
    assert_eq!(send(&mut receiver, "/d", &[]), refused);
    assert_eq!(send(&mut receiver, "/c", &octets(1)), delivered(&place, "/c", 1));
    execute(&mut receiver, [Write::Delete { name: name("/c") }]);
    assert_eq!(send(&mut receiver, "/d", &octets(590)), delivered(&place, "/d", 590));
    drop(receiver);
    // It is as full afterwards. What somebody has removed takes no room.
    let mut receiver = place.receiver();
    assert_eq!(
        send(&mut receiver, "/e", &[]),
        Written::Refused { name: name("/e"), reason: Refusal::Files { limit: 3 } }
    );
    drop(receiver);
    fs::remove_file(place.path().join("d")).unwrap();
    let mut receiver = place.receiver();
    assert_eq!(send(&mut receiver, "/e", &octets(590)), delivered(&place, "/e", 590));
    assert_eq!(place.partial(), 0);
}

/// Many times round, what is set aside must come back.
#[test]
fn room_that_was_set_aside_comes_back() {
    let mut place = Place::new();
    place.limits = InboxLimits { octets: 1_000_000, files: 3, durable: false };
    let octets = content(800_000);
    let inbox = place.inbox();
    for round in 0..4 {
        let mut receiver = inbox.receiver("server").unwrap();
        let promise = || Some(promise(&octets));
        let begun = || [begin("/a", 0, promise()), data(0, &octets[..300_000])];
        assert_eq!(execute(&mut receiver, begun()), [], "{round}");
        assert_eq!(execute(&mut receiver, [Write::Abort]), []);
        assert_eq!(execute(&mut receiver, begun()), []);
        drop(receiver);
        let mut receiver = inbox.receiver("server").unwrap();
        let (_, partial) = receiver.known();
        assert_eq!(partial.unwrap().1.offset, 300_000);
        assert_eq!(execute(&mut receiver, begun()), []);
        assert_eq!(receiver.known().1.unwrap().1.offset, 300_000);
        let rest = [begin("/a", 300_000, promise()), data(300_000, &octets[300_000..])];
        assert_eq!(execute(&mut receiver, rest), []);
        let end = [Write::End { size: 800_000 }];
        assert_eq!(execute(&mut receiver, end), [delivered(&place, "/a", 800_000)]);
        execute(&mut receiver, [Write::Delete { name: name("/a") }]);
    }
    let mut receiver = inbox.receiver("server").unwrap();
    let full = content(1_000_000);
    assert_eq!(send(&mut receiver, "/b", &full), delivered(&place, "/b", 1_000_000));
}

/// A partial file of a server that is not there gives way.
#[test]
fn a_full_inbox_drops_what_nobody_resumes() {
    let mut place = Place::new();
    place.limits.octets = 1_000_000;
    let octets = content(800_000);
    let inbox = place.inbox();
    let mut receiver = inbox.receiver("server").unwrap();
    execute(&mut receiver, [begin("/a", 0, Some(promise(&octets))), data(0, &octets[..700_000])]);
    let mut other = inbox.receiver("other").unwrap();
    let refused = Refusal::Octets { limit: 1_000_000 };
    assert_eq!(
        send(&mut other, "/b", &octets),
        Written::Refused { name: name("/b"), reason: refused }
    );
    drop((receiver, other, inbox));
    assert_eq!(place.partial(), 1);
    let inbox = place.inbox();
    let mut other = inbox.receiver("other").unwrap();
    assert_eq!(send(&mut other, "/b", &octets), delivered(&place, "/b", 800_000));
    assert_eq!(place.partial(), 0);
    assert_eq!(inbox.receiver("server").unwrap().known(), (vec![], None));
}
