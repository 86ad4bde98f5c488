//! Figures: what one run has measured, and the median of several.

use serde_json::{Map, Number, Value};

use super::work::Work;
use crate::median::median;

/// All figures there are, in the order in which they are printed. The names are those of zbench.c
/// as far as it has them. The flag: whether more is better.
const FIGURES: [(&str, bool); 15] = [
    ("msgs_per_s", true),
    ("deliveries_per_s", true),
    ("silent_msgs_per_s", true),
    ("logging_msgs_per_s", true),
    ("logging_pct", true),
    ("p50_us", false),
    ("p99_us", false),
    ("two_links_p50_us", false),
    ("start_ms", false),
    ("first_ms", false),
    ("full_mesh_ms", false),
    ("rss_mb", false),
    ("rss_node_kb", false),
    ("rss_pair_kb", false),
    ("idle_cpu_pct", false),
];

/// What came of a measurement.
#[derive(Debug)]
pub(super) enum Outcome {
    /// This.
    Measured(Figures),
    /// The implementation cannot do such a thing, for this reason.
    Impossible(&'static str),
}

/// What one run has measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Figures {
    /// What was measured: `impl`, `mode`, and the sizes of the work.
    labels: Vec<(&'static str, Value)>,
    /// Name and value; `None`: could not be measured.
    values: Vec<(&'static str, Option<f64>)>,
    /// Why there is none.
    reason: Option<String>,
}

impl Figures {
    /// None, for this reason.
    pub(super) fn impossible(reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..Self::default() }
    }

    /// One more. The name is one of the list above.
    pub(super) fn with(mut self, name: &'static str, value: Option<f64>) -> Self {
        self.values.push((name, value));
        self
    }

    /// Adds who did what.
    pub(super) fn label(&mut self, implementation: &str, work: Work) {
        self.labels = vec![("impl", implementation.into()), ("mode", work.mode().into())];
        self.labels.extend(work.sizes().into_iter().map(|(name, size)| (name, size.into())));
        if self.reason.is_some() {
            self.values = metrics(work).iter().map(|&name| (name, None)).collect();
        }
    }

    /// A figure by its name.
    pub(super) fn get(&self, name: &str) -> Option<f64> {
        self.values.iter().find(|(known, _)| *known == name)?.1
    }

    /// Returns the name of what measured it.
    pub(super) fn implementation(&self) -> &str {
        let label = self.labels.iter().find(|(name, _)| *name == "impl");
        label.and_then(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// Why there are none.
    pub(super) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The medians of several runs of the same work, without those that failed.
    pub(super) fn median(runs: &[Self]) -> Self {
        let measured: Vec<_> = runs.iter().filter(|run| run.reason.is_none()).collect();
        let Some(&first) = measured.first() else {
            return runs.first().cloned().unwrap_or_default();
        };
        let median = |name| median(measured.iter().filter_map(|run| run.get(name)).collect());
        let values = first.values.iter().map(|&(name, _)| (name, median(name))).collect();
        Self { labels: first.labels.clone(), values, reason: None }
    }

    /// As one line of JSON.
    pub(super) fn json(&self) -> String {
        self.line(None)
    }

    /// As one line of JSON, for run number `run`.
    pub(super) fn json_of_run(&self, run: usize) -> String {
        self.line(Some(("run", run)))
    }

    /// Returns one line of JSON, for the medians of a number of runs.
    pub(super) fn json_of_median(&self, runs: usize) -> String {
        self.line(Some(("median_of", runs)))
    }

    fn line(&self, which: Option<(&str, usize)>) -> String {
        let labels = self.labels.iter().map(|(name, value)| (*name, value.clone()));
        let which = which.map(|(name, number)| (name, number.into()));
        let values = self.values.iter().map(|&(name, value)| (name, number(name, value)));
        let reason = self.reason.clone().map(|reason| ("reason", reason.into()));
        // Not by serde_json's map, which would sort the names: people read these lines as well.
        let fields = labels.chain(which).chain(values).chain(reason);
        let fields: Vec<_> =
            fields.map(|(name, value)| format!("{}:{value}", Value::from(name))).collect();
        format!("{{{}}}", fields.join(","))
    }

    /// Reads a line as this program or zbench.c prints it.
    ///
    /// # Errors
    /// It is no such line.
    pub(super) fn read(line: &str) -> Result<Self, String> {
        let fields: Map<String, Value> =
            serde_json::from_str(line).map_err(|_| format!("no figures: {line:?}"))?;
        let figure = |name: &'static str| fields.get(name).map(|v| (name, v.as_f64()));
        let values = FIGURES.iter().filter_map(|&(name, _)| figure(name)).collect();
        let reason = fields.get("reason").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { labels: Vec::new(), values, reason })
    }
}

/// The figures that tell most about a work: those of the table, and of a line that has none.
pub(super) const fn metrics(work: Work) -> &'static [&'static str] {
    match work {
        Work::Whisper { .. } => &["msgs_per_s"],
        Work::Rtt { .. } => &["p50_us", "p99_us"],
        Work::Shout { .. } => &["msgs_per_s", "deliveries_per_s"],
        Work::Mesh { .. } => {
            &["full_mesh_ms", "rss_mb", "rss_node_kb", "rss_pair_kb", "idle_cpu_pct"]
        }
        Work::Log { .. } => &["silent_msgs_per_s", "logging_msgs_per_s", "logging_pct"],
        Work::Discovery { .. } => &["first_ms", "p50_us", "full_mesh_ms"],
    }
}

/// Whether more is better.
pub(super) fn more_is_better(name: &str) -> bool {
    FIGURES.iter().any(|&(known, more)| more && known == name)
}

/// A figure in JSON, with the places that mean something.
fn number(name: &str, value: Option<f64>) -> Value {
    let scale = if name.ends_with("_per_s") { 1.0 } else { 100.0 };
    let rounded = value.map(|value| (value * scale).round() / scale);
    rounded.and_then(Number::from_f64).map_or(Value::Null, |number| {
        // A cast of a whole number that was rounded above, for `5` instead of `5.0`.
        if scale == 1.0 { Value::from(rounded.unwrap_or_default() as u64) } else { number.into() }
    })
}

#[cfg(test)]
mod tests {
    use super::Figures;
    use crate::bench::work::Work;

    #[test]
    fn failed_runs_do_not_count() {
        let run = |value| Figures::default().with("p50_us", Some(value));
        let runs = [run(1.0), Figures::impossible("no"), run(3.0), run(8.0)];
        assert_eq!(Figures::median(&runs).get("p50_us"), Some(3.0));
        assert_eq!(Figures::median(&runs[1..2]).reason(), Some("no"));
    }

    #[test]
    fn a_line_is_read_back_and_says_who_did_what() {
        let work = Work::Rtt { count: 10, size: 32 };
        let mut figures = Figures::default().with("p50_us", Some(12.345)).with("p99_us", None);
        figures.label("zyre", work);
        let line = figures.json_of_run(1);
        let labels = r#""impl":"zyre","mode":"rtt","count":10,"size":32,"run":1"#;
        assert_eq!(line, format!(r#"{{{labels},"p50_us":12.35,"p99_us":null}}"#));
        let read = Figures::read(&line).unwrap();
        assert_eq!((read.get("p50_us"), read.get("p99_us")), (Some(12.35), None));
        assert!(Figures::read("hello").is_err());
    }
}
