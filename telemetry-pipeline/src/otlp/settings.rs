//! The endpoint and the batches of a signal, by its settings.

use std::{path::Path, time::Duration};

use http::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    batching::{Batching, QUEUE_ITEMS, default_bytes},
    endpoint::{Endpoint, Tls},
    endpoint_options::{self, Options},
    signal::Signal,
};
use crate::{
    error::BootstrapError,
    settings::{
        Headers, Settings,
        batches::BatchSettings,
        otlp::{OtlpSettings, of},
    },
};

/// The endpoint of a signal. `bound` is the longest export that its processor allows.
pub(crate) fn endpoint(
    signal: Signal,
    bound: Duration,
    settings: &mut Settings,
) -> Result<Endpoint, BootstrapError> {
    let own = of(signal);
    let options = options(own, settings);
    let mut endpoint = endpoint_options::resolve(signal, options)?;
    endpoint.timeout = endpoint.timeout.min(bound);
    Ok(endpoint)
}

fn options(own: &'static OtlpSettings, settings: &mut Settings) -> Options {
    let protocol = settings.get(&own.protocol);
    let set_by = settings.set_by(&own.endpoint).cloned();
    let default = protocol.facts().default_endpoint;
    if set_by.is_none() {
        // The default of the setting is that of HTTP.
        settings.use_instead(&own.endpoint, default);
    }
    let endpoint = set_by.as_ref().and_then(|_| settings.get(&own.endpoint));
    let label = |set_by: Option<&str>, name: &str| set_by.unwrap_or(name).to_owned();
    Options {
        protocol,
        protocol_set_by: label(
            settings.set_by(&own.protocol).map(|by| &*by.label),
            own.protocol.name(),
        ),
        endpoint: endpoint.unwrap_or_else(|| SecretString::from(default)),
        endpoint_set_by: label(set_by.as_ref().map(|by| &*by.label), own.endpoint.name()),
        endpoint_is_own: set_by.is_some_and(|by| by.is_own),
        insecure: settings.get(&own.insecure),
        headers: header_map(settings.get(&own.headers)),
        timeout: settings.get(&own.timeout),
        compression: settings.get(&own.compression),
        tls: Tls {
            ca: settings.get(&own.certificate),
            client_key: settings.get(&own.client_key),
            client_certificate: settings.get(&own.client_certificate),
        },
    }
}

/// Headers for a client. Their values are marked, so that its log lines do not show them.
fn header_map(headers: Headers) -> HeaderMap {
    let marked = headers.into_iter().filter_map(|(name, value)| {
        let mut value = HeaderValue::from_str(value.expose_secret()).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    });
    marked.collect()
}

/// The batches of a signal. `bytes` is the bound of the queue that code has set.
pub(crate) fn batching(
    own: &'static BatchSettings,
    bytes: Option<usize>,
    settings: &mut Settings,
) -> Batching {
    let batch = settings.get(&own.max_export_batch_size);
    let batch_is_set = settings.set_by(&own.max_export_batch_size).is_some();
    // A queue is bounded by its bytes. Its items are counted only for an application that sets a number of them.
    let queue = settings.get(&own.max_queue_size);
    let queue = queue.unwrap_or(if batch_is_set {
        QUEUE_ITEMS
    } else {
        usize::MAX
    });
    if batch > queue {
        // The default yields to a smaller queue without a word.
        if let Some(by) = settings.set_by(&own.max_export_batch_size) {
            let warning = format!(
                "{}=\"{batch}\" is not valid: it cannot be more than the queue holds; using {queue}",
                by.label
            );
            settings.say(warning);
        }
        settings.use_instead(&own.max_export_batch_size, queue.to_string());
    }
    Batching {
        queue,
        batch: batch.min(queue),
        bytes: bytes.unwrap_or_else(|| default_bytes(Path::new("/"))),
        // Without any pause the export thread would never rest.
        delay: settings
            .get(&own.schedule_delay)
            .max(Duration::from_millis(1)),
    }
}
