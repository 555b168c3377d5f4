//! Lower-case hex of ids, without allocation.

/// Writes two digits for each byte; `text` must be twice as long as `bytes`, what does not fit is left out.
pub(crate) fn encode(bytes: &[u8], text: &mut [u8]) {
    for (byte, pair) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        pair.copy_from_slice(&[hex(byte >> 4), hex(byte & 15)]);
    }
}

/// By arithmetic instead of a table, which the compiler turns into vector instructions.
fn hex(nibble: u8) -> u8 {
    nibble + b'0' + u8::from(nibble > 9) * (b'a' - b'9' - 1)
}

/// Reads exactly `N` bytes from `2 * N` lower-case digits. W3C Trace Context allows no upper case.
pub(crate) fn decode<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn digit(c: u8) -> Option<u8> {
    match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_any_length_is_written_as_two_digits() {
        let bytes: Vec<u8> = (0..=255).collect();
        for length in [0, 1, 2, 3, 4, 5, 8, 16, 255, 256] {
            let mut text = vec![0; 2 * length];
            encode(&bytes[..length], &mut text);
            let expected: String = bytes[..length].iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(text, expected.as_bytes(), "{length}");
        }
    }
}
