//! Frames in bytes that have come.

use std::io;

use crate::wire::LONG;

/// The largest frame that is read here: the target, too, may be hostile.
const LARGEST: u64 = 128 << 20;

/// A frame: its flags and its body.
pub(super) type Frame = (u8, Vec<u8>);

/// Returns the flags of the first frame in these bytes, how many its head has, and how many are to come
/// after that; `None` if the head is not whole.
pub(super) fn head(bytes: &[u8]) -> Option<(u8, usize, u64)> {
    let (&flags, length) = bytes.split_first()?;
    match flags & LONG {
        0 => Some((flags, 2, u64::from(*length.first()?))),
        _ => Some((flags, 9, u64::from_be_bytes(*length.first_chunk()?))),
    }
}

/// Takes the first frame out of these bytes, if they hold a whole one.
pub(super) fn take_frame(bytes: &mut Vec<u8>) -> io::Result<Option<Frame>> {
    let Some((flags, head, length)) = head(bytes) else { return Ok(None) };
    if length > LARGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let end = head + length as usize;
    if bytes.len() < end {
        return Ok(None);
    }
    let rest = bytes.split_off(end);
    let body = std::mem::replace(bytes, rest).split_off(head);
    Ok(Some((flags, body)))
}

#[cfg(test)]
mod tests {
    use super::{LARGEST, take_frame};
    use crate::wire::{MORE, announcement, frame};

    #[test]
    fn frames_are_taken_when_they_are_whole() {
        let large = vec![7; 300];
        let all = [frame(MORE, b"small"), frame(0, &large), frame(0, b"")].concat();
        let mut bytes = Vec::new();
        let mut taken = Vec::new();
        for byte in all {
            bytes.push(byte);
            taken.extend(take_frame(&mut bytes).unwrap());
        }
        let long = crate::wire::LONG;
        assert_eq!(taken, [(MORE, b"small".to_vec()), (long, large), (0, Vec::new())]);
        assert!(bytes.is_empty());
        take_frame(&mut announcement(0, LARGEST + 1)).unwrap_err();
    }
}
