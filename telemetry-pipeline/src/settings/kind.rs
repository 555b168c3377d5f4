//! What a setting's text may be.

use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

use crate::logs::env_filter;

const REDACTED: &str = "REDACTED";

/// The syntax of a setting.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Anything.
    Text,
    /// Whoever uses it checks it and warns.
    ByConsumer,
    /// Checked where it is used, because one that cannot be exported to ends the start.
    Url,
    Path,
    /// `true` or `false` in any case.
    Flag,
    Number {
        min: u64,
        max: u64,
    },
    /// One of these, in any case.
    One(&'static [&'static str]),
    /// How exports are compressed, as far as this is built in.
    Compression,
    /// Some of these, separated by commas, in any case.
    List {
        known: &'static [&'static str],
        /// Known to the specification but not to us yet.
        planned: &'static [&'static str],
    },
    /// `key=value` pairs, separated by commas and percent-encoded.
    Headers,
    LogLevel,
    LogFilter,
}

/// What is left of a text, and what was wrong with the rest of it.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// In the form that users of the setting expect.
    pub(crate) kept: Option<String>,
    pub(crate) wrong: Option<Wrong>,
}

/// Fit for a log line.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) shown: String,
    pub(crate) why: String,
}

impl Checked {
    fn all(kept: impl Into<String>) -> Self {
        Self {
            kept: Some(kept.into()),
            wrong: None,
        }
    }

    fn nothing(text: &str, why: impl Into<String>) -> Self {
        Self {
            kept: None,
            wrong: Some(Wrong {
                shown: format!("{text:?}"),
                why: why.into(),
            }),
        }
    }
}

impl Kind {
    pub(crate) fn check(self, text: &str) -> Checked {
        match self {
            Self::Text | Self::ByConsumer | Self::Url => Checked::all(text),
            Self::Path if is_pem(text) => Checked {
                kept: None,
                wrong: Some(Wrong {
                    shown: REDACTED.to_owned(),
                    why: "must be the path of a PEM file, not its content".to_owned(),
                }),
            },
            Self::Path => Checked::all(text),
            Self::Flag => one_of(&["true", "false"], text),
            Self::One(known) => one_of(known, text),
            Self::Compression if cfg!(feature = "zstd") => one_of(&["none", "gzip", "zstd"], text),
            Self::Compression if text.eq_ignore_ascii_case("zstd") => {
                Checked::nothing(text, "needs the feature `zstd` of telemetry-core")
            }
            Self::Compression => one_of(&["none", "gzip"], text),
            Self::Number { min, max } => match text.parse::<u64>() {
                Ok(number) if (min..=max).contains(&number) => Checked::all(number.to_string()),
                _ => Checked::nothing(
                    text,
                    format!("is not valid: it must be a whole number from {min} to {max}"),
                ),
            },
            Self::List { known, planned } => list(known, planned, text),
            Self::Headers => headers(text),
            Self::LogLevel => match log_level(text) {
                Some(level) => Checked::all(level),
                None => Checked::nothing(
                    text,
                    "is not valid: known are none, error, warn, info, debug and trace",
                ),
            },
            Self::LogFilter => match env_filter(text) {
                Ok(_) => Checked {
                    kept: Some(text.to_owned()),
                    wrong: looks_like_a_level(text).map(|directive| Wrong {
                        shown: format!("{directive:?}"),
                        why: "lets all of that target pass, it is no level: those are off, error, warn, info, debug \
                              and trace"
                            .to_owned(),
                    }),
                },
                Err(reason) => Checked::nothing(text, format!("is not valid ({reason})")),
            },
        }
    }

    /// The text as it may be shown.
    pub(crate) fn show(self, text: &str) -> String {
        match self {
            Self::Headers => text
                .split(',')
                .filter(|member| !member.is_empty())
                .map(|member| match member.split_once('=') {
                    Some((key, _)) => format!("{}={REDACTED}", key.trim()),
                    None => REDACTED.to_owned(),
                })
                .collect::<Vec<_>>()
                .join(","),
            Self::Url => redact_endpoint(text),
            Self::Path if is_pem(text) => REDACTED.to_owned(),
            _ => text.to_owned(),
        }
    }
}

