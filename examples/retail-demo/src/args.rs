//! The command line.

use clap::Parser;

/// Starts telemetry-viewer, retail-api, its worker and retail-web as processes of their own, performs a dozen checkouts,
/// and prints what can be seen of them: span trees, rate, errors and duration by route, and logs by correlation id.
///
/// It ends by itself: with exit code 0 if every span, metric and log line that the checkouts must leave has arrived in
/// the viewer, with 1 and the reason if not. Nothing is left behind, neither processes nor files.
#[derive(Debug, Parser)]
#[command(version, after_help = ADDRESSES)]
pub(crate) struct Args {
    /// Leave everything running afterwards, to be looked at and called, until Ctrl-C.
    #[arg(long)]
    pub(crate) keep_running: bool,
}

const ADDRESSES: &str = "\
Addresses, on 127.0.0.1; where a port is in use the demo takes any free one and says which:
  8080  retail-web        POST /checkout/execute, /metrics, /livez, /readyz
  8081  retail-api        what retail-web calls, /metrics, /livez, /readyz
  4317  telemetry-viewer  OTLP over gRPC
  4318  telemetry-viewer  OTLP over HTTP, web page and API

OTEL_* and RUST_LOG are not passed on to the services: the demo sets what it needs.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_keeps_nothing_running_unless_told() {
        Args::command().debug_assert();
        assert!(!Args::parse_from(["retail-demo"]).keep_running);
        assert!(Args::parse_from(["retail-demo", "--keep-running"]).keep_running);
    }

    #[test]
    fn help_says_what_happens_and_on_which_ports() {
        let help = Args::command().render_long_help().to_string();
        for part in ["exit code 0", "--keep-running", "8080", "4318", "OTEL_*"] {
            assert!(help.contains(part), "{part} is missing in {help}");
        }
    }
}
