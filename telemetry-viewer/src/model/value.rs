use std::fmt;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

/// Attributes in the order the sender recorded them.
pub type Attributes = Vec<(String, Value)>;

/// The value of an attribute, or the body of a log record, with the type the sender gave it.
///
/// Compared with a `&str` it is equal if it is a string of that text.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text.
    Str(String),
    /// A 64-bit integer.
    Int(i64),
    /// A 64-bit float.
    Double(f64),
    /// A boolean.
    Bool(bool),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// A list; its values may differ in type.
    Array(Vec<Value>),
    /// A list of named values; also what an empty OTLP value becomes, with no entry.
    KeyValues(Attributes),
}

impl Value {
    /// The text of a string value, `None` for any other type.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }
}

impl PartialEq<str> for Value {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == Some(other)
    }
}

impl PartialEq<&str> for Value {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == Some(other)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

/// Writes the value as a reader expects it: strings bare, bytes as hex, lists in brackets.
///
/// Control characters are written as they are; whoever prints to a terminal escapes them.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Str(text) => f.write_str(text),
            Self::Int(number) => write!(f, "{number}"),
            Self::Double(number) => write!(f, "{number:?}"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Bytes(bytes) => super::id::write_hex(bytes, f),
            Self::Array(values) => {
                f.write_str("[")?;
                for (index, value) in values.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { ", " })?;
                    value.fmt(f)?;
                }
                f.write_str("]")
            }
            Self::KeyValues(entries) => {
                f.write_str("{")?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { ", " })?;
                    write!(f, "{key}={value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

/// Strings, numbers, booleans, lists and objects as themselves; bytes as a hex string.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Str(text) => serializer.serialize_str(text),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Double(number) => serializer.serialize_f64(*number),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Bytes(_) => serializer.collect_str(self),
            Self::Array(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    list.serialize_element(value)?;
                }
                list.end()
            }
            Self::KeyValues(entries) => attributes_as_map(entries, serializer),
        }
    }
}

/// Serialises attributes as one JSON object, which is what a reader of the API expects.
pub(crate) fn attributes_as_map<S: Serializer>(
    attributes: &[(String, Value)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(attributes.len()))?;
    for (key, value) in attributes {
        map.serialize_entry(key, value)?;
    }
    map.end()
}

/// The first attribute of that key.
pub(crate) fn attribute<'a>(attributes: &'a [(String, Value)], key: &str) -> Option<&'a Value> {
    attributes
        .iter()
        .find(|(name, _)| name == key)
        .map(|(_, value)| value)
}

/// Memory of the attributes in bytes, counted so that many tiny values still weigh.
pub(crate) fn heap_size(attributes: &[(String, Value)]) -> usize {
    attributes
        .iter()
        .map(|(key, value)| size_of::<(String, Value)>() + key.len() + value.heap_size())
        .sum()
}

impl Value {
    pub(crate) fn heap_size(&self) -> usize {
        match self {
            Self::Str(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Array(values) => values
                .iter()
                .map(|value| size_of::<Self>() + value.heap_size())
                .sum(),
            Self::KeyValues(entries) => heap_size(entries),
            Self::Int(_) | Self::Double(_) | Self::Bool(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_prints_and_serialises_with_its_type() {
        let value = Value::KeyValues(vec![
            ("text".into(), "a".into()),
            ("list".into(), Value::Array(vec![1.into(), true.into()])),
            ("float".into(), Value::Double(2.0)),
            ("bytes".into(), Value::Bytes(vec![0, 255])),
        ]);
        assert_eq!(
            value.to_string(),
            "{text=a, list=[1, true], float=2.0, bytes=00ff}"
        );
        assert_eq!(
            serde_json::to_string(&value).unwrap(),
            r#"{"text":"a","list":[1,true],"float":2.0,"bytes":"00ff"}"#
        );
    }

    #[test]
    fn many_empty_values_still_weigh() {
        let value = Value::Array(vec![Value::Str(String::new()); 1000]);
        assert!(value.heap_size() >= 1000 * size_of::<Value>());
    }
}
