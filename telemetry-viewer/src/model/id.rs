use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// The id of a trace: 16 bytes, written as 32 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(pub [u8; 16]);

/// The id of a span within its trace: 8 bytes, written as 16 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId(pub [u8; 8]);

/// A text that is no trace or span id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id of this kind is {expected} hex digits, not all of them zero")]
pub struct ParseIdError {
    expected: usize,
}

impl TraceId {
    /// The id held by `bytes`, unless they are not 16 or are all zero, which stands for "no trace".
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        non_zero(bytes).map(Self)
    }
}

impl SpanId {
    /// The id held by `bytes`, unless they are not 8 or are all zero, which stands for "no span".
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        non_zero(bytes).map(Self)
    }
}

/// Reads 32 hex digits of either case; surrounding text or an all-zero id is an error.
impl FromStr for TraceId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        from_hex(text).map(Self)
    }
}

/// Reads 16 hex digits of either case; surrounding text or an all-zero id is an error.
impl FromStr for SpanId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        from_hex(text).map(Self)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceId({self})")
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpanId({self})")
    }
}

impl Serialize for TraceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for SpanId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn non_zero<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    let id: [u8; N] = bytes.try_into().ok()?;
    (id != [0; N]).then_some(id)
}

fn from_hex<const N: usize>(text: &str) -> Result<[u8; N], ParseIdError> {
    let error = ParseIdError { expected: N * 2 };
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return Err(error);
    }
    let mut id = [0; N];
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        let (Some(high), Some(low)) = (hex_digit(pair[0]), hex_digit(pair[1])) else {
            return Err(error);
        };
        *byte = high << 4 | low;
    }
    non_zero(&id).ok_or(error)
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

pub(super) fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_writes() {
        let text = "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(text.parse::<TraceId>().unwrap().to_string(), text);
        assert_eq!(
            text.to_uppercase().parse::<TraceId>().unwrap().to_string(),
            text
        );
    }

    #[test]
    fn what_is_not_hex_or_has_another_length_or_is_zero_is_no_id() {
        for text in [
            "",
            "0af7",
            "+af7651916cd43dd8448eb211c80319c",
            "éééééééééééééééé",
            "00000000000000000000000000000000",
            "0af7651916cd43dd8448eb211c80319c0",
        ] {
            assert!(text.parse::<TraceId>().is_err(), "{text}");
        }
        assert!("00f067aa0ba902b7".parse::<SpanId>().is_ok());
        assert!(SpanId::from_bytes(&[0; 8]).is_none());
    }
}
