use std::error::Error;
use std::io::Read;

use reqwest::{Client, Response};
use telemetry_viewer::{Limits, Store};

/// A file may be larger than what a viewer keeps: it is read whole.
const LIMITS: Limits = Limits {
    max_spans: 20_000_000,
    max_logs: 20_000_000,
    max_series: 1_000_000,
    max_bytes: usize::MAX / 4,
};

/// A store with what the source has: the traces of the query if it is a viewer, everything if it is a file.
pub(super) async fn load(from: &str, query: &str) -> Result<Store, Box<dyn Error>> {
    let store = Store::new(LIMITS);
    if is_viewer(from) {
        let address = format!("{}/api/export", from.trim_end_matches('/'));
        let text = get(&address, &[("q", query)]).await?.text().await?;
        read(&store, &text)?;
    } else {
        read(&store, &file(from)?)?;
    }
    Ok(store)
}

pub(super) fn is_viewer(from: &str) -> bool {
    from.starts_with("http://") || from.starts_with("https://")
}

/// The text of a file, or of standard input for `-`.
pub(super) fn file(path: &str) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    let read = if path == "-" {
        std::io::stdin().read_to_string(&mut text).map(|_| ())
    } else {
        std::fs::read_to_string(path).map(|it| text = it)
    };
    read.map_err(|error| format!("cannot read {path}: {error}"))?;
    Ok(text)
}

/// Adds each line that is not empty.
pub(super) fn read(store: &Store, text: &str) -> Result<(), Box<dyn Error>> {
    for (index, line) in text.lines().enumerate() {
        if !line.trim().is_empty() {
            store
                .import_line(line)
                .map_err(|error| format!("line {}: {error}", index + 1))?;
        }
    }
    Ok(())
}

/// Asks a viewer.
pub(super) async fn get(address: &str, query: &[(&str, &str)]) -> Result<Response, Box<dyn Error>> {
    let response = client()?.get(with_query(address, query)).send().await;
    answered(address, response).await
}

/// What a viewer answered, or why it did not.
pub(super) async fn answered(
    address: &str,
    response: Result<Response, reqwest::Error>,
) -> Result<Response, Box<dyn Error>> {
    let response = response.map_err(|_| {
        format!(
            "no viewer answers at {address}; start one with telemetry-viewer, or name it with --from or --to \
             (TELEMETRY_VIEWER_URL)"
        )
    })?;
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    let reason = response.text().await.unwrap_or_default();
    Err(format!("the viewer answers {status}: {}", reason.trim()).into())
}

pub(super) fn client() -> Result<Client, reqwest::Error> {
    // A viewer stands on this machine: no proxy leads to it.
    Client::builder().no_proxy().build()
}

fn with_query(address: &str, query: &[(&str, &str)]) -> String {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    let pair = |(key, value): &(&str, &str)| {
        format!("{key}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
    };
    let pairs: Vec<String> = query.iter().map(pair).collect();
    format!("{address}?{}", pairs.join("&"))
}
