//! Protobuf written field by field into one buffer, with no message structs in between.

use opentelemetry::{Array, KeyValue, Value};
use prost::encoding::{WireType, encode_key, encode_varint};

use super::limits;

/// Appends fields. As protobuf has it, a field that holds its type's default is left out.
pub(crate) struct Writer {
    bytes: Vec<u8>,
    /// The bound of attribute values, in characters.
    value_length: Option<usize>,
}

impl Writer {
    pub(crate) fn with_capacity(capacity: usize, value_length: Option<usize>) -> Self {
        Self {
            bytes: Vec::with_capacity(capacity),
            value_length,
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn uint(&mut self, field: u32, value: u64) {
        if value != 0 {
            encode_key(field, WireType::Varint, &mut self.bytes);
            encode_varint(value, &mut self.bytes);
        }
    }

    pub(crate) fn fixed32(&mut self, field: u32, value: u32) {
        if value != 0 {
            encode_key(field, WireType::ThirtyTwoBit, &mut self.bytes);
            self.bytes.extend_from_slice(&value.to_le_bytes());
        }
    }

    pub(crate) fn fixed64(&mut self, field: u32, value: u64) {
        if value != 0 {
            encode_key(field, WireType::SixtyFourBit, &mut self.bytes);
            self.bytes.extend_from_slice(&value.to_le_bytes());
        }
    }

    /// A string, bytes, or a message that is encoded already.
    pub(crate) fn bytes(&mut self, field: u32, value: &[u8]) {
        if !value.is_empty() {
            self.present_bytes(field, value);
        }
    }

    /// A message, whose presence says something even if it is empty.
    pub(crate) fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        encode_key(field, WireType::LengthDelimited, &mut self.bytes);
        // Its length is known afterwards. Most fit into one byte; the others are moved by the bytes that theirs needs.
        let start = self.bytes.len();
        self.bytes.push(0);
        write(self);
        let length = self.bytes.len() - start - 1;
        match u8::try_from(length) {
            Ok(short) if short < 0x80 => self.bytes[start] = short,
            _ => {
                let mut prefix = [0; 10];
                let mut rest = &mut prefix[..];
                encode_varint(length as u64, &mut rest);
                let unused = rest.len();
                let prefix = &prefix[..prefix.len() - unused];
                self.bytes
                    .splice(start..=start, prefix.iter().copied())
                    .for_each(drop);
            }
        }
    }

    /// Each a `KeyValue` of the field, their values cut to the bound.
    pub(crate) fn attributes<'a>(
        &mut self,
        field: u32,
        attributes: impl IntoIterator<Item = &'a KeyValue>,
    ) {
        for attribute in attributes {
            self.message(field, |writer| {
                writer.bytes(1, attribute.key.as_str().as_bytes());
                writer.message(2, |writer| writer.value(&attribute.value));
            });
        }
    }

    /// The `oneof` of an `AnyValue`, whose field is there even if it holds a default.
    fn value(&mut self, value: &Value) {
        match value {
            Value::Bool(value) => self.bool(*value),
            Value::I64(value) => self.i64(*value),
            Value::F64(value) => self.f64(*value),
            Value::String(value) => self.text(value.as_str()),
            Value::Array(array) => self.message(5, |writer| match array {
                Array::Bool(items) => writer.items(items, |writer, item| writer.bool(*item)),
                Array::I64(items) => writer.items(items, |writer, item| writer.i64(*item)),
                Array::F64(items) => writer.items(items, |writer, item| writer.f64(*item)),
                Array::String(items) => {
                    writer.items(items, |writer, item| writer.text(item.as_str()));
                }
                _ => {}
            }),
            _ => {}
        }
    }

    fn items<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        for item in items {
            self.message(1, |writer| write(writer, item));
        }
    }

    fn text(&mut self, text: &str) {
        let text = match self.value_length {
            Some(limit) => limits::cut_str(text, limit),
            None => text,
        };
        self.present_bytes(1, text.as_bytes());
    }

    fn bool(&mut self, value: bool) {
        encode_key(2, WireType::Varint, &mut self.bytes);
        self.bytes.push(u8::from(value));
    }

    fn i64(&mut self, value: i64) {
        encode_key(3, WireType::Varint, &mut self.bytes);
        encode_varint(value.cast_unsigned(), &mut self.bytes);
    }

    fn f64(&mut self, value: f64) {
        encode_key(4, WireType::SixtyFourBit, &mut self.bytes);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// As [`bytes`](Self::bytes), even if it is empty.
    pub(crate) fn present_bytes(&mut self, field: u32, value: &[u8]) {
        encode_key(field, WireType::LengthDelimited, &mut self.bytes);
        encode_varint(value.len() as u64, &mut self.bytes);
        self.bytes.extend_from_slice(value);
    }
}
