//! Steps with a heading, a time and a line in the summary.

use std::time::{Duration, Instant};

/// What became of a step.
enum Outcome {
    Passed,
    /// Passed, but something was left out.
    Partly(String),
    Failed(String),
}

struct Step {
    name: String,
    outcome: Outcome,
    took: Duration,
}

/// The steps so far.
#[derive(Default)]
pub(crate) struct Report {
    steps: Vec<Step>,
}

impl Report {
    /// Runs a step. It may return what it had to leave out.
    pub(crate) fn step(
        &mut self,
        name: &str,
        work: impl FnOnce() -> Result<Option<String>, String>,
    ) {
        println!("\n==> {name}");
        let begin = Instant::now();
        let outcome = match work() {
            Ok(None) => Outcome::Passed,
            Ok(Some(skipped)) => Outcome::Partly(skipped),
            Err(error) => Outcome::Failed(error),
        };
        let took = begin.elapsed();
        let word = outcome.word();
        println!("<== {name}: {word} in {:.1} s", took.as_secs_f64());
        self.steps.push(Step { name: name.to_owned(), outcome, took });
    }

    /// Prints the summary. An error if any step failed.
    pub(crate) fn finish(self) -> Result<(), String> {
        println!("\n==> summary");
        let mut failed = 0;
        for step in &self.steps {
            let (word, seconds) = (step.outcome.word(), step.took.as_secs_f64());
            let remark = match &step.outcome {
                Outcome::Passed => String::new(),
                Outcome::Partly(skipped) => format!("  ({skipped})"),
                Outcome::Failed(error) => {
                    failed += 1;
                    format!("  ({error})")
                }
            };
            println!("{:<18} {word:<7} {seconds:7.1} s{remark}", step.name);
        }
        match failed {
            0 => Ok(()),
            1 => Err("1 step failed".to_owned()),
            _ => Err(format!("{failed} steps failed")),
        }
    }
}

impl Outcome {
    const fn word(&self) -> &'static str {
        match self {
            Self::Passed => "ok",
            Self::Partly(_) => "partly",
            Self::Failed(_) => "FAILED",
        }
    }
}
