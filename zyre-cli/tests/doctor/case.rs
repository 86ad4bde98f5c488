//! Something that is wrong between two hosts, and what it takes to find it.

use serde_json::Value;

use crate::doctor::{Side, both, causes, doctor, node};

/// What it takes to find a cause.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// A doctor on the first host.
    OneSide,
    /// And the address of the second.
    Address,
    /// A doctor on each.
    Both,
}

/// Something that is wrong.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    cause: &'static str,
    takes: Takes,
    /// What the advice says.
    says: &'static str,
    /// Seconds.
    waits: &'static str,
}

impl Case {
    pub(crate) const fn new(cause: &'static str, takes: Takes) -> Self {
        Self { cause, takes, says: "", waits: "6" }
    }

    pub(crate) const fn says(self, says: &'static str) -> Self {
        Self { says, ..self }
    }

    pub(crate) const fn waits(self, waits: &'static str) -> Self {
        Self { waits, ..self }
    }

    /// Checks that the cause is found with what it takes, and not with less.
    pub(crate) fn check(self, [one, other]: [Side; 2]) {
        let running = node(&other, &["--name", "bob"]);
        let (found, _) = doctor(&one, &["--wait", self.waits]);
        let is_named = self.is_in(&found);
        assert_eq!(is_named, self.takes == Takes::OneSide, "by one side: {found:#?}");
        drop(running);
        let [found, others] = both([&one, &other], &["--wait", self.waits]);
        let is_named = self.is_in(&found) || causes(&others).contains(&self.cause);
        assert!(is_named, "by both: {found:#?}, and there: {others:#?}");
    }

    /// Checks that the cause is found by one side with the address of the other, and not without.
    pub(crate) fn check_with_address(self, [one, other]: [Side; 2], address: &str) {
        let running = node(&other, &["--name", "bob"]);
        let (found, _) = doctor(&one, &["--wait", self.waits]);
        assert!(!self.is_in(&found), "without the address: {found:#?}");
        let (found, _) = doctor(&one, &[address, "--wait", self.waits]);
        assert!(self.is_in(&found), "with the address: {found:#?}");
        drop(running);
    }

    fn is_in(self, found: &[Value]) -> bool {
        let says = |it: &&Value| it["do"].as_str().unwrap_or_default().contains(self.says);
        let its = found.iter().filter(|it| it["cause"] == self.cause && it["severity"] != "fine");
        its.clone().any(|it| says(&it))
    }
}
