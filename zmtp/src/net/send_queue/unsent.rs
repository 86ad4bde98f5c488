//! What is being written.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// Bytes that a writer has taken from the backlog, and that the kernel has not taken yet.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    /// A run of copied bytes, which comes first. Its memory comes from the backlog and goes back
    /// to it.
    run: Vec<u8>,
    /// Bytes of the run that the kernel has taken. It is empty when all are.
    begun: usize,
    rest: VecDeque<Bytes>,
}

impl Unsent {
    pub(super) fn is_empty(&self) -> bool {
        self.run.is_empty() && self.rest.is_empty()
    }

    /// Takes a run, for the memory of the one before. Only when empty.
    pub(super) fn take_run(&mut self, run: &mut Vec<u8>) {
        std::mem::swap(&mut self.run, run);
    }

    /// Moves `more` to the end.
    pub(super) fn append(&mut self, more: &mut VecDeque<Bytes>) {
        if self.rest.is_empty() {
            std::mem::swap(&mut self.rest, more);
        } else {
            self.rest.append(more);
        }
    }

    /// Returns the bytes if they are all in one place.
    pub(super) fn only(&self) -> Option<&[u8]> {
        match (&self.run[self.begun..], self.rest.len()) {
            ([], 1) => self.rest.front().map(|only| &only[..]),
            (run, 0) => Some(run),
            _ => None,
        }
    }

    /// Returns the bytes that come first and are in one place.
    #[cfg(feature = "_curve")]
    pub(super) fn first(&self) -> &[u8] {
        match (&self.run[self.begun..], self.rest.front()) {
            ([], Some(first)) => first,
            (run, _) => run,
        }
    }

    /// Moves the first `size` bytes to the end of `to`.
    #[cfg(feature = "_curve")]
    pub(super) fn move_to(&mut self, mut size: usize, to: &mut Vec<u8>) {
        while size > 0 && !self.is_empty() {
            let first = self.first();
            let part = &first[..first.len().min(size)];
            to.extend_from_slice(part);
            let taken = part.len();
            self.advance(taken);
            size -= taken;
        }
    }

    /// Fills `slices` with what comes first. Returns how many there are.
    pub(super) fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let run = &self.run[self.begun..];
        let run = (!run.is_empty()).then_some(run);
        let all = run.into_iter().chain(self.rest.iter().map(|bytes| &bytes[..]));
        let mut count = 0;
        for (slice, bytes) in slices.iter_mut().zip(all) {
            *slice = IoSlice::new(bytes);
            count += 1;
        }
        count
    }

    /// Drops the first `taken` bytes: the kernel has taken them.
    pub(super) fn advance(&mut self, taken: usize) {
        let of_run = taken.min(self.run.len() - self.begun);
        self.begun += of_run;
        if self.begun == self.run.len() {
            self.begun = 0;
            self.run.clear();
        }
        let mut left = taken - of_run;
        while let Some(first) = self.rest.front_mut() {
            if left < first.len() {
                first.advance(left);
                break;
            }
            left -= first.len();
            self.rest.pop_front();
        }
    }

    /// Gives the memory back, that of the run to the caller. Only when empty.
    pub(super) fn release(&mut self) -> Vec<u8> {
        if self.rest.capacity() > 0 {
            self.rest = VecDeque::new();
        }
        std::mem::take(&mut self.run)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::io::IoSlice;

    use bytes::Bytes;

    use super::Unsent;

    /// A run of 4 bytes, and two others of 3 and 2.
    fn unsent() -> Unsent {
        let mut unsent = Unsent::default();
        unsent.take_run(&mut b"1234".to_vec());
        unsent.append(&mut VecDeque::from([Bytes::from_static(b"567")]));
        unsent.append(&mut VecDeque::from([Bytes::from_static(b"89")]));
        unsent
    }

    /// Everything, as slices of a system call, of which there are as many as fit.
    fn slices(unsent: &Unsent, room: usize) -> Vec<Vec<u8>> {
        let mut slices = vec![IoSlice::new(&[]); room];
        let count = unsent.fill(&mut slices);
        slices[..count].iter().map(|slice| slice.to_vec()).collect()
    }

    #[test]
    fn what_is_taken_goes_from_the_front_whatever_its_parts() {
        for first in 0..=9 {
            for second in 0..=9 - first {
                let mut unsent = unsent();
                unsent.advance(first);
                unsent.advance(second);
                let left = &b"123456789"[first + second..];
                let parts = slices(&unsent, 5);
                assert_eq!(parts.concat(), left, "{first} and {second}");
                assert!(parts.iter().all(|part| !part.is_empty()), "{parts:?}");
                assert_eq!(unsent.is_empty(), left.is_empty());
                let only = (parts.len() < 2).then_some(left);
                assert_eq!(unsent.only(), only, "{first} and {second}");
            }
        }
    }

    #[test]
    fn no_more_slices_are_filled_than_there_are() {
        assert_eq!(slices(&unsent(), 2), [b"1234".to_vec(), b"567".to_vec()]);
        assert_eq!(slices(&unsent(), 0), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn the_memory_of_a_run_that_is_sent_is_used_for_the_next() {
        let mut unsent = Unsent::default();
        let mut run = Vec::with_capacity(100);
        run.extend_from_slice(b"first");
        unsent.take_run(&mut run);
        assert_eq!(run.capacity(), 0);
        unsent.advance(5);
        unsent.take_run(&mut run);
        assert_eq!((run.capacity(), run.len()), (100, 0));
    }

    #[test]
    fn nothing_is_held_when_it_is_released() {
        let mut unsent = unsent();
        unsent.advance(9);
        assert!(unsent.release().capacity() >= 4);
        assert_eq!((unsent.run.capacity(), unsent.rest.capacity()), (0, 0));
    }
}
