//! Numbers as OpenMetrics 1.0 writes them in `le`: the shortest digits, with an exponent below 1e-04 and from 1e+06, and
//! always recognisable as a float.

/// The canonical text of a number.
pub(crate) fn canonical(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        let text = if value > 0.0 { "+Inf" } else { "-Inf" };
        return text.to_owned();
    }
    let shortest = format!("{value:e}");
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) && value != 0.0 => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
        }
        // With a point, `1.0` and not `1`.
        _ => format!("{value:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_specification() {
        for (value, text) in [
            (0.0, "0.0"),
            (0.001, "0.001"),
            (0.1, "0.1"),
            (0.95, "0.95"),
            (1.0, "1.0"),
            (1.7, "1.7"),
            (10.0, "10.0"),
            (5e-5, "5e-05"),
            (1e-10, "1e-10"),
            (1e-9, "1e-09"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (1e5, "100000.0"),
            (1e6, "1e+06"),
            (1e10, "1e+10"),
            (999_999.0, "999999.0"),
            (1_048_576.0, "1.048576e+06"),
            (1e100, "1e+100"),
            (1.5e-300, "1.5e-300"),
            (-2.5, "-2.5"),
            (-1e6, "-1e+06"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(canonical(value), text);
        }
    }
}
