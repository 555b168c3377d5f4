//! The classes of bytes in SQL, in every dialect.

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

pub(super) fn continues_word(byte: u8) -> bool {
    byte >= 0x80 || byte == b'_' || byte == b'$' || byte.is_ascii_alphanumeric()
}

/// Words parted by single blanks, none of them starting with a digit or being a boolean.
pub(super) fn is_plain_name(name: &[u8]) -> bool {
    name.split(|&byte| byte == b' ').all(|word| {
        word.first().is_some_and(|first| !first.is_ascii_digit())
            && word.iter().all(|&byte| continues_word(byte))
            && !word.eq_ignore_ascii_case(b"true")
            && !word.eq_ignore_ascii_case(b"false")
    })
}
