//! The command line.

use clap::Parser;

/// Starts telemetry-viewer, retail-api, its worker and retail-web as processes of their own, performs a dozen checkouts,
/// and prints what they left in the viewer: a trace, a failure, and rate, errors and duration by route.
///
/// On a terminal everything then runs until Ctrl-C. With --exit, with CI set, or when standard output is no terminal, it
/// ends by itself: with exit code 0 if every span, metric and log line of the checkouts has arrived in the viewer, with 1
/// and the reason if not. Nothing is left behind, neither processes nor files.
#[derive(Debug, Parser)]
#[command(version, after_help = ADDRESSES)]
pub(crate) struct Args {
    /// Leave everything running afterwards, to be looked at and called, until Ctrl-C.
    #[arg(long, conflicts_with = "exit")]
    pub(crate) keep_running: bool,
    /// End by itself, on a terminal too.
    #[arg(long)]
    pub(crate) exit: bool,
    /// Print everything: all failures, metrics and logs, and commands to try next.
    #[arg(long)]
    pub(crate) full: bool,
}

impl Args {
    /// Tells if everything runs on after the report: on a terminal, where a person is, unless told otherwise.
    pub(crate) fn stays(&self, is_terminal: bool, is_ci: bool) -> bool {
        self.keep_running || (is_terminal && !is_ci && !self.exit)
    }
}

const ADDRESSES: &str = "\
Addresses, on 127.0.0.1; where a port is in use the demo takes any free one and says which:
  8080  retail-web        POST /checkout/execute, /metrics, /livez, /readyz
  8081  retail-api        what retail-web calls, /metrics, /livez, /readyz
  4317  telemetry-viewer  OTLP over gRPC
  4318  telemetry-viewer  OTLP over HTTP, web page and API

OTEL_*, TELEMETRY_* and RUST_LOG are not passed on to the services: the demo sets what it needs.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn everything_runs_on_for_a_person_at_a_terminal_or_when_told() {
        Args::command().debug_assert();
        let parse = |flag: &[&str]| Args::try_parse_from(["retail-demo"].iter().chain(flag));
        assert!(parse(&["--exit", "--keep-running"]).is_err());
        let stays =
            |flag: &[&str], is_terminal, is_ci| parse(flag).unwrap().stays(is_terminal, is_ci);
        assert!(stays(&[], true, false));
        for (is_terminal, is_ci) in [(true, true), (false, false), (false, true)] {
            assert!(!stays(&[], is_terminal, is_ci), "{is_terminal} {is_ci}");
            assert!(
                stays(&["--keep-running"], is_terminal, is_ci),
                "{is_terminal} {is_ci}"
            );
        }
        assert!(!stays(&["--exit"], true, false));
    }

    #[test]
    fn help_says_what_happens_and_on_which_ports() {
        let help = Args::command().render_long_help().to_string();
        for part in [
            "exit code 0",
            "--keep-running",
            "--exit",
            "--full",
            "8080",
            "4318",
            "OTEL_*",
        ] {
            assert!(help.contains(part), "{part} is missing in {help}");
        }
    }
}
