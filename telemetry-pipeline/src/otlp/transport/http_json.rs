//! OTLP over HTTP, as JSON.

use super::{
    answer_json,
    client::{Encoding, Row},
    http::{self, Answers},
};
use crate::otlp::protocol::Protocol;

pub(crate) const ROW: Row = Row {
    protocol: Protocol::HttpJson,
    encoding: Encoding::Json,
    alpn: b"http/1.1",
    client: |endpoint, _, connector| http::Client::boxed(endpoint, connector, ANSWERS),
};

const ANSWERS: Answers = Answers {
    content_type: "application/json",
    accepted: |body, _| answer_json::accepted(body),
};
