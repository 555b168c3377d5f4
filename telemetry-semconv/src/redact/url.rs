//! URLs and paths.

use std::borrow::Cow;

use super::{
    REDACTED,
    credentials::Names,
    query::{has_credential, query},
};

/// The URL with user information and the values of credentials replaced, and without its fragment: clients never send
/// that, and tokens are handed over in it.
pub fn url<'u, N: Names + ?Sized>(url: &'u str, names: &N) -> Cow<'u, str> {
    let url = url.split_once('#').map_or(url, |(sent, _)| sent);
    let (base, query_text) = match url.split_once('?') {
        Some((base, text)) => (base, Some(query(text, names))),
        None => (url, None),
    };
    let authority = authority(base);
    let user = base[authority.clone()]
        .rfind('@')
        .map(|at| authority.start + at);
    let path_text = path(&base[authority.end..], names);
    let is_clean = user.is_none()
        && matches!(path_text, Cow::Borrowed(_))
        && matches!(query_text, None | Some(Cow::Borrowed(_)));
    if is_clean {
        return url.into();
    }
    let mut redacted = String::with_capacity(url.len());
    redacted.push_str(&base[..authority.start]);
    match user {
        Some(at) => {
            let is_pair = base[authority.start..at].contains(':');
            redacted.push_str(if is_pair {
                "REDACTED:REDACTED"
            } else {
                REDACTED
            });
            redacted.push_str(&base[at..authority.end]);
        }
        None => redacted.push_str(&base[authority]),
    }
    redacted.push_str(&path_text);
    if let Some(text) = query_text {
        redacted.extend(["?", &text]);
    }
    redacted.into()
}

/// The place of user information, host and port.
fn authority(base: &str) -> std::ops::Range<usize> {
    let start = match base.find("://") {
        Some(at) => at + 3,
        None if base.starts_with("//") => 2,
        None if base.starts_with('/') => return 0..0,
        None => 0,
    };
    let end = base[start..]
        .find(['/', '\\'])
        .map_or(base.len(), |at| start + at);
    start..end
}

/// The path with the values of credentials in its parameters replaced, such as of `;jsessionid=`.
pub fn path<'p, N: Names + ?Sized>(path: &'p str, names: &N) -> Cow<'p, str> {
    let has = |segment: &str| match segment.split_once(';') {
        Some((_, parameters)) => has_credential(parameters, names),
        None => false,
    };
    if !path.contains(';') || !path.split('/').any(has) {
        return path.into();
    }
    let segments = path
        .split('/')
        .map(|segment| match segment.split_once(';') {
            Some((name, parameters)) => format!("{name};{}", query(parameters, names)),
            None => segment.to_owned(),
        });
    segments.collect::<Vec<_>>().join("/").into()
}
