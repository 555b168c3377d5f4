//! Rate, errors and duration as a table that fits a width.

use crate::viewer::RedRow;

const COLUMNS: [&str; 9] = [
    "SERVICE", "ROUTE", "REQUESTS", "ERRORS", "RATE/s", "P50", "P95", "P99", "FROM",
];
/// Columns that hold words, which are aligned to the left.
const WORDS: usize = 2;
const GAP: &str = "  ";

/// A heading and a line for each row. Columns at the end make way if there is no room for them.
pub(crate) fn table(rows: &[&RedRow], width: usize) -> Vec<String> {
    let mut cells = vec![COLUMNS.map(str::to_owned)];
    cells.extend(rows.iter().map(|row| row_cells(row)));
    let widths = std::array::from_fn::<usize, { COLUMNS.len() }, _>(|column| {
        let lengths = cells.iter().map(|row| row[column].chars().count());
        lengths.max().unwrap_or_default()
    });
    let fitting = (WORDS..=COLUMNS.len()).rev().find(|columns| {
        let gaps = GAP.len() * (columns - 1);
        widths[..*columns].iter().sum::<usize>() + gaps <= width
    });
    let shown = fitting.unwrap_or(WORDS);
    let line = |row: &[String; COLUMNS.len()]| {
        let aligned = row.iter().zip(widths).take(shown).enumerate();
        let aligned = aligned.map(|(column, (cell, width))| match column {
            0..WORDS => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        aligned.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
    };
    cells.iter().map(line).collect()
}

fn row_cells(row: &RedRow) -> [String; COLUMNS.len()] {
    let route = match row.route.as_str() {
        "" => "-",
        route => route,
    };
    let time = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), duration);
    [
        row.service.clone(),
        format!("{} {route}", row.method),
        row.requests.to_string(),
        row.errors.to_string(),
        row.rate
            .map_or_else(|| "-".to_owned(), |rate| format!("{rate:.2}")),
        time(row.p50),
        time(row.p95),
        time(row.p99),
        row.percentiles.clone(),
    ]
}

/// Seconds with three significant digits, in the unit that suits them.
pub(crate) fn duration(seconds: f64) -> String {
    let (value, unit) = match seconds {
        it if it < 999.5e-6 => (it * 1e6, "µs"),
        it if it < 999.5e-3 => (it * 1e3, "ms"),
        it => (it, "s"),
    };
    let decimals = match value {
        it if it < 9.995 => 2,
        it if it < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(route: &str) -> RedRow {
        RedRow {
            service: "retail-web".to_owned(),
            method: "POST".to_owned(),
            route: route.to_owned(),
            requests: 12,
            errors: 1,
            rate: Some(12.56),
            p50: Some(0.0168),
            p95: Some(0.276),
            p99: None,
            percentiles: "spans".to_owned(),
        }
    }

    #[test]
    fn columns_at_the_end_make_way() {
        let (checkout, unknown) = (row("/checkout/execute"), row(""));
        let wide = table(&[&checkout, &unknown], 110);
        assert!(wide[0].ends_with("P99   FROM"), "{wide:?}");
        assert!(wide[2].contains("POST - "), "{wide:?}");
        let narrow = table(&[&checkout], 76);
        assert!(
            narrow.iter().all(|line| line.chars().count() <= 76),
            "{narrow:?}"
        );
        for part in ["POST /checkout/execute", "12.56", "16.8ms", "276ms"] {
            assert!(narrow[1].contains(part), "{part} is missing in {narrow:?}");
        }
    }

    #[test]
    fn durations_have_three_digits() {
        for (seconds, text) in [
            (0.000_811, "811µs"),
            (0.000_005_2, "5.20µs"),
            (0.009_52, "9.52ms"),
            (0.249, "249ms"),
            (0.999_7, "1.00s"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
