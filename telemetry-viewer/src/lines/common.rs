use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

use crate::model::{Attributes, Exemplar, Number, Value};

/// Items by resource and scope: neighbours that share both stand together.
pub(super) fn grouped<T>(
    items: &[T],
    same_resource: impl Fn(&T, &T) -> bool,
    same_scope: impl Fn(&T, &T) -> bool,
) -> Vec<(&[T], Vec<&[T]>)> {
    items
        .chunk_by(same_resource)
        .map(|of_one| (of_one, of_one.chunk_by(&same_scope).collect()))
        .collect()
}

pub(super) fn attributes(attributes: &Attributes) -> Json {
    let pair = |(key, it): &(String, Value)| json!({ "key": key, "value": value(it) });
    attributes.iter().map(pair).collect()
}

pub(super) fn value(value: &Value) -> Json {
    match value {
        Value::Str(text) => json!({ "stringValue": text }),
        Value::Bool(truth) => json!({ "boolValue": truth }),
        Value::Int(number) => json!({ "intValue": number.to_string() }),
        Value::Double(number) => json!({ "doubleValue": double(*number) }),
        Value::Bytes(bytes) => json!({ "bytesValue": STANDARD.encode(bytes) }),
        Value::Array(values) => {
            let values: Vec<Json> = values.iter().map(self::value).collect();
            json!({ "arrayValue": { "values": values } })
        }
        // An empty value is kept as an empty list of keys.
        Value::KeyValues(entries) if entries.is_empty() => json!({}),
        Value::KeyValues(entries) => json!({ "kvlistValue": { "values": attributes(entries) } }),
    }
}

/// A number, or one of the three words of ProtoJSON for what JSON cannot write.
pub(super) fn double(number: f64) -> Json {
    if number.is_nan() {
        json!("NaN")
    } else if number.is_infinite() {
        json!(if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        })
    } else {
        json!(number)
    }
}

pub(super) fn number(number: Number) -> (&'static str, Json) {
    match number {
        Number::Int(number) => ("asInt", json!(number.to_string())),
        Number::Double(number) => ("asDouble", double(number)),
    }
}

pub(super) fn exemplar(exemplar: &Exemplar) -> Json {
    let mut out = Map::new();
    out.insert("timeUnixNano".into(), nanos(exemplar.time_unix_nanos));
    let (key, value) = number(exemplar.value);
    out.insert(key.into(), value);
    if let Some(id) = exemplar.trace_id {
        out.insert("traceId".into(), json!(id.to_string()));
    }
    if let Some(id) = exemplar.span_id {
        out.insert("spanId".into(), json!(id.to_string()));
    }
    out.insert(
        "filteredAttributes".into(),
        attributes(&exemplar.attributes),
    );
    Json::Object(out)
}

/// 64-bit integers are strings in ProtoJSON.
pub(super) fn nanos(nanos: u64) -> Json {
    json!(nanos.to_string())
}
