use crate::model::MetricValue;
use crate::store::{Sample, Series};

/// A line of a chart: moments in nanoseconds since the Unix epoch, and values.
pub(super) type Curve = Vec<(u64, f64)>;

/// A series over time: a gauge or an up-down counter as it is, a counter by its rate per second, a distribution by
/// the value that 95 of 100 measurements of each interval did not exceed.
pub(super) fn curve(series: &Series) -> Curve {
    let samples: Vec<&Sample> = series.history.samples.iter().collect();
    match &series.point.value {
        MetricValue::Gauge { .. }
        | MetricValue::Sum {
            monotonic: false, ..
        } => samples
            .iter()
            .map(|it| (it.time_unix_nanos, it.value))
            .collect(),
        MetricValue::Sum { .. } | MetricValue::Summary { .. } => changes(&samples)
            .filter_map(|(before, after)| Some((after.time_unix_nanos, rate(before, after)?)))
            .collect(),
        MetricValue::Histogram { bounds, max, .. } => changes(&samples)
            .filter_map(|(before, after)| {
                let value = quantile(before, after, bounds, *max)?;
                Some((after.time_unix_nanos, value))
            })
            .collect(),
        MetricValue::ExponentialHistogram { .. } => changes(&samples)
            .filter_map(|(before, after)| Some((after.time_unix_nanos, mean(before, after)?)))
            .collect(),
    }
}

/// Each sample with the one before it; none for the first of a run, which counts from its start.
fn changes<'a>(
    samples: &'a [&'a Sample],
) -> impl Iterator<Item = (Option<&'a Sample>, &'a Sample)> {
    samples.iter().enumerate().map(move |(index, after)| {
        let before = index.checked_sub(1).map(|index| samples[index]);
        let same_run =
            |it: &&Sample| it.start_unix_nanos == after.start_unix_nanos && it.value <= after.value;
        (before.filter(same_run), *after)
    })
}

fn rate(before: Option<&Sample>, after: &Sample) -> Option<f64> {
    let since = before.map_or(after.start_unix_nanos, |it| it.time_unix_nanos);
    let count = after.value - before.map_or(0.0, |it| it.value);
    let seconds = after.time_unix_nanos.checked_sub(since)? as f64 / 1e9;
    (since > 0 && seconds > 0.0).then(|| count / seconds)
}

fn mean(before: Option<&Sample>, after: &Sample) -> Option<f64> {
    let count = after.value - before.map_or(0.0, |it| it.value);
    let sum = after.sum - before.map_or(0.0, |it| it.sum);
    (count > 0.0).then(|| sum / count)
}

fn quantile(
    before: Option<&Sample>,
    after: &Sample,
    bounds: &[f64],
    max: Option<f64>,
) -> Option<f64> {
    let at = |index: usize| {
        let before = before.and_then(|it| it.buckets.get(index)).copied();
        after.buckets[index].saturating_sub(before.unwrap_or(0)) as f64
    };
    let counts: Vec<f64> = (0..after.buckets.len()).map(at).collect();
    let total: f64 = counts.iter().sum();
    if total == 0.0 {
        return None;
    }
    let rank = 0.95 * total;
    let mut below = 0.0;
    for (index, count) in counts.iter().enumerate() {
        if below + count >= rank && *count > 0.0 {
            let lower = index.checked_sub(1).and_then(|it| bounds.get(it)).copied();
            let lower = lower.unwrap_or(0.0);
            let upper = bounds.get(index).copied().unwrap_or(lower);
            let upper = max.map_or(upper, |max| upper.min(max).max(lower));
            return Some(lower + (upper - lower) * (rank - below) / count);
        }
        below += count;
    }
    None
}
