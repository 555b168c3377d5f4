//! Texts of errors: written by libraries for developers, with the URL, the value or the statement that failed.

use std::borrow::Cow;

use super::{
    credentials::{Credentials, Names, REDACTED},
    url::url,
};

/// The words before the message of a database, in the texts of drivers: sqlx, and the PostgreSQL driver of Tokio.
const DATABASE_MARKS: &[&str] = &["error returned from database: ", "db error: "];

/// The text of an error without credentials: URLs by the rules of [`url`](super::url()), the values of `name=value` and
/// `"name": "value"` where the name is a credential's, and the token after `Bearer` and `Basic`. In the message of a database
/// that a driver quotes, also the [values](database_text).
///
/// ```
/// use telemetry_semconv::redact::{Credentials, error_text};
///
/// let text = "error sending request for url (https://api.shop.example/pay?token=s3cret)";
/// let shown = error_text(text, &Credentials::default());
/// assert_eq!(shown, "error sending request for url (https://api.shop.example/pay?token=REDACTED)");
/// ```
pub fn error_text<'t>(text: &'t str, names: &Credentials) -> Cow<'t, str> {
    // Without one of these there is nothing to redact, and many texts have none.
    if !text
        .bytes()
        .any(|byte| matches!(byte, b':' | b'=' | b'B' | b'b'))
    {
        return text.into();
    }
    let mut shown = Cow::Borrowed(text);
    for mark in DATABASE_MARKS {
        if let Some(at) = shown.find(mark) {
            let message = at + mark.len();
            if let Cow::Owned(masked) = database_text(&shown[message..]) {
                shown = format!("{}{masked}", &shown[..message]).into();
            }
        }
    }
    for step in [urls, pairs, schemes] {
        if let Cow::Owned(redacted) = step(&shown, names) {
            shown = redacted.into();
        }
    }
    shown
}

/// URLs, each up to a blank or quote.
fn urls<'t>(text: &'t str, names: &Credentials) -> Cow<'t, str> {
    let mut shown = String::new();
    let mut kept = 0;
    while let Some(found) = text[kept..].find("://") {
        let mark = kept + found;
        let scheme = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let name = text.as_bytes()[kept..mark]
            .iter()
            .rev()
            .take_while(|byte| scheme(byte))
            .count();
        let start = mark - name;
        let end = text[mark..]
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '`'))
            .map_or(text.len(), |at| mark + at);
        let end = start
            + text[start..end]
                .trim_end_matches([')', ']', '}', ',', '.', ';', ':', '\''])
                .len();
        let end = end.max(mark + 3);
        shown.push_str(&text[kept..start]);
        shown.push_str(&in_error(&text[start..end], names));
        kept = end;
    }
    if kept == 0 {
        return text.into();
    }
    shown.push_str(&text[kept..]);
    if shown == text {
        text.into()
    } else {
        shown.into()
    }
}

/// A password may have every byte, and an error about a URL that cannot be parsed has it as it came.
fn in_error<'u>(text: &'u str, names: &Credentials) -> Cow<'u, str> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let is_web = ["http", "https", "ws", "wss"]
        .iter()
        .any(|web| scheme.eq_ignore_ascii_case(web));
    match rest.rfind('@') {
        Some(at) if !is_web => {
            let place = format!("{scheme}://{REDACTED}:{REDACTED}{}", &rest[at..]);
            url(&place, names).into_owned().into()
        }
        _ => url(text, names),
    }
}

/// `name=value` and `"name":"value"`, where the name is a credential's. `code` and other short words stand for something else
/// in a sentence, so only the longer names count here.
fn pairs<'t>(text: &'t str, names: &Credentials) -> Cow<'t, str> {
    let bytes = text.as_bytes();
    let mut shown = String::new();
    let mut kept = 0;
    for (at, byte) in text.bytes().enumerate() {
        if !matches!(byte, b'=' | b':') || at < kept {
            continue;
        }
        let before = text[..at].trim_end();
        let unquoted = before.trim_end_matches(['"', '\'', '\\']);
        let is_quoted = unquoted.len() < before.len();
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '%');
        let start = unquoted.trim_end_matches(is_word).len();
        // `invalid token: expected ..` names no value.
        if (byte == b':' && !is_quoted) || !is_telling(&unquoted[start..], names) {
            continue;
        }
        let mut value = at + 1;
        while bytes
            .get(value)
            .is_some_and(|byte| matches!(byte, b' ' | b'"' | b'\'' | b'\\'))
        {
            value += 1;
        }
        let quoted = bytes
            .get(value.wrapping_sub(1))
            .is_some_and(|byte| matches!(byte, b'"' | b'\''));
        let ends = |c: char| match quoted {
            true => matches!(c, '"' | '\'' | '\\'),
            false => {
                c.is_whitespace() || matches!(c, '&' | ';' | ',' | ')' | ']' | '}' | '"' | '\'')
            }
        };
        let end = text[value..]
            .find(ends)
            .map_or(text.len(), |length| value + length);
        if end > value && !text[value..].starts_with(REDACTED) {
            shown.push_str(&text[kept..value]);
            shown.push_str(REDACTED);
            kept = end;
        }
    }
    if kept == 0 {
        return text.into();
    }
    shown.push_str(&text[kept..]);
    shown.into()
}

