//! A collector's answer as JSON.

use serde_json::Value;

use crate::otlp::answer::{Accepted, one_line};

/// The answer to a request that was accepted; `None` if the body is not one.
pub(crate) fn accepted(body: &[u8]) -> Option<Accepted> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let partial = member(body.as_object()?, "partialSuccess", "partial_success");
    let Some(Value::Object(partial)) = partial else {
        return Some(Accepted::default());
    };
    let rejected = [
        ("rejectedSpans", "rejected_spans"),
        ("rejectedDataPoints", "rejected_data_points"),
        ("rejectedLogRecords", "rejected_log_records"),
    ]
    .into_iter()
    .find_map(|(name, alternative)| number(member(partial, name, alternative)?));
    let message = member(partial, "errorMessage", "error_message");
    Some(Accepted {
        rejected: rejected.unwrap_or(0),
        message: one_line(message.and_then(Value::as_str).unwrap_or_default()),
        ..Accepted::default()
    })
}

/// ProtoJSON allows a field's name in the protobuf file beside the one in camel case.
fn member<'a>(
    object: &'a serde_json::Map<String, Value>,
    name: &str,
    alternative: &str,
) -> Option<&'a Value> {
    object.get(name).or_else(|| object.get(alternative))
}

/// A number of 64 bits is a string in ProtoJSON; a number is allowed, also one with an exponent.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number
            .as_u64()
            .or_else(|| number.as_f64().map(|number| number as u64)),
        _ => None,
    }
}

/// The message of a failed request's answer: of a `google.rpc.Status`, or as other servers name it.
pub(crate) fn message(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let of = |value: &Value| value.as_str().map(str::to_owned);
    let error = &body["error"];
    [&body["message"], error, &error["message"], &body["detail"]]
        .into_iter()
        .find_map(of)
        .filter(|message| !message.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_rejected_items_is_read_in_every_form_of_protojson() {
        for number in ["3", "\"3\"", "3.0", "3e0"] {
            for (partial, rejected, message) in [
                ("partialSuccess", "rejectedLogRecords", "errorMessage"),
                ("partial_success", "rejected_log_records", "error_message"),
            ] {
                let body =
                    format!(r#"{{"{partial}":{{"{rejected}":{number},"{message}":"too\nold"}}}}"#);
                let accepted = accepted(body.as_bytes()).unwrap();
                assert_eq!(
                    (accepted.rejected, accepted.message.as_str()),
                    (3, "too old"),
                    "{body}"
                );
            }
        }
    }

    #[test]
    fn only_an_object_is_an_answer() {
        for body in [
            "{}",
            r#"{"partialSuccess":null}"#,
            r#"{"partialSuccess":{}}"#,
        ] {
            assert_eq!(
                accepted(body.as_bytes()),
                Some(Accepted::default()),
                "{body}"
            );
        }
        for body in ["<html>", "null", "[]", "OK", "\"ok\""] {
            assert_eq!(accepted(body.as_bytes()), None, "{body}");
        }
    }
}
