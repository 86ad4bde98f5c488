//! What a subscriber wants (RFC 29, "The PUB, SUB, XPUB and XSUB Socket Types").

use std::{collections::BTreeMap, ops::Bound};

use bytes::Bytes;

use crate::{Error, Limits};

/// The subscriptions of one remote: prefixes, and how often it has subscribed to each.
///
/// A message is for it if its first frame starts with one of them; the empty prefix takes all.
/// Subscribing twice takes two cancellations. Matching costs about as much for a few hundred
/// prefixes as for one.
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
    octets: usize,
}

impl Subscriptions {
    /// Takes one subscription more; true: this prefix is new.
    ///
    /// # Errors
    /// [`Error::TooManySubscriptions`]: it would be more than `limits` allow. Nothing has changed.
    pub fn subscribe(&mut self, prefix: &[u8], limits: &Limits) -> Result<bool, Error> {
        if let Some(count) = self.prefixes.get_mut(prefix) {
            *count = count.saturating_add(1);
            return Ok(false);
        }
        let octets = self.octets.saturating_add(prefix.len());
        if self.prefixes.len() >= limits.subscriptions || octets > limits.subscription_octets {
            return Err(Error::TooManySubscriptions {
                number: limits.subscriptions,
                octets: limits.subscription_octets,
            });
        }
        self.octets = octets;
        // A copy, so that it keeps no buffer that it came in.
        self.prefixes.insert(Bytes::copy_from_slice(prefix), 1);
        Ok(true)
    }

    /// Takes one subscription back; true: it was the last one to this prefix. One that was never
    /// made is no error.
    pub fn cancel(&mut self, prefix: &[u8]) -> bool {
        match self.prefixes.get_mut(prefix) {
            None => false,
            Some(count) if *count > 1 => {
                *count -= 1;
                false
            }
            Some(_) => {
                self.prefixes.remove(prefix);
                self.octets -= prefix.len();
                true
            }
        }
    }

    /// Whether a message with this first frame is wanted.
    #[must_use]
    pub fn matches(&self, frame: &[u8]) -> bool {
        let mut end = frame;
        // The greatest one up to `end` is a prefix of the frame, or whichever is one is also a
        // prefix of it: so only what the two have in common is left to be looked for.
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

    /// How many different prefixes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.prefixes.len()
    }

    /// Whether nothing is wanted.
    #[must_use]
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
    fn they_are_bounded_by_number_and_by_octets() {
        let limits = Limits { subscriptions: 3, subscription_octets: 10, ..Limits::default() };
        let error = Err(Error::TooManySubscriptions { number: 3, octets: 10 });
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
