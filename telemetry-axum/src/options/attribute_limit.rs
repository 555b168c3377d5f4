//! The limit for attribute values that callers choose.

/// The longest value that a caller can give to an attribute, in bytes.
///
/// Servers accept headers of hundreds of kilobytes, and a longer value tells an operator nothing more. The configured
/// limit `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT` may be lower; it is applied later, when spans are exported.
pub(crate) const MAX_VALUE_BYTES: usize = 4096;

/// The start of `text`: at most [`MAX_VALUE_BYTES`] bytes, cut between two characters.
pub(crate) fn limited(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_VALUE_BYTES)]
}
