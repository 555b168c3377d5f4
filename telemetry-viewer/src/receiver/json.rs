//! OTLP in JSON, written as protobuf: every spelling that ProtoJSON allows, ids in hex as OTLP has them.

mod scalar;

use std::borrow::Cow;
use std::fmt;

use prost::encoding::{WireType, encode_key, encode_varint};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::schema::{Field, Kind, Message};
use scalar::Scalar;

/// The request as protobuf.
///
/// # Errors
///
/// With a line that names the place, if the text is not JSON or a value does not fit its field.
pub(super) fn to_protobuf(
    message: &'static Message,
    json: &[u8],
) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::with_capacity(json.len() / 2);
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let seed = MessageSeed {
        message,
        out: &mut out,
    };
    seed.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(out)
}

/// Reads one message from a JSON object.
struct MessageSeed<'a> {
    message: &'static Message,
    out: &'a mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for MessageSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MessageSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            match self.message.fields.iter().find(|field| field.name == name) {
                Some(field) => map.next_value_seed(FieldSeed {
                    field,
                    out: self.out,
                    in_list: false,
                })?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// Reads the value of one field: `null` stands for its default and writes nothing.
struct FieldSeed<'a> {
    field: &'static Field,
    out: &'a mut Vec<u8>,
    /// Whether the value is an item of a list.
    in_list: bool,
}

impl FieldSeed<'_> {
    fn scalar<E: Error>(self, value: &Scalar<'_>) -> Result<(), E> {
        scalar::write(self.field, value, self.out)
            .map_err(|expected| E::custom(format_args!("{}: {expected}", self.field.name)))
    }

    fn is_list(&self) -> bool {
        matches!(
            self.field.kind,
            Kind::Messages(_) | Kind::Fixed64List | Kind::DoubleList | Kind::VarintList
        )
    }
}

impl<'de> DeserializeSeed<'de> for FieldSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.field.kind {
            Kind::Messages(_) if !self.in_list => "a list of objects",
            Kind::Message(_) | Kind::Messages(_) => "an object",
            Kind::Fixed64List | Kind::DoubleList | Kind::VarintList => "a list of numbers",
            _ => "a value",
        };
        write!(f, "{kind} for {}", self.field.name)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.scalar(&Scalar::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.scalar(&Scalar::Int(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.scalar(&Scalar::Int(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.scalar(&Scalar::Double(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.scalar(&Scalar::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if self.in_list || !self.is_list() {
            return Err(A::Error::custom(format_args!(
                "a list where {} is one value",
                self.field.name
            )));
        }
        while list
            .next_element_seed(FieldSeed {
                field: self.field,
                out: self.out,
                in_list: true,
            })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let message = match self.field.kind {
            Kind::Message(message) => message,
            Kind::Messages(message) if self.in_list => message,
            _ => {
                return Err(A::Error::custom(format_args!(
                    "an object where {} is none",
                    self.field.name
                )));
            }
        };
        let mut content = Vec::new();
        MessageSeed {
            message,
            out: &mut content,
        }
        .visit_map(map)?;
        encode_key(self.field.number, WireType::LengthDelimited, self.out);
        encode_varint(content.len() as u64, self.out);
        self.out.extend_from_slice(&content);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
