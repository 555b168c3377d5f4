//! A collector's answer as protobuf.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

use crate::otlp::answer::{Accepted, one_line};

/// `google.rpc.Status`, as far as it is of interest.
#[derive(prost::Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
}

/// The answer to a request that was accepted; `None` if the body is not one.
pub(crate) fn accepted(body: &[u8]) -> Option<Accepted> {
    // The answers of the three signals differ in names only.
    let answer = ExportTraceServiceResponse::decode(body).ok()?;
    let Some(partial) = answer.partial_success else {
        return Some(Accepted::default());
    };
    Some(Accepted {
        rejected: u64::try_from(partial.rejected_spans).unwrap_or(0),
        message: one_line(&partial.error_message),
        ..Accepted::default()
    })
}

/// The message of a failed request's answer.
pub(crate) fn message(body: &[u8]) -> Option<String> {
    let status = Status::decode(body).ok()?;
    Some(status.message).filter(|message| !message.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_of_otlp_is_one() {
        assert_eq!(accepted(b""), Some(Accepted::default()));
        for body in ["<html>", "OK", "{}", "not found", "accepted"] {
            assert_eq!(accepted(body.as_bytes()), None, "{body}");
        }
    }
}
