//! OTLP over HTTP, as protobuf.

use super::{
    answer_json, answer_protobuf,
    client::{Encoding, Row},
    http::{self, Answers},
};
use crate::otlp::protocol::Protocol;

pub(crate) const ROW: Row = Row {
    protocol: Protocol::HttpProtobuf,
    encoding: Encoding::Protobuf,
    alpn: b"http/1.1",
    client: |endpoint, _, connector| http::Client::boxed(endpoint, connector, ANSWERS),
};

const ANSWERS: Answers = Answers {
    content_type: "application/x-protobuf",
    accepted: |body, content_type| match content_type {
        "application/json" => answer_json::accepted(body),
        _ => answer_protobuf::accepted(body),
    },
};
