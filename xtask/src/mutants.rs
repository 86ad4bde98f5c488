//! `cargo xtask mutants`: breaks the nodes on purpose, one rule at a time, and checks that the
//! tester notices.
//!
//! A check that cannot fail looks the same as one that holds. So each run that catches a mutant is
//! also made with nothing broken, and must then find nothing.

mod edit;
mod list;
mod secure;
mod tree;
mod trial;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::list::{Catch, Mutant, Run};
use self::tree::Tree;
use self::trial::Outcome;
use crate::workspace;

/// The name of the unbroken nodes in the table.
const NOTHING: &str = "(nothing)";

/// Where mutants are made and tried.
struct Laboratory {
    directory: PathBuf,
    tree: Tree,
    table: Vec<Row>,
}

/// One trial.
struct Row {
    mutant: &'static str,
    run: &'static str,
    /// What was found, as an error if it is not what should be.
    found: Result<String, String>,
    took: Duration,
}

/// Tries the named mutants, or all if none is named, and prints what caught them.
pub(crate) fn run(names: &[String], list_only: bool, json: Option<&Path>) -> Result<(), String> {
    let mutants = choose(names)?;
    if list_only {
        mutants.iter().for_each(|mutant| println!("{:<18} {}", mutant.name, mutant.breaks));
        return Ok(());
    }
    let directory = workspace::target().join("mutants");
    let tree = Tree::copied(&directory.join("workspace"))?;
    let stale = |mutant: &&Mutant| {
        let error = tree.changes(mutant.edits).err()?;
        Some(format!("{}: {error}", mutant.name))
    };
    let stale: Vec<String> = mutants.iter().filter_map(stale).collect();
    if !stale.is_empty() {
        return Err(format!("these mutants no longer apply, update them:\n{}", stale.join("\n")));
    }
    let mut laboratory = Laboratory { directory, tree, table: Vec::new() };
    laboratory.control(&mutants)?;
    mutants.iter().try_for_each(|mutant| laboratory.try_one(mutant))?;
    if let Some(file) = json {
        fs::write(file, format!("{:#}\n", laboratory.json()))
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    laboratory.finish()
}

/// Returns all mutants.
fn all() -> impl Iterator<Item = &'static Mutant> {
    list::MUTANTS.iter().chain(secure::MUTANTS)
}

fn choose(names: &[String]) -> Result<Vec<&'static Mutant>, String> {
    let known = |name: &&String| all().any(|mutant| mutant.name == **name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        return Err(format!("there is no mutant {unknown}; --list says which there are"));
    }
    let chosen = |mutant: &&Mutant| names.is_empty() || names.iter().any(|it| it == mutant.name);
    Ok(all().filter(chosen).collect())
}

impl Laboratory {
    /// Checks that nothing is found where nothing is broken.
    fn control(&mut self, mutants: &[&Mutant]) -> Result<(), String> {
        println!("==> {NOTHING}");
        trial::build(&self.directory, &self.output(NOTHING))?;
        let mut runs: Vec<&'static Run> = Vec::new();
        for mutant in mutants {
            if !runs.iter().any(|run| run.name == mutant.run.name) {
                runs.push(mutant.run);
            }
        }
        for run in runs {
            let begin = Instant::now();
            let output = self.output(&format!("{NOTHING} {}", run.name));
            let outcome = trial::run(run, &self.directory, &output)?;
            self.note(NOTHING, run, judge(&outcome, None), begin.elapsed());
        }
        Ok(())
    }

    /// Tries a mutant.
    ///
    /// # Errors
    /// The machine is at fault, not the mutant.
    fn try_one(&mut self, mutant: &'static Mutant) -> Result<(), String> {
        println!("==> {}: {}", mutant.name, mutant.breaks);
        let begin = Instant::now();
        let changes = self.tree.changes(mutant.edits)?;
        changes.iter().try_for_each(|change| change.make())?;
        let output = self.output(mutant.name);
        let found = match trial::build(&self.directory, &output) {
            Ok(()) => judge(&trial::run(mutant.run, &self.directory, &output)?, mutant.caught_by),
            Err(error) => Err(error),
        };
        changes.iter().try_for_each(|change| change.undo())?;
        self.note(mutant.name, mutant.run, found, begin.elapsed());
        Ok(())
    }

    fn output(&self, trial: &str) -> PathBuf {
        self.directory.join(format!("{trial}.txt"))
    }

    fn note(
        &mut self,
        mutant: &'static str,
        run: &Run,
        found: Result<String, String>,
        took: Duration,
    ) {
        let row = Row { mutant, run: run.name, found, took };
        println!("<== {}", row.line());
        self.table.push(row);
    }

    fn json(&self) -> Value {
        let good = |row: &&Row| row.found.is_ok();
        let seconds: f64 = self.table.iter().map(|row| row.took.as_secs_f64()).sum();
        json!({
            "mutants": self.table.iter().filter(|row| row.mutant != NOTHING).count(),
            "trials": self.table.len(),
            "as_they_should": self.table.iter().filter(good).count(),
            "seconds": seconds,
            "wrong": self.table.iter().filter(|row| !good(row)).map(Row::line).collect::<Vec<_>>(),
        })
    }

    fn finish(self) -> Result<(), String> {
        println!("\n    {:<18} {:<12} {:>6}    caught by", "mutant", "run", "time");
        self.table.iter().for_each(|row| println!("    {}", row.line()));
        match self.table.iter().filter(|row| row.found.is_err()).count() {
            0 => Ok(()),
            wrong => Err(format!(
                "{wrong} of {} trials did not end as they should; their output is in {}",
                self.table.len(),
                self.directory.display()
            )),
        }
    }
}

impl Row {
    fn line(&self) -> String {
        let seconds = self.took.as_secs_f64();
        let found = match &self.found {
            Ok(found) => found.clone(),
            Err(found) => format!("WRONG: {found}"),
        };
        format!("{:<18} {:<12} {seconds:4.0} s    {found}", self.mutant, self.run)
    }
}

/// Returns what was found, if the trial ended as it should: noticed by `catch`, or by nothing if
/// there is none. A panic counts as caught.
fn judge(outcome: &Outcome, catch: Option<Catch>) -> Result<String, String> {
    let told = outcome.to_string();
    match (outcome, catch) {
        (Outcome::Nothing, None) | (Outcome::Panic(_), Some(_)) => Ok(told),
        (Outcome::Violations(found), Some(catch)) if found.contains_key(&catch) => {
            Ok(format!("{catch} {}", found[&catch]))
        }
        (_, Some(catch)) => Err(format!("not by {catch}: {told}")),
        (_, None) => Err(told),
    }
}

#[cfg(test)]
mod tests {
    use super::tree::Tree;
    use super::*;

    #[test]
    fn every_mutant_has_its_place() {
        let tree = Tree::of_workspace();
        let stale = |mutant: &Mutant| {
            let error = tree.changes(mutant.edits).err()?;
            Some(format!("\n{}: {error}", mutant.name))
        };
        let stale: Vec<String> = all().filter_map(stale).collect();
        assert!(stale.is_empty(), "these mutants no longer apply:{}", stale.concat());
    }
}
