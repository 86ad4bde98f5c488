//! Ids as text and as UUIDs.

use uuid::Uuid;
use zre_proto::PeerId;

const DIGITS: &str = "a9c4aa78fc2649b7b00db24ba3d37a22";

#[test]
fn an_id_is_a_uuid_in_both_directions() {
    let uuid = Uuid::parse_str(DIGITS).unwrap();
    let id = PeerId::from(uuid);
    assert_eq!(id.to_string(), DIGITS);
    assert_eq!(Uuid::from(id), uuid);
    assert_eq!(uuid.hyphenated().to_string().parse(), Ok(id));
    assert_eq!(format!("{id:?}"), format!("PeerId({DIGITS})"));
    assert_eq!(id.default_name(), "A9C4AA");
}

#[test]
fn what_is_no_id_is_named_in_the_error_but_not_without_end() {
    let refused = |text: &str| text.parse::<PeerId>().unwrap_err().to_string();
    for bad in ["", "a9", &DIGITS.replace('a', "g"), &format!("{DIGITS}00")] {
        assert!(refused(bad).ends_with(&format!("not {bad:?}")), "{}", refused(bad));
    }
    assert!(refused(&"0".repeat(10_000)).len() < 200);
}

#[test]
fn a_routing_id_has_17_bytes_of_which_the_first_may_be_any() {
    let id: PeerId = DIGITS.parse().unwrap();
    assert_eq!(id.routing_id()[0], 1);
    for first in [0, 1, b'1', 255] {
        let routing_id = [&[first][..], id.as_bytes()].concat();
        assert_eq!(PeerId::from_routing_id(&routing_id), Some(id), "{first}");
    }
    for length in [0, 1, 16, 18, 255] {
        assert_eq!(PeerId::from_routing_id(&vec![1; length]), None, "{length}");
    }
}
