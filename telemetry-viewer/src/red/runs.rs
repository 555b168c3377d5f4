/// The times in which something ran, added up without counting any moment twice.
#[derive(Clone, Debug, Default)]
pub(super) struct Runs(Vec<(u64, u64)>);

impl Runs {
    /// Adds a run from a moment to another, in nanoseconds. One without a start is left out.
    pub(super) fn add(&mut self, start: u64, end: u64) {
        if start != 0 && end > start {
            self.0.push((start, end));
        }
    }

    /// So many per second of the time covered; `None` if no run has a length.
    pub(super) fn rate(&self, count: u64) -> Option<f64> {
        let mut runs = self.0.clone();
        runs.sort_unstable();
        let mut covered: u64 = 0;
        let mut until = 0;
        for (start, end) in runs {
            covered += end.saturating_sub(start.max(until));
            until = until.max(end);
        }
        (covered > 0).then(|| count as f64 / (covered as f64 / 1e9))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn the_time_between_two_runs_does_not_count() {
        let mut runs = Runs::default();
        runs.add(SECOND, 61 * SECOND);
        runs.add(3661 * SECOND, 3721 * SECOND);
        assert_eq!(runs.rate(1200), Some(10.0));
    }

    #[test]
    fn two_at_once_count_once_and_a_run_without_start_not_at_all() {
        let mut runs = Runs::default();
        runs.add(SECOND, 11 * SECOND);
        runs.add(SECOND, 6 * SECOND);
        runs.add(0, 100 * SECOND);
        assert_eq!(runs.rate(20), Some(2.0));
        assert_eq!(Runs::default().rate(5), None);
    }
}