fn is_telling(name: &str, names: &Credentials) -> bool {
    const AMBIGUOUS: &[&str] = &["auth", "code", "credential", "pass", "session"];
    let is_ambiguous = AMBIGUOUS.iter().any(|word| name.eq_ignore_ascii_case(word));
    let is_added = names.decides(name.to_ascii_lowercase().as_bytes()) == Some(true);
    (!is_ambiguous || is_added) && super::credentials::is_credential(name.as_bytes(), names)
}

/// `Bearer abc`, `Basic abc`: the schemes of an Authorization header.
fn schemes<'t>(text: &'t str, _: &Credentials) -> Cow<'t, str> {
    let mut shown = Cow::Borrowed(text);
    for scheme in ["bearer ", "basic "] {
        let mut from = 0;
        while let Some(found) = find_ignoring_case(&shown[from..], scheme) {
            let value = from + found + scheme.len();
            let is_token = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
            let length = shown[value..]
                .find(|c| !is_token(c))
                .unwrap_or(shown.len() - value);
            // A word of a sentence is shorter, and has no digits and no capitals inside.
            let token = &shown[value..value + length];
            let is_secret = length >= 8
                && token != REDACTED
                && token.bytes().skip(1).any(|byte| !byte.is_ascii_lowercase());
            from = value;
            if is_secret {
                shown = format!("{}{REDACTED}{}", &shown[..value], &shown[value + length..]).into();
            }
        }
    }
    shown
}

fn find_ignoring_case(text: &str, word: &str) -> Option<usize> {
    let word = word.as_bytes();
    text.as_bytes()
        .windows(word.len())
        .position(|window| window.eq_ignore_ascii_case(word))
}

/// The message of a database without the values it quotes. The names of constraints, relations and tables stay.
///
/// A value may have quotes of its own. So the mask runs from the first quote that is not around such a name to the last.
///
/// ```
/// use telemetry_semconv::redact::database_text;
///
/// assert_eq!(database_text("invalid input syntax for type uuid: \"s3cret\""), "invalid input syntax for type uuid: \"?\"");
/// let kept = "duplicate key value violates unique constraint \"users_email_key\"";
/// assert_eq!(database_text(kept), kept);
/// ```
pub fn database_text(message: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut rest = message;
    while let Some(open) = rest.find(['"', '\'', '`']) {
        let quote = &rest[open..=open];
        let inside = &rest[open + 1..];
        let name = inside
            .find(quote)
            .filter(|_| names_an_object(&rest[..open]));
        if let Some(close) = name {
            let after = open + 1 + close + 1;
            shown.push_str(&rest[..after]);
            rest = &rest[after..];
            continue;
        }
        let last = rest.rfind(['"', '\'', '`']).filter(|last| *last > open);
        shown.push_str(&rest[..=open]);
        shown.push('?');
        rest = last.map_or("", |last| &rest[last..]);
        // The rest may begin with the quote that ends the value.
        let end = rest.chars().next().map_or(0, char::len_utf8);
        shown.push_str(&rest[..end]);
        rest = &rest[end..];
    }
    shown.push_str(rest);
    let shown = bare_values(shown);
    if shown == message {
        message.into()
    } else {
        shown.into()
    }
}

fn names_an_object(before: &str) -> bool {
    const OBJECTS: &[&str] = &[
        "constraint",
        "relation",
        "table",
        "index",
        "for key",
        "sequence",
    ];
    let before = before.trim_end().to_ascii_lowercase();
    OBJECTS.iter().any(|object| before.ends_with(object))
}

/// Values without quotes: SQLite's `no such column: value`, PostgreSQL's `Key (email)=(value)`.
fn bare_values(message: String) -> String {
    let mut shown = message;
    if let Some(at) = shown.find("no such column: ") {
        shown.truncate(at + "no such column: ".len());
        shown.push('?');
    }
    if let Some(at) = shown.find(")=(") {
        let value = at + 3;
        let end = shown
            .rfind(')')
            .filter(|end| *end >= value)
            .unwrap_or(shown.len());
        shown.replace_range(value..end, "?");
    }
    shown
}