/// An endpoint without user information and query. Unlike a well-formed URL's, a malformed one's credentials may
/// hold anything, so all before the last `@` is taken for them.
pub(crate) fn redact_endpoint(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| {
        // What stands before the first "://" may be part of a password.
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

fn is_pem(text: &str) -> bool {
    text.contains("-----BEGIN") || text.contains('\n')
}

fn one_of(known: &[&str], text: &str) -> Checked {
    let lower = text.to_ascii_lowercase();
    if known.contains(&lower.as_str()) {
        Checked::all(lower)
    } else {
        Checked::nothing(
            text,
            format!("is not valid: known are {}", known.join(", ")),
        )
    }
}

fn list(known: &[&str], planned: &[&str], text: &str) -> Checked {
    let mut kept = Vec::new();
    let mut wrong = Vec::new();
    let members = text
        .split(',')
        .map(str::trim)
        .filter(|member| !member.is_empty());
    for member in members {
        match known
            .iter()
            .find(|known| known.eq_ignore_ascii_case(member))
        {
            Some(known) if kept.contains(known) => {}
            Some(known) => kept.push(*known),
            None => wrong.push(member),
        }
    }
    let is_planned = |member: &&str| planned.iter().any(|one| one.eq_ignore_ascii_case(member));
    let why = if wrong.iter().all(is_planned) {
        "is not supported yet".to_owned()
    } else {
        format!("is not valid: known are {}", known.join(", "))
    };
    Checked {
        kept: (!kept.is_empty()).then(|| kept.join(",")),
        wrong: (!wrong.is_empty()).then(|| Wrong {
            shown: format!("{:?}", wrong.join(",")),
            why,
        }),
    }
}

fn headers(text: &str) -> Checked {
    let mut kept = Vec::new();
    let mut wrong = Vec::new();
    for (i, member) in text.split(',').enumerate() {
        if member.trim().is_empty() {
            continue;
        }
        match header(member) {
            Some(_) => kept.push(member.trim()),
            // Without a proper key even the key may be a credential.
            None => match member.split_once('=') {
                Some((key, _)) if HeaderName::try_from(key.trim()).is_ok() => {
                    wrong.push(format!("{}={REDACTED}", key.trim()));
                }
                _ => wrong.push(format!("{REDACTED} (member {})", i + 1)),
            },
        }
    }
    Checked {
        kept: (!kept.is_empty()).then(|| kept.join(",")),
        wrong: (!wrong.is_empty()).then(|| Wrong {
            shown: wrong.join(","),
            why: "is not valid: it must be key=value, percent-encoded".to_owned(),
        }),
    }
}

/// One member of a list of headers. Its value is marked as sensitive.
pub(crate) fn header(member: &str) -> Option<(HeaderName, HeaderValue)> {
    let (key, value) = member.split_once('=')?;
    let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
    let mut value = HeaderValue::from_str(&value).ok()?;
    value.set_sensitive(true);
    Some((HeaderName::try_from(key.trim()).ok()?, value))
}

/// A directive that other libraries take for a level, and `tracing` for a target.
fn looks_like_a_level(filter: &str) -> Option<&str> {
    const LEVELS: [&str; 10] = [
        "all",
        "critical",
        "err",
        "fatal",
        "information",
        "none",
        "notice",
        "verbose",
        "warning",
        "warnings",
    ];
    let mut directives = filter.split(',').map(str::trim);
    directives.find(|directive| {
        LEVELS
            .iter()
            .any(|level| level.eq_ignore_ascii_case(directive))
    })
}

/// A level of `tracing` for one of OTEL_LOG_LEVEL or of the declarative configuration, which has steps such as
/// `debug3`.
fn log_level(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    Some(match lower.trim_end_matches(['2', '3', '4']) {
        "none" | "off" => "off",
        "fatal" | "error" => "error",
        "warn" | "warning" => "warn",
        "info" => "info",
        "debug" => "debug",
        "trace" => "trace",
        _ => return None,
    })
}
