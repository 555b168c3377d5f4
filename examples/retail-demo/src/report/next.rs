//! Things to try after the demo: commands to copy and addresses to open.

use std::fmt::Write;

use crate::stage::Addresses;

/// Adds the list; what needs the processes to run is said so if they do not.
pub(super) fn write(out: &mut String, addresses: &Addresses, running: bool) {
    let Addresses {
        viewer, api, web, ..
    } = addresses;
    let (api_listen, web_listen) = (listen(api), listen(web));
    let running = if running { "" } else { RUN_AGAIN };
    let _ = write!(
        out,
        "{running}   \
   Buy something and quote your own correlation id; watch the id come back:

     curl -i {web}/checkout/execute \\
       -H 'content-type: application/json' \\
       -H 'x-correlation-id: my-first-checkout' \\
       -d '{{\"sku\":\"SKU-1\",\"quantity\":2,\"card\":\"tok_visa\"}}'

   Look at its trace and logs, at all others, and at what Prometheus scrapes:

     {viewer}/?q=my-first-checkout
     {viewer}/
     {web}/metrics
     {api}/metrics

   Send it all to your own Collector instead, from three terminals, when the
   demo no longer runs; each begins with

     export OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318

   and goes on with one of these:

     cargo run -p retail-api --bin retail-api -- --listen {api_listen}
     cargo run -p retail-api --bin retail-worker
     cargo run -p retail-web -- --listen {web_listen} \\
       --api {api}

   For gRPC use port 4317 and add OTEL_EXPORTER_OTLP_PROTOCOL=grpc.
"
    );
}

/// The address in a base URL.
fn listen(url: &str) -> &str {
    url.trim_start_matches("http://")
}

const RUN_AGAIN: &str = "   \
   All of it is stopped again. To look around, leave it running:

     cargo run -p retail-demo -- --keep-running

";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_and_address_is_there_and_fits_a_terminal() {
        let addresses = Addresses {
            viewer: "http://127.0.0.1:4318".to_owned(),
            grpc: "http://127.0.0.1:4317".to_owned(),
            api: "http://127.0.0.1:58081".to_owned(),
            web: "http://127.0.0.1:58080".to_owned(),
        };
        for running in [true, false] {
            let mut out = String::new();
            write(&mut out, &addresses, running);
            assert_eq!(out.contains("--keep-running"), !running, "{out}");
            for part in [
                "curl -i http://127.0.0.1:58080/checkout/execute",
                "58081/metrics",
                "--bin retail-api -- --listen 127.0.0.1:58081\n",
                "-p retail-web -- --listen 127.0.0.1:58080 \\\n       --api http://127.0.0.1:58081\n",
                "-p retail-api --bin retail-worker",
            ] {
                assert!(out.contains(part), "{part} is missing in {out}");
            }
            for line in out.lines() {
                assert!(line.chars().count() <= 80, "{line}");
            }
        }
    }
}
