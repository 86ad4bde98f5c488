//! The subscriptions of one remote (RFC 29, "The PUB, SUB, XPUB and XSUB Socket Types").

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use crate::{Error, Limits};

/// The subscriptions of one remote: prefixes, and how many times it has subscribed to each.
///
/// It wants a message if the first frame starts with one of them; the empty prefix matches all.
/// A subscription that was made twice has to be cancelled twice. Matching costs about as much for a
/// few hundred prefixes as for one.
///
/// # Examples
///
/// ```
/// let (mut wanted, limits) = (zmtp::Subscriptions::default(), zmtp::Limits::default());
/// wanted.subscribe(b"weather.", &limits)?;
/// assert!(wanted.matches(b"weather.rain") && !wanted.matches(b"traffic"));
/// wanted.cancel(b"weather.");
/// assert!(!wanted.matches(b"weather.rain"));
/// # Ok::<(), zmtp::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscriptions {
    prefixes: BTreeMap<Bytes, usize>,
    /// Of all prefixes together.
    bytes: usize,
}

impl Subscriptions {
    /// Adds one subscription. Returns `true` if the prefix is new.
    ///
    /// # Errors
    /// [`Error::TooManySubscriptions`] if there would be more than `limits` allow; nothing has
    /// changed then.
    pub fn subscribe(&mut self, prefix: &[u8], limits: &Limits) -> Result<bool, Error> {
        if let Some(count) = self.prefixes.get_mut(prefix) {
            *count = count.saturating_add(1);
            return Ok(false);
        }
        let bytes = self.bytes.saturating_add(prefix.len());
        if self.prefixes.len() >= limits.subscriptions || bytes > limits.subscription_bytes {
            return Err(Error::TooManySubscriptions {
                number: limits.subscriptions,
                bytes: limits.subscription_bytes,
            });
        }
        self.bytes = bytes;
        // A copy, so that it keeps no buffer that it came in.
        self.prefixes.insert(Bytes::copy_from_slice(prefix), 1);
        Ok(true)
    }

    /// Cancels one subscription. Returns `true` if it was the last one to this prefix. Ignores one
    /// that was never made.
    pub fn cancel(&mut self, prefix: &[u8]) -> bool {
        match self.prefixes.get_mut(prefix) {
            None => false,
            Some(count) if *count > 1 => {
                *count -= 1;
                false
            }
            Some(_) => {
                self.prefixes.remove(prefix);
                self.bytes -= prefix.len();
                true
            }
        }
    }

    /// Returns whether a message with this first frame is wanted.
    pub fn matches(&self, frame: &[u8]) -> bool {
        let mut end = frame;
        // If the greatest prefix up to `end` does not match, any prefix that does is also a prefix
        // of what it has in common with the frame: only that is left to look for.
        while let Some((prefix, _)) =
            self.prefixes.range::<[u8], _>((Bound::Unbounded, Bound::Included(end))).next_back()
        {
            let common = prefix.iter().zip(frame).take_while(|(a, b)| a == b).count();
            if common == prefix.len() {
                return true;
            }
            end = &frame[..common];
        }
        false
    }

    /// Returns the number of different prefixes.
    pub fn len(&self) -> usize {
        self.prefixes.len()
    }

    /// Returns whether there are no subscriptions.
    pub fn is_empty(&self) -> bool {
        self.prefixes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::Subscriptions;
    use crate::{Error, Limits};

    fn of(prefixes: &[&[u8]]) -> Subscriptions {
        let mut all = Subscriptions::default();
        for prefix in prefixes {
            all.subscribe(prefix, &Limits::default()).unwrap();
        }
        all
    }

    #[test]
    fn prefixes_are_found_behind_others() {
        let some = of(&[b"a", b"abcd", b"abx", b"b\xff"]);
        let yes: [&[u8]; 6] = [b"a", b"abc", b"abcz", b"abcdef", b"abzzz", b"b\xff\xff"];
        let no: [&[u8]; 5] = [b"", b"b", b"b\xfe", b"\xff", b"c"];
        assert!(yes.iter().all(|frame| some.matches(frame)));
        assert!(!no.iter().any(|frame| some.matches(frame)));
        assert!(of(&[b""]).matches(b"") && of(&[b"", b"z"]).matches(b"anything"));
        assert!(!Subscriptions::default().matches(b""));
    }

    #[test]
    fn twice_takes_two_cancellations() {
        let limits = Limits::default();
        let mut wanted = Subscriptions::default();
        assert_eq!(wanted.subscribe(b"a", &limits), Ok(true));
        assert_eq!(wanted.subscribe(b"a", &limits), Ok(false));
        assert!(!wanted.cancel(b"a") && wanted.matches(b"a"));
        assert!(wanted.cancel(b"a") && !wanted.matches(b"a"));
        assert!(!wanted.cancel(b"a") && wanted.is_empty());
        assert_eq!(wanted, Subscriptions::default());
    }

    #[test]
    fn they_are_bounded_by_number_and_by_bytes() {
        let limits = Limits { subscriptions: 3, subscription_bytes: 10, ..Limits::default() };
        let error = Err(Error::TooManySubscriptions { number: 3, bytes: 10 });
        let mut wanted = Subscriptions::default();
        assert_eq!(wanted.subscribe(&[7; 11], &limits), error);
        assert_eq!(wanted.subscribe(&[7; 9], &limits), Ok(true));
        assert_eq!(wanted.subscribe(b"ab", &limits), error);
        for _ in 0..1000 {
            assert_eq!(wanted.subscribe(&[7; 9], &limits), Ok(false), "a duplicate takes no room");
        }
        assert_eq!(wanted.subscribe(b"a", &limits), Ok(true));
        assert_eq!(wanted.subscribe(b"", &limits), Ok(true));
        assert_eq!(wanted.subscribe(b"", &limits), Ok(false));
        assert!(wanted.cancel(b"a"));
        assert_eq!(wanted.subscribe(b"b", &limits), Ok(true), "its room is free again");
        assert_eq!(wanted.len(), 3);
    }
}
