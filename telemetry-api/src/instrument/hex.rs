//! Lower-case hex of ids, without allocation.

/// Writes two digits for each byte. `text` must be twice as long as `bytes`; otherwise nothing is written.
pub fn encode(bytes: &[u8], text: &mut [u8]) {
    let _ = const_hex::encode_to_slice(bytes, text);
}

/// Reads lower-case digits, as W3C Trace Context allows no upper case.
#[inline]
pub(crate) fn decode<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let is_upper = digits.iter().any(u8::is_ascii_uppercase);
    (!is_upper && const_hex::decode_to_slice(digits, &mut bytes).is_ok()).then_some(bytes)
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

    #[test]
    fn every_byte_is_read_back_and_nothing_else_is_read() {
        for first in (0..=224).step_by(32) {
            let bytes: [u8; 32] = std::array::from_fn(|i| first + i as u8);
            let mut text = [0; 64];
            encode(&bytes, &mut text);
            assert_eq!(decode(&text), Some(bytes));
        }
        for byte in (0..=255).filter(|byte| !b"0123456789abcdef".contains(byte)) {
            for at in 0..64 {
                let mut text = [b'0'; 64];
                text[at] = byte;
                assert_eq!(decode::<32>(&text), None, "{byte} at {at}");
            }
        }
    }
}
