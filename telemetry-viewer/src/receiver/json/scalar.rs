use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use prost::encoding::{WireType, encode_key, encode_varint};

use crate::receiver::schema::{Field, Kind};

/// A value of JSON that is neither list nor object.
pub(super) enum Scalar<'a> {
    Bool(bool),
    Int(i128),
    Double(f64),
    Text(&'a str),
}

const ANY_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// Writes the value as protobuf, or tells the expected kind of value.
pub(super) fn write(
    field: &Field,
    value: &Scalar<'_>,
    out: &mut Vec<u8>,
) -> Result<(), &'static str> {
    match field.kind {
        Kind::Message(_) | Kind::Messages(_) => Err("an object is expected"),
        Kind::Text => match value {
            Scalar::Text(text) => delimited(field, text.as_bytes(), out),
            _ => Err("a string is expected"),
        },
        Kind::Bytes => delimited(field, &base64(value)?, out),
        Kind::Id => delimited(field, &hex(value)?, out),
        Kind::Bool => match value {
            Scalar::Bool(truth) => varint(field, u64::from(*truth), out),
            _ => Err("true or false is expected"),
        },
        Kind::Integer(names) => match value {
            Scalar::Text(text) => match names.iter().find(|(name, _)| name == text) {
                // A negative number is a varint of its two's complement.
                Some((_, number)) => varint(field, number.cast_unsigned(), out),
                None => varint(field, signed(value)?.cast_unsigned(), out),
            },
            _ => varint(field, signed(value)?.cast_unsigned(), out),
        },
        Kind::Zigzag => {
            let number = signed(value)?;
            varint(field, ((number << 1) ^ (number >> 63)).cast_unsigned(), out)
        }
        Kind::VarintList => varint(field, unsigned(value)?, out),
        Kind::Fixed32 => {
            let number = u32::try_from(unsigned(value)?).map_err(|_| "the number is too large")?;
            encode_key(field.number, WireType::ThirtyTwoBit, out);
            out.extend_from_slice(&number.to_le_bytes());
            Ok(())
        }
        Kind::Fixed64 | Kind::Fixed64List => eight(field, unsigned(value)?.to_le_bytes(), out),
        Kind::Signed64 => eight(field, signed(value)?.to_le_bytes(), out),
        Kind::Double | Kind::DoubleList => eight(field, double(value)?.to_le_bytes(), out),
    }
}

fn delimited(field: &Field, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
    encode_key(field.number, WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
    Ok(())
}

fn varint(field: &Field, number: u64, out: &mut Vec<u8>) -> Result<(), &'static str> {
    encode_key(field.number, WireType::Varint, out);
    encode_varint(number, out);
    Ok(())
}

fn eight(field: &Field, bytes: [u8; 8], out: &mut Vec<u8>) -> Result<(), &'static str> {
    encode_key(field.number, WireType::SixtyFourBit, out);
    out.extend_from_slice(&bytes);
    Ok(())
}

/// An integer as a number, as a number with an exponent or a fraction of zero, or as a string of one.
fn integer(value: &Scalar<'_>) -> Result<i128, &'static str> {
    const EXPECTED: &str = "an integer is expected";
    let whole = |number: f64| {
        // The range of all integer fields lies far within that of a 128-bit integer.
        (number.fract() == 0.0 && number.abs() < 1e30)
            .then_some(number as i128)
            .ok_or(EXPECTED)
    };
    match value {
        Scalar::Int(number) => Ok(*number),
        Scalar::Double(number) => whole(*number),
        Scalar::Text(text) => match text.parse() {
            Ok(number) => Ok(number),
            Err(_) => whole(text.parse().map_err(|_| EXPECTED)?),
        },
        Scalar::Bool(_) => Err(EXPECTED),
    }
}

fn signed(value: &Scalar<'_>) -> Result<i64, &'static str> {
    i64::try_from(integer(value)?).map_err(|_| "the number does not fit 64 bits")
}

fn unsigned(value: &Scalar<'_>) -> Result<u64, &'static str> {
    u64::try_from(integer(value)?).map_err(|_| "the number is negative or does not fit 64 bits")
}

fn double(value: &Scalar<'_>) -> Result<f64, &'static str> {
    const EXPECTED: &str = "a number, \"NaN\", \"Infinity\" or \"-Infinity\" is expected";
    match value {
        Scalar::Int(number) => Ok(*number as f64),
        Scalar::Double(number) => Ok(*number),
        Scalar::Text("NaN") => Ok(f64::NAN),
        Scalar::Text("Infinity") => Ok(f64::INFINITY),
        Scalar::Text("-Infinity") => Ok(f64::NEG_INFINITY),
        Scalar::Text(text) => match text.parse::<f64>() {
            // Rust reads further words for these three, ProtoJSON does not.
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(EXPECTED),
        },
        Scalar::Bool(_) => Err(EXPECTED),
    }
}

/// The standard and the URL-safe alphabet, with padding or without.
fn base64(value: &Scalar<'_>) -> Result<Vec<u8>, &'static str> {
    let Scalar::Text(text) = value else {
        return Err("a string in base64 is expected");
    };
    let alphabet = if text.contains(['-', '_']) {
        &URL_SAFE
    } else {
        &STANDARD
    };
    GeneralPurpose::new(alphabet, ANY_PADDING)
        .decode(text)
        .map_err(|_| "a string in base64 is expected")
}

fn hex(value: &Scalar<'_>) -> Result<Vec<u8>, &'static str> {
    const EXPECTED: &str = "an id in hex digits is expected";
    let Scalar::Text(text) = value else {
        return Err(EXPECTED);
    };
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return Err(EXPECTED);
    }
    let digit = |digit: u8| char::from(digit).to_digit(16).ok_or(EXPECTED);
    digits
        .chunks_exact(2)
        .map(|pair| {
            let byte = digit(pair[0])? << 4 | digit(pair[1])?;
            u8::try_from(byte).map_err(|_| EXPECTED)
        })
        .collect()
}
