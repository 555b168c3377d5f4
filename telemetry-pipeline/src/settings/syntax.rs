//! The syntax of values that more than one setting has. Texts to show are safe for any output.

use std::path::PathBuf;

use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use telemetry_api::instrument::settings::parse::{self, Parsed, REDACTED, Wrong};

/// `key=value` pairs, in their order.
pub(crate) type Pairs = Vec<(String, String)>;

/// Request headers; only the client that sends them reads their values.
pub(crate) type Headers = Vec<(HeaderName, SecretString)>;

/// A limit that may be absent.
pub(crate) fn limit(text: &str) -> Parsed<Option<usize>> {
    count(text).map(Some)
}

/// A count of 32 bits.
pub(crate) fn count(text: &str) -> Parsed<usize> {
    parse::number(text, 0, u64::from(u32::MAX)).map(size)
}

/// The size of a queue or a batch. It is bounded, because a typing error must not take the memory of the machine.
pub(crate) fn queue_size(text: &str) -> Parsed<usize> {
    parse::number(text, 1, 1_000_000).map(size)
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

pub(crate) fn port(text: &str) -> Parsed<u16> {
    parse::number(text, 0, u64::from(u16::MAX)).map(|port| u16::try_from(port).unwrap_or_default())
}

/// A URL that may have credentials. The exporter checks the rest, because a malformed one ends the start.
pub(crate) fn url(text: &str) -> Parsed<Option<SecretString>> {
    Parsed::valid(Some(SecretString::from(text)), redact_endpoint(text))
}

/// The path of a PEM file. The content in its place is refused without a word of it.
pub(crate) fn pem_path(text: &str) -> Parsed<Option<PathBuf>> {
    if text.contains("-----BEGIN") || text.contains('\n') {
        return Parsed::invalid_secret("must be the path of a PEM file, not its content");
    }
    Parsed::valid(Some(PathBuf::from(text)), text)
}

/// `key=value` pairs, separated by commas and percent-encoded. One malformed pair discards the list, as the
/// specification says.
pub(crate) fn pairs(text: &str) -> Parsed<Pairs> {
    let members = text.split(',').filter(|member| !member.trim().is_empty());
    let pairs: Option<Pairs> = members.map(pair).collect();
    match pairs {
        Some(pairs) => Parsed::valid(pairs, text),
        None => Parsed::invalid(text, MUST_BE_PAIRS),
    }
}

const MUST_BE_PAIRS: &str =
    "is not valid: it must be key=value pairs, separated by commas and percent-encoded";

fn pair(member: &str) -> Option<(String, String)> {
    let (key, value) = member.split_once('=')?;
    let key = decode(key).filter(|key| !key.is_empty())?;
    Some((key, decode(value)?))
}

/// Percent-decodes. `None` if the text has a broken percent sign or is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let text = text.trim();
    let digits = |rest: &str| {
        let mut bytes = rest.bytes();
        [bytes.next(), bytes.next()]
            .iter()
            .all(|byte| byte.is_some_and(|byte| byte.is_ascii_hexdigit()))
    };
    if !text.split('%').skip(1).all(digits) {
        return None;
    }
    let text = percent_decode_str(text).decode_utf8().ok()?;
    Some(text.into_owned())
}

/// Request headers as `key=value` pairs. One malformed pair discards the list, as the specification says.
pub(crate) fn headers(text: &str) -> Parsed<Headers> {
    let (mut headers, mut shown, mut wrong) = (Headers::new(), Vec::new(), Vec::new());
    for (at, member) in text.split(',').enumerate() {
        if member.trim().is_empty() {
            continue;
        }
        match header(member) {
            Some((name, value)) => {
                shown.push(show_header(member));
                headers.push((name, value));
            }
            // Without a proper name even the name may be a credential.
            None => match member.split_once('=') {
                Some((key, _)) if HeaderName::try_from(key.trim()).is_ok() => {
                    wrong.push(show_header(member));
                }
                _ => wrong.push(format!("{REDACTED} (member {})", at + 1)),
            },
        }
    }
    if wrong.is_empty() {
        return Parsed::valid(headers, shown.join(","));
    }
    Parsed {
        value: None,
        wrong: Some(Wrong {
            shown: wrong.join(","),
            reason: MUST_BE_PAIRS.to_owned(),
        }),
    }
}

fn show_header(member: &str) -> String {
    let key = member.split('=').next().unwrap_or_default();
    format!("{}={REDACTED}", key.trim())
}

fn header(member: &str) -> Option<(HeaderName, SecretString)> {
    let (key, value) = member.split_once('=')?;
    let (key, value) = (decode(key)?, decode(value)?);
    HeaderValue::from_str(&value).ok()?;
    Some((HeaderName::try_from(key).ok()?, SecretString::from(value)))
}

/// An endpoint without user information and query. Unlike a well-formed URL's, a malformed one's credentials may
/// hold anything, so all before the last `@` is taken for them.
pub(crate) fn redact_endpoint(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| {
        // The text before the first "://" may be part of a password.
        let is_scheme = !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric());
        if is_scheme { (scheme, rest) } else { ("", url) }
    });
    let credentials = rest.rfind('@').map_or(0, |at| at + 1);
    let (base, query) = match rest[credentials..].split_once(['?', '#']) {
        Some((base, _)) => (base, "?REDACTED"),
        None => (&rest[credentials..], ""),
    };
    let user = if credentials > 0 { "REDACTED@" } else { "" };
    let scheme = if scheme.is_empty() {
        String::new()
    } else {
        format!("{scheme}://")
    };
    format!("{scheme}{user}{base}{query}")
}
