//! How much content a server may send.

/// Credit that no server uses up. C FileMQ sends the same piece forever once it runs out of credit
/// in the middle of a file, so such a server gets all of it, and is slowed down by reading less.
const UNLIMITED: u64 = 1 << 62;

/// Credit is given back in portions of one part in this many of the window.
const PORTION: u64 = 4;

/// The credit of one server.
#[derive(Debug, Default)]
pub(super) struct Credit {
    /// `None` if the server is not known to count as this implementation does.
    window: Option<u64>,
    /// Bytes that were taken and have not become new credit yet.
    taken: u64,
}

impl Credit {
    /// Creates the credit of a server that stops when it runs out and resumes when there is more.
    pub(super) fn counted(window: u64) -> Self {
        Self { window: Some(window.max(1)), taken: 0 }
    }

    /// Returns what the server may send at first.
    pub(super) fn first(&self) -> u64 {
        self.window.unwrap_or(UNLIMITED)
    }

    /// Notes that this many bytes were taken, and returns what the server may send in addition, if
    /// that is worth a message.
    pub(super) fn taken(&mut self, bytes: u64) -> Option<u64> {
        let window = self.window?;
        self.taken += bytes;
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
