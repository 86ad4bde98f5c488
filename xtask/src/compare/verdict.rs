//! What the figures say.

use std::fmt;

use serde_json::{Value, json};

use super::load::Load;

/// No load may be worse than this share of the other side,
const LEAST: f64 = 0.90;
/// nor all together, by the geometric mean.
const LEAST_MEAN: f64 = 0.95;

/// A figure of each side, measured one after the other.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    pub(super) this: f64,
    pub(super) that: f64,
}

/// What was measured, by load.
pub(super) struct Verdict {
    /// What the other side is called.
    that: String,
    rows: Vec<Row>,
}

struct Row {
    load: &'static Load,
    pairs: Vec<Pair>,
}

impl Verdict {
    pub(super) fn new(that: &str, measured: Vec<(&'static Load, Vec<Pair>)>) -> Self {
        let rows = measured.into_iter().map(|(load, pairs)| Row { load, pairs }).collect();
        Self { that: that.to_owned(), rows }
    }

    /// Replaces the runs of a load.
    pub(super) fn replace(&mut self, load: &Load, pairs: Vec<Pair>) {
        for row in self.rows.iter_mut().filter(|row| row.load.name == load.name) {
            row.pairs.clone_from(&pairs);
        }
    }

    /// Checks the bounds.
    ///
    /// # Errors
    /// A load is worse, or all are in the mean.
    pub(super) fn holds(&self) -> Result<(), String> {
        let worse: Vec<&str> =
            self.rows.iter().filter(|row| row.ratio() < LEAST).map(|row| row.load.name).collect();
        if !worse.is_empty() {
            return Err(format!("worse by more than {}: {}", percent(LEAST), worse.join(", ")));
        }
        if self.mean() < LEAST_MEAN {
            return Err(format!("worse by more than {} in the mean", percent(LEAST_MEAN)));
        }
        Ok(())
    }

    /// Returns the loads because of which the bounds do not hold.
    pub(super) fn suspects(&self) -> Vec<&'static Load> {
        let bound = if self.mean() < LEAST_MEAN { LEAST_MEAN } else { LEAST };
        self.rows.iter().filter(|row| row.ratio() < bound).map(|row| row.load).collect()
    }

    /// Returns the geometric mean of the ratios.
    fn mean(&self) -> f64 {
        let logarithms: f64 = self.rows.iter().map(|row| row.ratio().ln()).sum();
        (logarithms / self.rows.len() as f64).exp()
    }

    /// Returns everything, for a file.
    pub(super) fn json(&self, this: &str) -> Value {
        let rows = self.rows.iter().map(|row| {
            json!({
                "load": row.load.name, "unit": row.load.unit,
                "this": row.figures(|pair| pair.this), "that": row.figures(|pair| pair.that),
                "ratios": row.ratios(), "ratio": row.ratio(),
            })
        });
        json!({
            "this": this, "that": self.that, "loads": rows.collect::<Vec<_>>(), "mean": self.mean(),
            "holds": self.holds().is_ok(), "reason": self.holds().err(),
        })
    }
}

fn percent(least: f64) -> String {
    format!("{:.0} %", (1.0 - least) * 100.0)
}

impl Row {
    fn figures(&self, of: fn(&Pair) -> f64) -> Vec<f64> {
        self.pairs.iter().map(of).collect()
    }

    /// Returns how many times as good as the other this side is, pair by pair.
    fn ratios(&self) -> Vec<f64> {
        let ratio = |pair: &Pair| match self.load.more_is_better {
            true => pair.this / pair.that,
            false => pair.that / pair.this,
        };
        self.pairs.iter().map(ratio).collect()
    }

    fn ratio(&self) -> f64 {
        median(self.ratios())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let upper = values.len() / 2;
    if values.len() % 2 == 1 {
        values[upper]
    } else {
        f64::midpoint(values[upper - 1], values[upper])
    }
}

/// A table of 80 columns.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<12} {:<10} {:>12} {:>12} {:>6} {:>6} {:>6} {:>5}",
            "load", "", "this", self.that, "ratio", "min", "max", "pairs"
        )?;
        for row in &self.rows {
            let ratios = row.ratios();
            let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
            let most = ratios.iter().copied().fold(0.0, f64::max);
            writeln!(
                f,
                "{:<12} {:<10} {:>12} {:>12} {:>6.2} {least:>6.2} {most:>6.2} {:>5}",
                row.load.name,
                row.load.unit,
                figure(median(row.figures(|pair| pair.this))),
                figure(median(row.figures(|pair| pair.that))),
                row.ratio(),
                row.pairs.len()
            )?;
        }
        let word = if self.holds().is_ok() { "ok" } else { "worse" };
        writeln!(f, "{:<49} {:>6.2} {word:>19}", "geometric mean", self.mean())
    }
}

/// A figure with as many places as mean something.
fn figure(value: f64) -> String {
    if value < 1000.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

#[cfg(test)]
mod tests {
    use super::super::load::LOADS;
    use super::*;

    /// A verdict over a rate and a time with these ratios, pair by pair.
    fn verdict(rate: &[f64], time: &[f64]) -> Verdict {
        let [a_rate, a_time] =
            [true, false].map(|kind| LOADS.iter().find(|it| it.more_is_better == kind).unwrap());
        let rates = rate.iter().map(|ratio| Pair { this: 100.0 * ratio, that: 100.0 });
        let times = time.iter().map(|ratio| Pair { this: 1.0 / ratio, that: 1.0 });
        Verdict::new("0123456789", vec![(a_rate, rates.collect()), (a_time, times.collect())])
    }

    #[test]
    fn a_worse_load_fails_and_so_do_many_that_are_a_little_worse() {
        assert!(verdict(&[1.0, 0.5, 1.1], &[0.96, 0.97]).holds().is_ok());
        let slow = verdict(&[1.5, 1.5], &[0.89, 0.80, 2.0]);
        assert_eq!(slow.holds().unwrap_err(), "worse by more than 10 %: round-trip");
        assert_eq!(slow.suspects().len(), 1);
        let all = verdict(&[0.94], &[0.94]);
        assert_eq!(all.holds().unwrap_err(), "worse by more than 5 % in the mean");
        assert_eq!(all.suspects().len(), 2);
    }

    #[test]
    fn more_runs_take_the_place_of_those_that_failed() {
        let mut verdict = verdict(&[0.5], &[1.0]);
        let slow = verdict.suspects()[0];
        verdict.replace(slow, vec![Pair { this: 1.0, that: 1.0 }; 3]);
        assert!(verdict.holds().is_ok());
    }

    #[test]
    fn the_table_is_80_columns_wide() {
        let table = verdict(&[1.0], &[0.9]).to_string();
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
        assert!(table.contains("worse"), "{table}");
    }
}
