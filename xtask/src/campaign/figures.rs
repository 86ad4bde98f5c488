//! The figures of a run: what its tool says in JSON, or libFuzzer at its end.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// Lists that are longer are left out: they stay in the file that the run has written.
const LONGEST_LIST: usize = 20;

/// Returns the figures of a run with this result file, or else with this output.
pub(super) fn of(result: &Path, output: &Path) -> Value {
    let text =
        |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
    let result = serde_json::from_str(&text(result)).ok();
    without_long_lists(result.unwrap_or_else(|| of_output(&text(output))))
}

/// Returns the last line of JSON, or else the statistics of libFuzzer.
fn of_output(output: &str) -> Value {
    let parse = |line: &str| serde_json::from_str(line).ok().filter(Value::is_object);
    output.lines().rev().find_map(parse).unwrap_or_else(|| {
        let statistics = output.lines().filter_map(|line| {
            let (name, value) = line.strip_prefix("stat::")?.split_once(':')?;
            Some((name.to_owned(), value.trim().parse::<u64>().ok()?.into()))
        });
        Value::Object(statistics.collect())
    })
}

fn without_long_lists(value: Value) -> Value {
    let Value::Object(fields) = value else { return value };
    let is_short = |value: &Value| value.as_array().is_none_or(|list| list.len() <= LONGEST_LIST);
    let fields = fields.into_iter().filter(|(_, value)| is_short(value));
    Value::Object(fields.map(|(name, value)| (name, without_long_lists(value))).collect())
}

/// Returns the figures that are numbers or words, in lines of at most 74 columns.
pub(super) fn lines(figures: &Value) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for figure in flat("", figures) {
        match lines.last_mut() {
            Some(last) if last.len() + figure.len() <= 72 => *last += &format!(", {figure}"),
            _ => lines.push(figure),
        }
    }
    lines
}

/// Returns `name value` for each, with the names of all objects that it is in.
fn flat(name: &str, value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(inner, value)| flat(format!("{name} {inner}").trim_start(), value))
            .collect(),
        Value::Array(_) | Value::Null => Vec::new(),
        Value::String(text) => vec![format!("{name} {text}")],
        value => vec![format!("{name} {value}")],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_come_from_json_or_from_libfuzzer() {
        assert_eq!(of_output("words\n{\"kills\": 1}\n{\"kills\": 2}\ndone"), json!({"kills": 2}));
        let output = "#4\tDONE\nstat::number_of_executed_units: 4711\nstat::peak_rss_mb:    81\n";
        let figures = json!({"number_of_executed_units": 4711, "peak_rss_mb": 81});
        assert_eq!(of_output(output), figures);
        assert_eq!(of_output("nothing"), json!({}));
    }

    #[test]
    fn long_lists_are_left_out_and_lines_are_short() {
        let figures = json!({"a": {"rows": vec![0; 21], "failed": ["x"], "seconds": 1.5}});
        let figures = without_long_lists(figures);
        assert_eq!(figures, json!({"a": {"failed": ["x"], "seconds": 1.5}}));
        assert_eq!(lines(&figures), ["a seconds 1.5"]);
        let many: Vec<_> = (0..30).map(|i| (format!("figure {i}"), json!(i))).collect();
        let lines = lines(&many.into_iter().collect());
        assert!(lines.len() > 3 && lines.iter().all(|line| line.len() <= 74), "{lines:?}");
    }
}
