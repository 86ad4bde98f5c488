//! Ids that tell the simulator whose they are, and still stand in no order.

use zre_proto::PeerId;

use super::chance::Chance;

/// The id of a process: half chance, half its host and its life.
pub(super) fn of(seed: u64, slot: u32, life: u32) -> PeerId {
    let chance = Chance::of(seed, 2, u64::from(slot) << 32 | u64::from(life)).next();
    let mut id = [0; 16];
    id[..8].copy_from_slice(&chance.to_be_bytes());
    id[8..12].copy_from_slice(&slot.to_be_bytes());
    id[12..].copy_from_slice(&life.to_be_bytes());
    PeerId::new(id)
}

/// The host and the life of a process.
pub(super) fn read(id: PeerId) -> (u32, u32) {
    let bytes = id.as_bytes();
    let number = |at: usize| u32::from_be_bytes([0, 1, 2, 3].map(|i| bytes[at + i]));
    (number(8), number(12))
}

/// A process as people see it: `17` for the first on host 17, `17.3` for the third.
pub(super) fn name(id: PeerId) -> String {
    let (slot, life) = read(id);
    if life == 1 { slot.to_string() } else { format!("{slot}.{life}") }
}
