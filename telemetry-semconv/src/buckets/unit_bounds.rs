//! Bounds that fit a unit.

use super::NUMBERS;

/// From 5 milliseconds to 5 minutes, in seconds. Up to 10 s these are the bounds of the HTTP conventions.
const SECONDS: [f64; 18] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0, 60.0,
    120.0, 300.0,
];

/// The same times in milliseconds.
const MILLISECONDS: [f64; 18] = [
    5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1e3, 2.5e3, 5e3, 7.5e3, 1e4, 3e4, 6e4,
    1.2e5, 3e5,
];

/// From 5 microseconds to 10 seconds.
const MICROSECONDS: [f64; 17] = [
    5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1e3, 2.5e3, 5e3, 1e4, 2.5e4, 1e5, 2.5e5, 1e6,
    2.5e6, 1e7,
];

/// From 100 nanoseconds to 1 second.
const NANOSECONDS: [f64; 15] = [
    100.0, 250.0, 500.0, 1e3, 2.5e3, 5e3, 1e4, 2.5e4, 1e5, 2.5e5, 1e6, 2.5e6, 1e7, 1e8, 1e9,
];

/// From 6 seconds to a day, in minutes.
const MINUTES: [f64; 15] = [
    0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 240.0, 480.0, 720.0, 1440.0,
];

/// From 6 minutes to 30 days, in hours.
const HOURS: [f64; 14] = [
    0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 24.0, 48.0, 96.0, 168.0, 336.0, 720.0,
];

/// From 2.4 hours to a year, in days.
const DAYS: [f64; 12] = [
    0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 7.0, 14.0, 30.0, 90.0, 180.0, 365.0,
];

/// Powers of 4 from 64 bytes to 1 GiB.
const BYTES: [f64; 13] = [
    64.0,
    256.0,
    1024.0,
    4096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
    268_435_456.0,
    1_073_741_824.0,
];

/// Powers of 4 from a quarter of the unit to a million of it, for multiples of a byte.
const MULTIPLES_OF_BYTES: [f64; 12] = [
    0.25,
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
];

/// From 5 to 100 percent.
const PERCENT: [f64; 11] = [
    5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0,
];

/// The bounds for a histogram of a UCUM unit that has none of its own.
///
/// Known are the units of time from `ns` to `d`, bytes and their multiples, and `%`. Annotations such as `{request}` say
/// nothing about the size of values, and neither does no unit: for these and for all others it is [`NUMBERS`].
pub fn for_unit(unit: &str) -> &'static [f64] {
    match unit {
        "ns" => &NANOSECONDS,
        "us" => &MICROSECONDS,
        "ms" => &MILLISECONDS,
        "s" => &SECONDS,
        "min" => &MINUTES,
        "h" => &HOURS,
        "d" => &DAYS,
        "By" => &BYTES,
        "KiBy" | "MiBy" | "GiBy" | "TiBy" | "kBy" | "MBy" | "GBy" | "TBy" => &MULTIPLES_OF_BYTES,
        "%" => &PERCENT,
        _ => &NUMBERS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_rise() {
        for unit in [
            "", "ns", "us", "ms", "s", "min", "h", "d", "By", "KiBy", "%", "{cent}",
        ] {
            let bounds = for_unit(unit);
            assert!(bounds.is_sorted_by(|a, b| a < b), "{unit}");
        }
    }

    #[test]
    fn the_same_time_is_a_bound_in_seconds_and_milliseconds() {
        let seconds = for_unit("s").iter().map(|bound| bound * 1e3);
        let same = seconds
            .zip(for_unit("ms"))
            .all(|(seconds, bound)| (seconds - bound).abs() < 1e-6);
        assert!(same);
    }
}
