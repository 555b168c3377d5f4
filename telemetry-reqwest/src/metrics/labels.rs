//! The labels of an attempt's duration and body sizes.

use http::Version;
use opentelemetry::KeyValue;
use telemetry_semconv::http::{
    attribute::{
        ERROR_TYPE, HTTP_REQUEST_METHOD, HTTP_RESPONSE_STATUS_CODE, NETWORK_PROTOCOL_VERSION,
        URL_TEMPLATE,
    },
    protocol_version,
};

use crate::error_type::HttpErrorType;

/// The labels besides the server address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AttemptLabels {
    /// A known method, or `_OTHER`.
    pub(crate) method: &'static str,
    pub(crate) template: Option<&'static str>,
    pub(crate) version: Option<Version>,
    pub(crate) status: Option<u16>,
    pub(crate) error: HttpErrorType,
}

impl AttemptLabels {
    /// `http.request.method`.
    pub(super) fn method(&self) -> KeyValue {
        KeyValue::new(HTTP_REQUEST_METHOD, self.method)
    }

    /// The labels after the server address, as far as they apply.
    pub(super) fn optional(&self) -> impl Iterator<Item = KeyValue> + use<> {
        let version = self.version.map(protocol_version);
        let status = self.status.map(i64::from);
        [
            self.template
                .map(|template| KeyValue::new(URL_TEMPLATE, template)),
            version.map(|version| KeyValue::new(NETWORK_PROTOCOL_VERSION, version)),
            status.map(|status| KeyValue::new(HTTP_RESPONSE_STATUS_CODE, status)),
            self.error
                .value()
                .map(|value| KeyValue::new(ERROR_TYPE, value)),
        ]
        .into_iter()
        .flatten()
    }
}
