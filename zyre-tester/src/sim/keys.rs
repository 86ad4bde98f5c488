//! Keys that tell the simulator whose they are.

use zre_proto::PublicKey;

use super::chance::Chance;

/// The key of a host, the same in all lives of its nodes.
pub(super) fn of(seed: u64, slot: u32) -> PublicKey {
    let mut chance = Chance::of(seed, 12, slot.into());
    let mut key = [0; 32];
    for part in key.as_chunks_mut::<8>().0 {
        part.copy_from_slice(&chance.next().to_be_bytes());
    }
    key[28..].copy_from_slice(&slot.to_be_bytes());
    PublicKey::new(key)
}

/// The host whose key this is.
pub(super) fn read(key: PublicKey) -> u32 {
    let bytes = key.as_bytes();
    u32::from_be_bytes([28, 29, 30, 31].map(|at| bytes[at]))
}
