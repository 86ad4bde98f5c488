//! A `main` for tests that libtest cannot run: tests that say why they are skipped, run in an order
//! or a number at a time of their own, or start their own program again in another role. The target
//! in `Cargo.toml` has `harness = false`.
//!
//! Arguments and output are those of libtest, also for `cargo test NAME` and `--list`.

use std::env;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Trial};

/// A test: its name, and what it does. It fails by a panic.
pub type Test = (&'static str, fn());

/// A list of [`Test`]s: paths of functions, by which they are named, or `name: path::of::function`.
#[macro_export]
macro_rules! tests {
    ($($name:ident: $test:path),* $(,)?) => { vec![$((stringify!($name), $test as fn())),*] };
    ($($test:path),* $(,)?) => { vec![$((stringify!($test), $test as fn())),*] };
}

/// A list of [`Test`]s of `async` functions, named by their paths. Each runs on a runtime of its
/// own, with two threads.
#[macro_export]
macro_rules! async_tests {
    ($($test:path),* $(,)?) => {
        vec![$({
            let test: fn() = || $crate::harness::block_on($test());
            (stringify!($test), test)
        }),*]
    };
}

/// Runs a future on a runtime with two threads.
///
/// # Panics
/// There can be no runtime.
#[expect(clippy::expect_used, reason = "without a runtime the test has failed")]
pub fn block_on(test: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(test);
}

/// Runs a future on a runtime with one thread.
///
/// # Panics
/// There can be no runtime.
#[expect(clippy::expect_used, reason = "without a runtime the test has failed")]
pub fn block_on_one_thread(test: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime").block_on(test);
}

/// Returns whether tests are run in CI (`CI` is set in the environment), where nothing may be
/// skipped.
pub fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false")
}

/// Runs tests as libtest does: as many at a time as the machine has processors.
pub fn run(tests: Vec<Test>) -> ExitCode {
    Harness::default().then(tests).exit_code()
}

/// Runs tests, some after others, and skips those that cannot be run here.
#[derive(Debug, Default)]
pub struct Harness {
    at_once: Option<usize>,
    skip: Option<String>,
    may_skip: bool,
    is_asked_for: bool,
    waiting: Vec<Trial>,
    has_failed: bool,
}

impl Harness {
    /// Runs this number of tests at a time, unless `--test-threads` says otherwise.
    #[must_use]
    pub fn at_once(self, tests: usize) -> Self {
        Self { at_once: Some(tests), ..self }
    }

    /// Skips the tests that follow for a reason, if there is one; in CI they fail instead.
    #[must_use]
    pub fn skip(self, reason: Option<String>) -> Self {
        Self { skip: reason, may_skip: !is_ci(), ..self }
    }

    /// Skips the tests that follow for a reason, if there is one, wherever they run.
    #[must_use]
    pub fn skip_also_in_ci(self, reason: Option<String>) -> Self {
        Self { skip: reason, may_skip: true, ..self }
    }

    /// Runs the tests that follow only with `--ignored` or `--include-ignored`.
    #[must_use]
    pub fn if_asked_for(self) -> Self {
        Self { is_asked_for: true, ..self }
    }

    /// Adds tests, which run together with those that the next [`then`](Self::then) adds.
    #[must_use]
    pub fn and(mut self, tests: Vec<Test>) -> Self {
        self.waiting.extend(tests.into_iter().map(|(name, test)| {
            let (skip, may_skip) = (self.skip.clone(), self.may_skip);
            let trial = Trial::ignorable_test(name, move || match skip {
                Some(reason) if may_skip => Ok(Completion::ignored_with(reason)),
                Some(reason) => Err(reason.into()),
                None => {
                    test();
                    Ok(Completion::Completed)
                }
            });
            trial.with_ignored_flag(self.is_asked_for)
        }));
        self
    }

    /// Adds tests, runs them, and returns when all are done.
    #[must_use]
    pub fn then(self, tests: Vec<Test>) -> Self {
        let mut this = self.and(tests);
        let mut arguments = Arguments::from_args();
        arguments.test_threads = arguments.test_threads.or(this.at_once);
        let conclusion = libtest_mimic::run(&arguments, std::mem::take(&mut this.waiting));
        Self { has_failed: this.has_failed || conclusion.has_failed(), ..this }
    }

    /// Returns the exit code of all that has run.
    #[must_use]
    pub fn exit_code(self) -> ExitCode {
        if self.has_failed { ExitCode::from(101) } else { ExitCode::SUCCESS }
    }
}
