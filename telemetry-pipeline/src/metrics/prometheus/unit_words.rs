//! Units of UCUM as the words of Prometheus, by the table of "Prometheus and OpenMetrics Compatibility".

/// The unit as words, such as `meters_per_second` for `m/s`; `None` if there is none to show.
///
/// Annotations such as `{request}` are left out wherever they stand. A unit `1` is a ratio, of gauges only.
pub(crate) fn translate(unit: &str, is_gauge: bool) -> Option<String> {
    let bare = without_annotations(unit);
    let mut parts = bare.split('/').map(str::trim);
    let first = parts.next().unwrap_or_default();
    let per: String = parts
        .filter(|part| !part.is_empty())
        .map(|part| ["_per_", singular(part)].concat())
        .collect();
    match (first, per.strip_prefix('_')) {
        ("", None) => None,
        ("1", None) => is_gauge.then(|| "ratio".to_owned()),
        // A number of something without a unit.
        ("" | "1", Some(per)) => Some(per.to_owned()),
        (first, _) => Some([plural(first), &per].concat()),
    }
}

/// The unit without its braces and what they hold. What follows a brace that does not end is left out.
fn without_annotations(unit: &str) -> String {
    let mut parts = unit.split('{');
    let mut bare = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        bare.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
    }
    bare
}

fn plural(unit: &str) -> &str {
    match unit {
        "d" => "days",
        "h" => "hours",
        "min" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "GiBy" => "gibibytes",
        "TiBy" => "tebibytes",
        // The table has the first; the second is common.
        "kBy" | "KBy" => "kilobytes",
        "MBy" => "megabytes",
        "GBy" => "gigabytes",
        "TBy" => "terabytes",
        "m" => "meters",
        "V" => "volts",
        "A" => "amperes",
        "J" => "joules",
        "W" => "watts",
        "g" => "grams",
        "Cel" => "celsius",
        "Hz" => "hertz",
        "%" => "percent",
        other => other,
    }
}

fn singular(unit: &str) -> &str {
    match unit {
        // Periods that the table does not have.
        "wk" | "w" => "week",
        "mo" => "month",
        "a" | "y" => "year",
        "Cel" => "celsius",
        other => match plural(other) {
            // An unknown unit stays as it is.
            same if same == other => same,
            word => word.strip_suffix('s').unwrap_or(word),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_has_its_word() {
        for (unit, word) in [
            ("d", "days"),
            ("h", "hours"),
            ("min", "minutes"),
            ("s", "seconds"),
            ("ms", "milliseconds"),
            ("us", "microseconds"),
            ("ns", "nanoseconds"),
            ("By", "bytes"),
            ("KiBy", "kibibytes"),
            ("MiBy", "mebibytes"),
            ("GiBy", "gibibytes"),
            ("TiBy", "tebibytes"),
            ("kBy", "kilobytes"),
            ("MBy", "megabytes"),
            ("GBy", "gigabytes"),
            ("TBy", "terabytes"),
            ("m", "meters"),
            ("V", "volts"),
            ("A", "amperes"),
            ("J", "joules"),
            ("W", "watts"),
            ("g", "grams"),
            ("Cel", "celsius"),
            ("Hz", "hertz"),
            ("%", "percent"),
        ] {
            assert_eq!(translate(unit, false).as_deref(), Some(word), "{unit}");
        }
    }

    #[test]
    fn rates_are_words_and_annotations_are_left_out_wherever_they_stand() {
        for (unit, word) in [
            ("m/s", Some("meters_per_second")),
            ("{request}/s", Some("per_second")),
            ("{fault}/min", Some("per_minute")),
            ("/s", Some("per_second")),
            ("1/s", Some("per_second")),
            ("By/h", Some("bytes_per_hour")),
            ("By{sent}/s{x}", Some("bytes_per_second")),
            ("{sent}By/s", Some("bytes_per_second")),
            ("m/s/s", Some("meters_per_second_per_second")),
            ("{a}/{b}", None),
            ("s/{request}", Some("seconds")),
            ("By/{request}/s", Some("bytes_per_second")),
            ("{request}/d", Some("per_day")),
            ("{request}/wk", Some("per_week")),
            ("{request}/mo", Some("per_month")),
            ("{request}/a", Some("per_year")),
            ("{request}/By", Some("per_byte")),
            ("{request", None),
            ("request", Some("request")),
            ("", None),
            ("1", None),
        ] {
            assert_eq!(translate(unit, false).as_deref(), word, "{unit}");
        }
        assert_eq!(translate("1", true).as_deref(), Some("ratio"));
    }
}
