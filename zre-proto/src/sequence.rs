//! The two cyclic counters of ZRE, and how deployed nodes wrap them.

/// The sequence of messages on one link, one direction (RFC 36, "ZRE Commands").
///
/// C Zyre counts 65534, 65535, 0; pyre and zyre.js count 65534, 0. A receiver can accept both. A
/// sender has to choose: ours counts as C does until it hears that the peer skips 65535.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sequence {
    last: u16,
    skips: bool,
}

/// The sequence number of every HELLO.
pub(crate) const HELLO: u16 = 1;

impl Sequence {
    /// A counter whose next number is that of HELLO.
    pub(crate) const START: Self = Self { last: HELLO - 1, skips: false };

    /// Counts one sent message. Returns its number.
    pub(crate) const fn next(&mut self) -> u16 {
        let skip = self.skips && self.last == u16::MAX - 1;
        self.last = if skip { 0 } else { self.last.wrapping_add(1) };
        self.last
    }

    /// Counts one received message. Returns `false` if there is a gap, and nothing was counted.
    pub(crate) const fn accept(&mut self, number: u16) -> bool {
        let skip = self.last == u16::MAX - 1 && number == 0;
        let accepted = skip || number == self.last.wrapping_add(1);
        if accepted {
            self.last = number;
            self.skips |= skip;
        }
        accepted
    }

    /// Returns whether `number` would be accepted.
    pub(crate) const fn expects(mut self, number: u16) -> bool {
        self.accept(number)
    }

    /// Sends from now on the way the peer was seen to send.
    pub(crate) const fn wrap_like(&mut self, received: Self) {
        self.skips = received.skips;
    }
}

/// Returns whether `status` follows `last` in the count of a peer's joins and leaves. zyre.js wraps
/// from 254 to 0.
pub(crate) const fn status_follows(last: u8, status: u8) -> bool {
    status == last.wrapping_add(1) || (last == u8::MAX - 1 && status == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(last: u16) -> Sequence {
        Sequence { last, skips: false }
    }

    #[test]
    fn both_roads_of_the_wrap_are_accepted() {
        let mut sequence = received(65534);
        assert!(sequence.accept(65535) && sequence.accept(0) && sequence.accept(1));
        assert!(!sequence.skips);
        let mut sequence = received(65534);
        assert!(sequence.accept(0) && sequence.accept(1));
        assert!(sequence.skips);
    }

    #[test]
    fn gaps_and_repeats_are_not_accepted() {
        for (last, number) in [(5, 5), (5, 7), (65533, 65535), (65533, 0), (65535, 1), (0, 65535)] {
            let mut sequence = received(last);
            assert!(!sequence.accept(number), "{last} then {number}");
            assert_eq!(sequence, received(last));
        }
    }

    #[test]
    fn a_sender_wraps_as_it_heard_the_peer_wrap() {
        let mut heard = received(65534);
        assert!(heard.accept(0));
        let mut sent = received(65534);
        sent.wrap_like(heard);
        assert_eq!(sent.next(), 0);
        assert_eq!(received(65534).next(), 65535);
    }

    #[test]
    fn the_status_wraps_at_255_and_for_zyre_js_at_254() {
        assert!(status_follows(254, 255) && status_follows(255, 0) && status_follows(254, 0));
        assert!(!status_follows(253, 0) && !status_follows(7, 7) && !status_follows(7, 9));
    }
}
