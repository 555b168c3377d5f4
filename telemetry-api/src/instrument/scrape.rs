//! The answer of `/metrics`: its text formats, and the choice between them.

use std::sync::Arc;

/// A text exposition format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScrapeFormat {
    /// Prometheus text format 0.0.4: no exemplars.
    #[default]
    Prometheus,
    /// OpenMetrics 1.0: exemplars and a closing `# EOF`.
    OpenMetrics,
}

impl ScrapeFormat {
    /// The format for an `Accept` header. OpenMetrics only when it is named and not ranked below plain text:
    /// a browser, or `curl` with `*/*`, gets the classic format.
    pub fn negotiate(accept: &str) -> Self {
        let mut open_metrics = 0.0;
        let mut plain = 0.0;
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default();
            let quality = parts
                .find_map(|part| part.strip_prefix("q="))
                .map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0));
            match media_type {
                "application/openmetrics-text" => open_metrics = quality.max(open_metrics),
                "text/plain" => plain = quality.max(plain),
                _ => {}
            }
        }
        if open_metrics > 0.0 && open_metrics >= plain {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    /// No metrics at all, in this format.
    pub fn empty(self) -> &'static str {
        match self {
            Self::Prometheus => "",
            Self::OpenMetrics => "# EOF\n",
        }
    }

    /// The `Content-Type` of the format.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Metrics of another registry: called at each scrape, it answers OpenMetrics text, with or without `# EOF`.
pub type Exposition = Arc<dyn Fn() -> String + Send + Sync>;

/// Writes all metrics of a pipeline as text.
pub trait Scrape: Send + Sync {
    /// The metrics as they are now. May be called from several threads at once.
    fn scrape(&self, format: ScrapeFormat) -> String;

    /// Shows these metrics, too, from now on. Returns false if it cannot, as by default.
    fn merge(&self, other: Exposition) -> bool {
        let _ = other;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_gets_openmetrics_and_curl_gets_text() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1";
        assert_eq!(
            ScrapeFormat::negotiate(prometheus),
            ScrapeFormat::OpenMetrics
        );
        for accept in [
            "",
            "*/*",
            "text/plain",
            "text/plain;q=1,application/openmetrics-text;q=0.5",
            "a;q=x,,;",
        ] {
            assert_eq!(
                ScrapeFormat::negotiate(accept),
                ScrapeFormat::Prometheus,
                "{accept}"
            );
        }
    }
}
