//! Queries.

use std::borrow::Cow;

use super::{
    REDACTED,
    credentials::{Names, decoded, is_credential},
};

/// The query with the values of credentials replaced by [`REDACTED`]. `&` and `;` separate parameters.
///
/// A value that holds a URL or query with a credential, encoded or not, is replaced as a whole.
pub fn query<'q, N: Names + ?Sized>(query: &'q str, names: &N) -> Cow<'q, str> {
    let mut redacted = String::new();
    let mut kept = 0;
    for parameter in parameters(query) {
        if let Some(value) = parameter.credential(names) {
            redacted.push_str(&query[kept..value.start]);
            redacted.push_str(REDACTED);
            kept = value.end;
        }
    }
    if kept == 0 {
        return query.into();
    }
    redacted.push_str(&query[kept..]);
    redacted.into()
}

/// True if [`query`] would replace anything.
pub fn has_credential<N: Names + ?Sized>(query: &str, names: &N) -> bool {
    parameters(query).any(|parameter| parameter.credential(names).is_some())
}

/// A parameter of a query, by the places of its parts.
struct Parameter<'q> {
    query: &'q [u8],
    start: usize,
    /// The `=` that ends the name, and its length, which is 3 if it is percent-encoded.
    equals: Option<(usize, usize)>,
    end: usize,
}

impl Parameter<'_> {
    /// The place of the value, if it is or holds a credential.
    fn credential<N: Names + ?Sized>(&self, names: &N) -> Option<std::ops::Range<usize>> {
        let (at, length) = self.equals?;
        let value = at + length..self.end;
        let text = &self.query[value.clone()];
        let name = &self.query[self.start..at];
        let is = is_credential(name, names) || holds_credential(text, names);
        is.then_some(value)
    }
}

/// True if a value holds a parameter or user information that is a credential, as the URL of a redirect does.
fn holds_credential<N: Names + ?Sized>(value: &[u8], names: &N) -> bool {
    if !value.iter().any(|byte| matches!(byte, b'%' | b'=' | b'@')) {
        return false;
    }
    let value = decoded(value);
    let has_user = value
        .windows(3)
        .position(|three| three == b"://")
        .is_some_and(|at| {
            let mut authority = value[at + 3..].split(|byte| matches!(byte, b'/' | b'?' | b'#'));
            authority.next().is_some_and(|it| it.contains(&b'@'))
        });
    has_user
        || value
            .split(|byte| matches!(byte, b'?' | b'#' | b'&' | b';'))
            .any(|pair| {
                let equals = pair.iter().position(|byte| *byte == b'=');
                equals.is_some_and(|at| is_credential(&pair[..at], names))
            })
}

/// The parameters of a query. After a `;` one begins only if a plain name and `=` follow: a value may have a `;`, and a part
/// of a credential must not be taken for a parameter.
fn parameters(query: &str) -> impl Iterator<Item = Parameter<'_>> {
    let bytes = query.as_bytes();
    let mut start = 0;
    std::iter::from_fn(move || {
        if start > bytes.len() {
            return None;
        }
        let begin = start;
        let mut equals = None;
        let mut at = begin;
        while at < bytes.len() {
            match bytes[at] {
                b'&' => break,
                b';' if equals.is_none() || begins_parameter(&bytes[at + 1..]) => break,
                b'=' if equals.is_none() => equals = Some((at, 1)),
                b'%' if equals.is_none() && is_encoded_equals(&bytes[at..]) => {
                    equals = Some((at, 3));
                }
                _ => {}
            }
            at += 1;
        }
        start = at + 1;
        Some(Parameter {
            query: bytes,
            start: begin,
            equals,
            end: at,
        })
    })
}

fn is_encoded_equals(text: &[u8]) -> bool {
    text.get(..3)
        .is_some_and(|escape| escape.eq_ignore_ascii_case(b"%3d"))
}

fn begins_parameter(text: &[u8]) -> bool {
    let is_plain = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'_' | b'.' | b'[' | b']' | b'%' | b'+')
    };
    let name = text.iter().take_while(|byte| is_plain(byte)).count();
    name > 0 && text.get(name) == Some(&b'=')
}
