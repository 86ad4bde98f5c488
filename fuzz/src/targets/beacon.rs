//! ZRE beacons.

use zre_proto::Beacon;

use crate::vectors::captured;

/// What is a beacon is encoded to the same bytes; and nothing else than it is one.
pub fn target(data: &[u8]) {
    let Ok(beacon) = Beacon::decode(data) else { return };
    assert_eq!(beacon.encode(), data);
    assert!(data.len() < Beacon::MAX_LEN);
    assert_eq!(beacon.is_goodbye(), data[20..22] == [0, 0]);
    assert!((0..data.len()).all(|end| Beacon::decode(&data[..end]).is_err()));
    assert!(Beacon::decode(&[data, &[0]].concat()).is_err());
}

/// Beacons of real nodes, of both versions.
pub fn seeds() -> Vec<Vec<u8>> {
    captured("beacon", "")
}
