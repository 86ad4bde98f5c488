//! Whether numbered messages arrive once and in order.

use thiserror::Error;

/// The numbers of the messages of one sender, as they arrive.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers {
    last: Option<u64>,
}

/// A message that comes twice, too late or after a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("message {number} came after message {last}")]
pub struct Disorder {
    number: u64,
    last: u64,
}

impl Numbers {
    /// Takes a message where gaps are lawful.
    ///
    /// # Errors
    /// Returns [`Disorder`] if it does not come after the last one.
    pub fn later(&mut self, number: u64) -> Result<(), Disorder> {
        self.take(number, |last| number > last)
    }

    /// Takes a message where only the first number is free.
    ///
    /// # Errors
    /// Returns [`Disorder`] if it is not the next one.
    pub fn next(&mut self, number: u64) -> Result<(), Disorder> {
        self.take(number, |last| number == last + 1)
    }

    fn take(&mut self, number: u64, fits: impl Fn(u64) -> bool) -> Result<(), Disorder> {
        match self.last.replace(number) {
            Some(last) if !fits(last) => Err(Disorder { number, last }),
            _ => Ok(()),
        }
    }
}
