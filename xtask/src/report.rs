//! Steps, with their progress and a summary.

use std::fmt;
use std::time::{Duration, Instant};

use crate::workspace;

/// How much of a step was done.
pub(crate) enum Done {
    /// Everything.
    All,
    /// Everything, and there is something to say about it.
    Noted(String),
    /// Not everything, for this reason. In CI that is a failure.
    Partly(String),
    /// Nothing, for this reason. In CI that is a failure.
    Nothing(String),
    /// Nothing, for this reason, which is accepted in CI as well.
    NotNeeded(String),
}

/// What came of a step.
enum Outcome {
    Done(Done),
    Failed(String),
}

type Work<'a> = Box<dyn FnOnce() -> Result<Done, String> + 'a>;

/// The steps of a command, in order.
#[derive(Default)]
pub(crate) struct Steps<'a> {
    steps: Vec<(&'static str, Work<'a>)>,
}

impl<'a> Steps<'a> {
    /// Adds a step.
    pub(crate) fn add(
        &mut self,
        name: &'static str,
        work: impl FnOnce() -> Result<Done, String> + 'a,
    ) {
        self.steps.push((name, Box::new(work)));
    }

    /// Leaves only the steps of these names; all if there are none.
    ///
    /// # Errors
    /// There is no step of such a name.
    pub(crate) fn keep(&mut self, names: &[String]) -> Result<(), String> {
        let all: Vec<&str> = self.steps.iter().map(|(name, _)| *name).collect();
        if let Some(unknown) = names.iter().find(|name| !all.contains(&name.as_str())) {
            return Err(format!("there is no step `{unknown}`, only: {}", all.join(", ")));
        }
        self.steps.retain(|(name, _)| names.is_empty() || names.iter().any(|it| it == name));
        Ok(())
    }

    /// Runs all steps, also after one has failed, and prints a summary.
    ///
    /// # Errors
    /// A step has failed.
    pub(crate) fn run(self) -> Result<(), String> {
        let (begin, count) = (Instant::now(), self.steps.len());
        let mut summary = Vec::new();
        for (index, (name, work)) in self.steps.into_iter().enumerate() {
            let title = format!("step {} of {count}: {name}", index + 1);
            println!("\n==> {title}");
            let begin = Instant::now();
            let outcome = Outcome::of(work(), workspace::is_ci());
            let took = begin.elapsed();
            println!("<== {title}: {} in {:.1} s", outcome.word(), took.as_secs_f64());
            summary.push((name, outcome, took));
        }
        println!("\n==> summary");
        for (name, outcome, took) in &summary {
            println!("{}", line(name, outcome.word(), *took, &outcome.to_string()));
        }
        let failed = summary.iter().filter(|(_, it, _)| matches!(it, Outcome::Failed(_))).count();
        let word = if failed == 0 { "ok" } else { "FAILED" };
        println!("{}", line("all", word, begin.elapsed(), ""));
        match failed {
            0 => Ok(()),
            1 => Err("1 step failed".to_owned()),
            _ => Err(format!("{failed} steps failed")),
        }
    }
}

fn line(name: &str, word: &str, took: Duration, remark: &str) -> String {
    let line = format!("{name:<18} {word:<7} {:7.1} s  {remark}", took.as_secs_f64());
    line.trim_end().to_owned()
}

impl Outcome {
    fn of(result: Result<Done, String>, is_ci: bool) -> Self {
        match result {
            Ok(Done::Partly(reason) | Done::Nothing(reason)) if is_ci => {
                Self::Failed(format!("not in CI: {reason}"))
            }
            Ok(done) => Self::Done(done),
            Err(error) => Self::Failed(error),
        }
    }

    const fn word(&self) -> &'static str {
        match self {
            Self::Done(Done::All | Done::Noted(_)) => "ok",
            Self::Done(Done::Partly(_)) => "partly",
            Self::Done(Done::Nothing(_) | Done::NotNeeded(_)) => "skipped",
            Self::Failed(_) => "FAILED",
        }
    }
}

/// The reason or remark, if there is one.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(Done::All) => Ok(()),
            Self::Done(
                Done::Noted(remark)
                | Done::Partly(remark)
                | Done::Nothing(remark)
                | Done::NotNeeded(remark),
            )
            | Self::Failed(remark) => f.write_str(remark),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_a_failure_in_ci_only() {
        let reason = || "there is no node".to_owned();
        let word = |done, is_ci| Outcome::of(Ok(done), is_ci).word();
        assert_eq!(word(Done::Partly(reason()), false), "partly");
        assert_eq!(word(Done::Nothing(reason()), false), "skipped");
        assert_eq!(word(Done::Partly(reason()), true), "FAILED");
        assert_eq!(word(Done::Nothing(reason()), true), "FAILED");
        assert_eq!(word(Done::NotNeeded(reason()), true), "skipped");
        assert_eq!(word(Done::Noted(reason()), true), "ok");
    }

    #[test]
    fn steps_go_on_after_a_failure_and_unknown_ones_are_refused() {
        let ran = std::cell::Cell::new(0);
        let mut steps = Steps::default();
        steps.add("one", || Err("broken".to_owned()));
        steps.add("two", || {
            ran.set(ran.get() + 1);
            Ok(Done::All)
        });
        assert!(steps.keep(&["three".to_owned()]).unwrap_err().contains("one, two"));
        assert_eq!(steps.run().unwrap_err(), "1 step failed");
        assert_eq!(ran.get(), 1);
    }
}
