//! Lower-case hex of ids, without allocation.

/// Writes two digits for each byte; `text` must be twice as long as `bytes`, what does not fit is left out.
pub fn encode(bytes: &[u8], text: &mut [u8]) {
    for (byte, pair) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        pair.copy_from_slice(&[hex(byte >> 4), hex(byte & 15)]);
    }
}

/// By arithmetic instead of a table, which the compiler turns into vector instructions.
const fn hex(nibble: u8) -> u8 {
    nibble + b'0' + (nibble > 9) as u8 * (b'a' - b'9' - 1)
}

/// Reads 64 lower-case digits, as W3C Trace Context allows no upper case: whole vectors, which cost less than a table does
/// for half as many. What is shorter is to be padded with zeros.
#[inline]
pub(crate) fn decode(digits: &[u8; 64]) -> Option<[u8; 32]> {
    let mut valid = true;
    let nibbles = digits.map(|digit| {
        let (number, letter) = (digit.wrapping_sub(b'0'), digit.wrapping_sub(b'a'));
        valid &= (number < 10) | (letter < 6);
        if number < 10 {
            number
        } else {
            letter.wrapping_add(10)
        }
    });
    let mut bytes = [0; 32];
    let (fours, _) = bytes.as_chunks_mut::<4>();
    for (four, eight) in fours.iter_mut().zip(nibbles.as_chunks::<8>().0) {
        let eight = u64::from_be_bytes(*eight);
        // Each step halves the distance between the digits.
        let pairs = (eight | eight >> 4) & 0x00ff_00ff_00ff_00ff;
        let quads = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
        let packed = (quads | quads >> 16) as u32;
        *four = packed.to_be_bytes();
    }
    valid.then_some(bytes)
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
                assert_eq!(decode(&text), None, "{byte} at {at}");
            }
        }
    }
}
