//! A curve in a terminal.

/// Eighths of a cell, from below.
const EIGHTHS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The values as columns of a chart of `width` by `height` cells, with the least and the largest value
/// beside it; nothing without values or room. Of more values than columns, each column shows the last of
/// its share.
pub fn chart(values: &[f64], width: usize, height: usize) -> String {
    let values: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    if values.is_empty() || width == 0 || height == 0 {
        return String::new();
    }
    let columns = values.len().min(width);
    let column = |index: usize| values.get((index + 1) * values.len() / columns - 1);
    let shown: Vec<f64> = (0..columns).filter_map(column).copied().collect();
    let low = shown.iter().copied().fold(f64::INFINITY, f64::min);
    let high = shown.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let steps = (height * EIGHTHS.len()) as f64;
    let reach = |value: f64| match high > low {
        // At least an eighth, so that the least is seen too.
        true => (1.0 + (value - low) / (high - low) * (steps - 1.0)).round() as usize,
        false => steps as usize / 2,
    };
    let label = |value: f64| format!("{value:.4}");
    let room = label(low).len().max(label(high).len());
    let lines = (0..height).map(|line| {
        let below = (height - 1 - line) * EIGHTHS.len();
        let cell = |&value: &f64| match reach(value).saturating_sub(below) {
            0 => ' ',
            eighths => EIGHTHS.get(eighths.min(EIGHTHS.len()) - 1).copied().unwrap_or(' '),
        };
        let name = match line {
            0 => label(high),
            line if line + 1 == height => label(low),
            _ => String::new(),
        };
        format!("{name:>room$} {}", shown.iter().map(cell).collect::<String>())
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_value_reaches_the_top_and_the_least_is_seen() {
        let found = chart(&[0.0, 0.5, 1.0], 10, 2);
        let lines: Vec<&str> = found.lines().collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0], "1.0000  ▁█");
        assert_eq!(lines[1], "0.0000 ▁██");
    }

    #[test]
    fn more_values_than_columns_end_with_the_last() {
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let found = chart(&values, 10, 1);
        assert!(found.ends_with('█') && found.chars().count() == "99.0000 ".len() + 10, "{found}");
    }

    #[test]
    fn nothing_is_shown_of_nothing() {
        assert_eq!(chart(&[], 10, 2), "");
        assert_eq!(chart(&[f64::NAN], 10, 2), "");
        assert_eq!(chart(&[0.5], 0, 2), "");
        assert!(chart(&[0.5, 0.5], 8, 3).contains('█'));
    }
}
