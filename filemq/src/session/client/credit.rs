//! How much content a server may send.

/// All that there is. A server that waits for credit in mid-file may be C FileMQ, which then sends
/// the same for ever; with such a one the pace is set by reading.
const ALL: u64 = 1 << 62;

/// Credit is given in portions of this part of the window.
const PORTION: u64 = 4;

/// The account of one server.
#[derive(Debug, Default)]
pub(super) struct Credit {
    /// None: the server is not known to count as we do.
    window: Option<u64>,
    /// What was taken and did not become new credit yet.
    taken: u64,
}

impl Credit {
    /// With a server that stops when credit runs out and goes on with more.
    pub(super) fn counted(window: u64) -> Self {
        Self { window: Some(window.max(1)), taken: 0 }
    }

    /// What a server may send at first.
    pub(super) fn first(&self) -> u64 {
        self.window.unwrap_or(ALL)
    }

    /// So many octets are neither on their way nor in anybody's memory any more: what the server may
    /// send besides, if that is worth a message.
    pub(super) fn taken(&mut self, octets: u64) -> Option<u64> {
        let window = self.window?;
        self.taken += octets;
        (self.taken > 0 && self.taken >= window / PORTION).then(|| std::mem::take(&mut self.taken))
    }
}

#[cfg(test)]
mod tests {
    use super::Credit;

    #[test]
    fn what_was_taken_may_come_again_and_no_more() {
        let mut credit = Credit::counted(100);
        assert_eq!(credit.first(), 100);
        let given: Vec<_> = [0, 10, 14, 1, 60, 24, 1].map(|taken| credit.taken(taken)).into();
        assert_eq!(given, [None, None, None, Some(25), Some(60), None, Some(25)]);
        assert_eq!(Credit::counted(1).taken(0), None);
    }

    #[test]
    fn others_may_send_all_and_hear_of_it_once() {
        let mut credit = Credit::default();
        assert_eq!((credit.first(), credit.taken(1 << 40)), (1 << 62, None));
    }
}
