//! The value in the middle, and those at both ends.

/// The value in the middle; the mean of the two in the middle of an even number. `None` of none.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    let upper = *values.get(half)?;
    let even = values.len().is_multiple_of(2);
    Some(if even { f64::midpoint(values[half - 1], upper) } else { upper })
}

/// The least and the greatest value, for people; a dash of none.
pub(crate) fn range(values: &[f64]) -> String {
    let values = || values.iter().copied();
    let ends = values().reduce(f64::min).zip(values().reduce(f64::max));
    ends.map_or_else(|| "-".to_owned(), |(least, most)| format!("{least:.3}..{most:.3}"))
}

#[cfg(test)]
mod tests {
    use super::{median, range};

    #[test]
    fn medians() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn ranges() {
        assert_eq!(range(&[]), "-");
        assert_eq!(range(&[2.0, 0.5, 1.0]), "0.500..2.000");
    }
}
