use crate::analysis::timeline::Interval;
use crate::text::duration;

/// Parts into which the axis is divided.
const PARTS: u64 = 5;

/// The axis of time: where a moment stands, in percent of the width.
pub(super) struct Scale {
    /// The moment from which times are told.
    start: i128,
    /// What the width stands for.
    window: Interval,
    per_nano: f64,
}

impl Scale {
    pub(super) fn new(start: i128, window: Interval) -> Self {
        Self {
            start,
            window,
            per_nano: 100.0 / window.nanos().max(1) as f64,
        }
    }

    /// Whether the interval is wider than a part of a pixel.
    pub(super) fn is_visible(&self, interval: Interval) -> bool {
        interval.nanos() as f64 * self.per_nano >= 0.05
    }

    /// Whether the interval lies beyond the end of the axis.
    pub(super) fn is_beyond(&self, interval: Interval) -> bool {
        interval.0 >= self.window.1 && self.window.nanos() > 0
    }

    /// Where the moment stands: `12.34%`.
    pub(super) fn place(&self, at: i128) -> String {
        format!("{:.2}%", self.percent(at))
    }

    /// Start and length of an interval; what is short stays visible.
    pub(super) fn bar(&self, interval: Interval) -> (String, String) {
        let (from, to) = (self.percent(interval.0), self.percent(interval.1));
        let width = (to - from).max(0.2);
        let start = from.min(100.0 - width.min(100.0));
        (format!("{start:.2}%"), format!("{width:.2}%"))
    }

    /// How long after the start of the trace: `+4.80ms`.
    pub(super) fn after_start(&self, at: i128) -> String {
        let nanos = at - self.start;
        let sign = if nanos < 0 { '-' } else { '+' };
        let length = u64::try_from(nanos.unsigned_abs()).unwrap_or(u64::MAX);
        format!("{sign}{}", duration(length))
    }

    /// The marks of the axis: where, and how long after the start.
    pub(super) fn marks(&self) -> Vec<(String, String)> {
        let part = |index: u64| {
            let nanos = self.window.nanos() / PARTS * index;
            let label = if index == 0 {
                "0".to_owned()
            } else {
                duration(nanos)
            };
            (format!("{}%", 100 / PARTS * index), label)
        };
        (0..PARTS).map(part).collect()
    }

    fn percent(&self, at: i128) -> f64 {
        let after = (at - self.window.0) as f64 * self.per_nano;
        after.clamp(0.0, 100.0)
    }
}
