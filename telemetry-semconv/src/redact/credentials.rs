//! The names of parameters whose values are credentials.

use std::{borrow::Cow, sync::Arc};

use percent_encoding::percent_decode;

/// The text that stands for a redacted value.
pub const REDACTED: &str = "REDACTED";

/// The names that are credentials by default: in lower case, without `-` and `_`. The list of the conventions (1.44), with
/// `AWSAccessKeyId` and `Signature` of the version before it, is part of it.
pub const NAMES: &[&str] = &[
    "assertion",
    "auth",
    "authorization",
    "awsaccesskeyid",
    "bearer",
    "clientassertion",
    "code",
    "codeverifier",
    "credential",
    "credentials",
    "hmac",
    "jsessionid",
    "otp",
    "pass",
    "passcode",
    "passphrase",
    "phpsessid",
    "pwd",
    "samlresponse",
    "secret",
    "session",
    "sessionid",
    "sid",
    "sig",
    "subscriptionkey",
    "totp",
];

/// The ends of names that are credentials by default: `token` makes `access_token`, `refresh-token` and `X-Amz-Security-Token`
/// credentials, too.
pub const SUFFIXES: &[&str] = &[
    "accesskey",
    "accesskeyid",
    "apikey",
    "credential",
    "jwt",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "secretkey",
    "signature",
    "token",
];

/// Longer names are looked at by their last bytes.
const LONGEST: usize = 64;

/// Encoded more often than this, a text is no longer the work of a client.
const MAX_DECODINGS: usize = 4;

/// Decides which names are credentials.
pub trait Names {
    /// The decision about a name in lower case, without `-` and `_`. `None` leaves it to the defaults.
    fn decides(&self, name: &[u8]) -> Option<bool>;

    /// True if it leaves every decision to the defaults.
    fn is_default(&self) -> bool;
}

/// The default names and these. They count in any form, as the default names do.
impl<K: AsRef<str>> Names for [K] {
    fn decides(&self, name: &[u8]) -> Option<bool> {
        let is_same = |known: &K| letters(known.as_ref().as_bytes()).eq(name.iter().copied());
        self.iter().any(is_same).then_some(true)
    }

    fn is_default(&self) -> bool {
        self.is_empty()
    }
}

/// The names that are credentials: the defaults, with names added and removed. Clones share the lists.
///
/// ```
/// use telemetry_semconv::redact::{Credentials, query};
///
/// let names = Credentials::default().with(["coupon"]).without(["code"]);
/// assert_eq!(query("coupon=A1&code=7&access_token=x", &names), "coupon=REDACTED&code=7&access_token=REDACTED");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    added: Arc<[Box<[u8]>]>,
    removed: Arc<[Box<[u8]>]>,
}

impl Credentials {
    /// These names are credentials, too.
    #[must_use]
    pub fn with<K: AsRef<str>>(mut self, names: impl IntoIterator<Item = K>) -> Self {
        self.added = joined(&self.added, names);
        self
    }

    /// These names are no credentials.
    #[must_use]
    pub fn without<K: AsRef<str>>(mut self, names: impl IntoIterator<Item = K>) -> Self {
        self.removed = joined(&self.removed, names);
        self
    }
}

impl Names for Credentials {
    fn decides(&self, name: &[u8]) -> Option<bool> {
        let has = |names: &[Box<[u8]>]| names.iter().any(|known| **known == *name);
        match (has(&self.removed), has(&self.added)) {
            (true, _) => Some(false),
            (false, true) => Some(true),
            (false, false) => None,
        }
    }

    fn is_default(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

fn joined<K: AsRef<str>>(
    known: &[Box<[u8]>],
    names: impl IntoIterator<Item = K>,
) -> Arc<[Box<[u8]>]> {
    let names = names
        .into_iter()
        .map(|name| letters(name.as_ref().as_bytes()).collect());
    known.iter().cloned().chain(names).collect()
}

/// The name in lower case, without the marks between its words.
fn letters(name: &[u8]) -> impl Iterator<Item = u8> {
    name.iter()
        .filter(|byte| !matches!(byte, b'-' | b'_' | b' ' | b'+'))
        .map(u8::to_ascii_lowercase)
}

/// True if the name of a parameter, as it was written, is one of a credential.
pub(super) fn is_credential<N: Names + ?Sized>(name: &[u8], names: &N) -> bool {
    if names.is_default() && ends_otherwise(name) {
        return false;
    }
    let name = decoded(name);
    name.split(|byte| matches!(byte, b'[' | b']' | b'.' | b':'))
        .any(|part| is_name(part, names))
}

/// True if the last two letters tell that no default name is meant. Most names of a query end here.
fn ends_otherwise(name: &[u8]) -> bool {
    const ENDS: &[[u8; 2]] = &[
        *b"ac", *b"al", *b"de", *b"en", *b"er", *b"et", *b"ey", *b"id", *b"ig", *b"ls", *b"on",
        *b"rd", *b"re", *b"se", *b"ss", *b"th", *b"tp", *b"wd", *b"wt",
    ];
    match name {
        [.., before, last] if before.is_ascii_alphabetic() && last.is_ascii_alphabetic() => {
            let end = [before.to_ascii_lowercase(), last.to_ascii_lowercase()];
            // Other marks may hide a name in the middle.
            let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
            !ENDS.contains(&end) && name.iter().all(is_plain)
        }
        _ => false,
    }
}

/// The bytes behind every percent-encoding.
pub(super) fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..MAX_DECODINGS {
        if !text.contains(&b'%') {
            break;
        }
        let next: Vec<u8> = percent_decode(&text).collect();
        if next.len() == text.len() {
            break;
        }
        text = Cow::Owned(next);
    }
    text
}

fn is_name<N: Names + ?Sized>(part: &[u8], names: &N) -> bool {
    let start = part.len().saturating_sub(LONGEST);
    let mut buffer = [0; LONGEST];
    let mut length = 0;
    for (place, letter) in buffer.iter_mut().zip(letters(&part[start..])) {
        *place = letter;
        length += 1;
    }
    let name = &buffer[..length];
    match names.decides(name) {
        Some(decision) => decision,
        // The shortest of all has three letters, and most names of a query are shorter or end otherwise.
        None if length < 3 => false,
        None => {
            NAMES.iter().any(|known| known.as_bytes() == name)
                || SUFFIXES.iter().any(|end| name.ends_with(end.as_bytes()))
        }
    }
}
