//! Text as JSON strings have it.

use std::fmt::Write as _;

use super::bounded_text::is_unsafe;

/// The start of a member that is a string: `,"name":"`.
pub(crate) fn key(name: &str) -> String {
    let mut text = String::new();
    write_key(&mut text, name);
    text
}

pub(crate) fn write_key(text: &mut String, name: &str) {
    text.push_str(",\"");
    escape(text, name, usize::MAX);
    text.push_str("\":\"");
}

/// The same for a field whose own name means something else.
pub(crate) fn renamed_key(name: &str) -> String {
    key(&["field.", name].concat())
}

/// Appends the text until the length `end`. Returns whether all of it fitted.
#[inline]
pub(crate) fn escape(text: &mut String, part: &str, end: usize) -> bool {
    let fits = part.len() <= end.saturating_sub(text.len());
    // Nearly all text is plain ASCII.
    if fits && !has_special(part.as_bytes()) {
        text.push_str(part);
        return true;
    }
    escape_slowly(text, part, end, fits)
}

/// Appends text that is not plain ASCII. Most of it is letters of other scripts, which are not escaped either.
#[cold]
fn escape_slowly(text: &mut String, part: &str, end: usize, fits: bool) -> bool {
    if fits && !part.bytes().any(may_begin_escaped) {
        text.push_str(part);
        return true;
    }
    escape_each(text, part, end)
}

fn escape_each(text: &mut String, part: &str, end: usize) -> bool {
    for c in part.chars() {
        // The longest escape has six bytes.
        if text.len() + 6 > end {
            return false;
        }
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if is_unsafe(c) => {
                let _ = write!(text, "\\u{:04x}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    true
}

/// Returns whether any of the bytes is not plain ASCII. Looks at many at once; the last may be looked at twice.
// Inlined into `escape` it would use up the registers.
#[inline(never)]
fn has_special(bytes: &[u8]) -> bool {
    if let Some(last) = bytes.last_chunk::<16>() {
        let (chunks, _) = bytes.as_chunks::<16>();
        return chunks.iter().any(any_special) || any_special(last);
    }
    ends_special::<8>(bytes)
        .or_else(|| ends_special::<4>(bytes))
        .or_else(|| ends_special::<2>(bytes))
        .unwrap_or_else(|| bytes.iter().any(is_special))
}

/// Returns whether one is among the first or the last `N` bytes, if there are so many.
fn ends_special<const N: usize>(bytes: &[u8]) -> Option<bool> {
    Some(any_special(bytes.first_chunk::<N>()?) | any_special(bytes.last_chunk::<N>()?))
}

/// Not `any`, which looks at one after the other.
fn any_special<const N: usize>(bytes: &[u8; N]) -> bool {
    bytes
        .iter()
        .fold(false, |found, byte| found | is_special(byte))
}

/// Bytes that JSON escapes, DEL, and all beyond ASCII: as numbers with a sign these and the control characters are one range.
fn is_special(byte: &u8) -> bool {
    (byte.cast_signed() < 0x20) | (*byte == b'"') | (*byte == b'\\') | (*byte == 0x7f)
}

/// Escaped ASCII, and the first bytes of all other characters that are escaped: U+0080 to U+00BF begin with C2, U+0600 to
/// U+063F with D8, U+2000 to U+2FFF with E2.
fn may_begin_escaped(byte: u8) -> bool {
    byte < 0x20 || matches!(byte, b'"' | b'\\' | 0x7f | 0xc2 | 0xd8 | 0xe2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_found_wherever_it_stands() {
        for length in 0..40 {
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    for around in [b'a', b'~', b' '] {
                        let mut bytes = vec![around; length];
                        bytes[at] = byte;
                        let plain = (b' '..0x7f).contains(&byte) && byte != b'"' && byte != b'\\';
                        assert_eq!(has_special(&bytes), !plain, "{bytes:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_unsafe_character_is_escaped_and_no_other() {
        for c in '\0'..=char::MAX {
            let mut text = String::new();
            assert!(escape(&mut text, c.encode_utf8(&mut [0; 4]), usize::MAX));
            let plain = text.starts_with(c) && text.len() == c.len_utf8();
            assert_eq!(plain, !is_unsafe(c) && c != '"' && c != '\\', "{c:?}");
            let back: String = serde_json::from_str(&format!("\"{text}\"")).unwrap();
            assert_eq!(back.chars().collect::<Vec<_>>(), [c]);
        }
    }
}
