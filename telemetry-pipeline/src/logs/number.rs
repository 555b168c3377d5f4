//! Numbers with decimals.

/// Appends the shortest decimal form that reads as the number again, with an exponent where that is shorter: the
/// decimals of 1e300 are 300 digits.
pub(crate) fn write(text: &mut String, value: f64) {
    match billionths(value) {
        Some(billionths) => write_billionths(text, billionths),
        None => text.push_str(ryu::Buffer::new().format(value)),
    }
}

/// How many billionths it is, if it is a whole number of them, as most that programs log are: durations, sums of money,
/// rates.
///
/// These are at most fifteen digits, and of so many no two forms read as the same number, so theirs is the shortest.
fn billionths(value: f64) -> Option<u64> {
    // Smaller ones have an exponent.
    if !(1e-5..1e6).contains(&value) {
        return None;
    }
    let billionths = (value * 1e9 + 0.5) as i64;
    (billionths as f64 / 1e9 == value).then_some(billionths as u64)
}

fn write_billionths(text: &mut String, billionths: u64) {
    const ONE: u64 = 1_000_000_000;
    let mut buffer = itoa::Buffer::new();
    text.push_str(buffer.format(billionths / ONE));
    text.push('.');
    // With a digit before them that keeps their zeros.
    let decimals = buffer.format(ONE + billionths % ONE);
    match decimals.trim_end_matches('0') {
        "1" => text.push('0'),
        decimals => text.push_str(decimals.strip_prefix('1').unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(value: f64) -> String {
        let mut text = String::new();
        write(&mut text, value);
        text
    }

    fn shortest(value: f64) -> String {
        ryu::Buffer::new().format(value).to_owned()
    }

    #[test]
    fn edges_are_written_in_the_shortest_form() {
        for (value, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (0.1 + 0.2, "0.30000000000000004"),
            (0.00001, "0.00001"),
            (0.000009999, "9.999e-6"),
            (0.000012345, "0.000012345"),
            (0.000000001, "1e-9"),
            (0.000123456789, "0.000123456789"),
            (999_999.999_999_999, "999999.999999999"),
            (1e6, "1000000.0"),
            (1e300, "1e300"),
        ] {
            assert_eq!(written(value), expected);
            assert_eq!(shortest(value), expected);
        }
    }

    proptest! {
        #[test]
        fn every_number_is_written_in_the_shortest_form(value: f64) {
            prop_assume!(value.is_finite());
            prop_assert_eq!(written(value), shortest(value));
        }

        #[test]
        fn every_number_near_billionths_is_written_in_the_shortest_form(
            nanos in 0_u64..2_000_000_000_000_000,
            scale in 0_u32..15,
            off in -2_i64..=2,
        ) {
            let value = (nanos / 10_u64.pow(scale)) as f64 / 1e9;
            let value = f64::from_bits(value.to_bits().saturating_add_signed(off));
            prop_assume!(value.is_finite());
            prop_assert_eq!(written(value), shortest(value));
        }
    }
}
