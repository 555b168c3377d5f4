//! Lower-case hex of ids, without allocation.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Writes two digits for each byte; `text` must be twice as long as `bytes`, what does not fit is left out.
pub(crate) fn encode(bytes: &[u8], text: &mut [u8]) {
    for (byte, pair) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        pair.copy_from_slice(&[
            DIGITS[usize::from(byte >> 4)],
            DIGITS[usize::from(byte & 15)],
        ]);
    }
}

/// Reads exactly `N` bytes from `2 * N` lower-case digits. W3C Trace Context allows no upper case.
pub(crate) fn decode<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    let mut seen = 0;
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = [pair[0], pair[1]].map(|digit| VALUES[usize::from(digit)]);
        seen |= high | low;
        *byte = high << 4 | low & 0xf;
    }
    // One question for all digits instead of one for each.
    (seen < 16).then_some(bytes)
}

/// The value of each digit; what is none has a high bit.
const VALUES: [u8; 256] = {
    let mut values = [0xff; 256];
    let mut value = 0;
    while value < 16 {
        values[DIGITS[value] as usize] = value as u8;
        value += 1;
    }
    values
};
