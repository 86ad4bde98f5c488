//! Since when nodes do not know the truth.

use std::time::Duration;

use super::moment::Difference;

/// The differences at a quiet moment. Times are since its beginning.
#[derive(Debug, Default)]
pub(super) struct Lateness {
    /// Those there were when last looked at, and when each was seen first.
    now: Vec<(Difference, Duration)>,
    /// Those that have lasted too long, and how long until now.
    late: Vec<(Difference, Duration)>,
}

impl Lateness {
    /// Takes what is different now. What was there, was in order, and is different again counts
    /// from now: a node that loses its way to a peer notices that later.
    pub(super) fn note(
        &mut self,
        differences: &[Difference],
        at: Duration,
        may_last: impl Fn(&Difference) -> Duration,
    ) {
        self.now.retain(|(known, _)| differences.contains(known));
        for difference in differences {
            if self.now.iter().all(|(known, _)| known != difference) {
                self.now.push((difference.clone(), at));
            }
        }
        for (difference, since) in &self.now {
            let lasted = at - *since;
            match self.late.iter_mut().find(|(late, _)| late == difference) {
                Some((_, longest)) => *longest = lasted,
                None if lasted > may_last(difference) => {
                    self.late.push((difference.clone(), lasted));
                }
                None => {}
            }
        }
    }

    /// Returns whether any has lasted too long.
    pub(super) const fn is_late(&self) -> bool {
        !self.late.is_empty()
    }

    /// Returns those that have lasted too long, and how long.
    pub(super) fn take(self) -> Vec<(Difference, Duration)> {
        self.late
    }
}

#[cfg(test)]
mod tests {
    use super::super::moment::Other;
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn only_what_lasts_too_long_is_late() {
        let one = Difference { host: 1, other: Other::Missing(2) };
        let other = Difference { host: 2, other: Other::Missing(1) };
        let mut late = Lateness::default();
        let mut note = |differences: &[Difference], at| late.note(differences, s(at), |_| s(5));
        note(std::slice::from_ref(&one), 0);
        note(&[one.clone(), other.clone()], 4);
        note(std::slice::from_ref(&one), 6);
        note(&[one.clone(), other.clone()], 8);
        note(&[other], 9);
        assert_eq!(late.take(), [(one, s(8))]);
    }
}
