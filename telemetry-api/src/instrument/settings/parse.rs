//! Parsers for the texts of settings. Texts arrive trimmed and not empty.

use std::{fmt, time::Duration};

use secrecy::SecretString;

/// The text that outputs show in place of a secret.
pub const REDACTED: &str = "REDACTED";

/// A timeout of 0 is no limit, and so is this: a day.
const NO_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// A parsed text: the valid part of it, and a reason for the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed<T> {
    /// The value and the text that outputs show for it, in the syntax of the variable. `None` if the text is not valid:
    /// then the next source counts.
    pub value: Option<(T, String)>,
    /// The part that is not valid, for a warning.
    pub wrong: Option<Wrong>,
}

/// A part of a text that is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The part as outputs may show it: quoted, secrets redacted.
    pub shown: String,
    /// The rest of the sentence, such as `is not valid: it must be true or false`.
    pub reason: String,
}

impl<T> Parsed<T> {
    /// A valid text. `shown` is the text that outputs show.
    pub fn valid(value: T, shown: impl Into<String>) -> Self {
        Self {
            value: Some((value, shown.into())),
            wrong: None,
        }
    }

    /// A text without a valid part. The warning quotes it, so it must hold no secret.
    pub fn invalid(text: &str, reason: impl Into<String>) -> Self {
        Self::refused(format!("{text:?}"), reason)
    }

    /// A text that may hold a secret and is not valid. The warning shows `REDACTED`.
    pub fn invalid_secret(reason: impl Into<String>) -> Self {
        Self::refused(REDACTED, reason)
    }

    /// A text that is not valid, of which the warning shows `shown`.
    pub fn refused(shown: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            value: None,
            wrong: Some(Wrong {
                shown: shown.into(),
                reason: reason.into(),
            }),
        }
    }

    /// Adds a warning about a part of the text.
    #[must_use]
    pub fn but(mut self, wrong: Option<Wrong>) -> Self {
        self.wrong = wrong;
        self
    }

    /// The same with a value of another type.
    pub fn map<U>(self, other: impl FnOnce(T) -> U) -> Parsed<U> {
        Parsed {
            value: self.value.map(|(value, shown)| (other(value), shown)),
            wrong: self.wrong,
        }
    }
}

/// Any text.
pub fn text(text: &str) -> Parsed<String> {
    Parsed::valid(text.to_owned(), text)
}

/// Any text, for a setting that has no value by default.
pub fn optional_text(text: &str) -> Parsed<Option<String>> {
    self::text(text).map(Some)
}

/// Any text that no output shows.
pub fn secret(text: &str) -> Parsed<Option<SecretString>> {
    Parsed::valid(Some(SecretString::from(text)), REDACTED)
}

/// `true` or `false` in any case.
pub fn flag(text: &str) -> Parsed<bool> {
    one_of(text, &[("true", true), ("false", false)])
}

/// One of these names, in any case.
pub fn one_of<T: Clone>(text: &str, known: &[(&'static str, T)]) -> Parsed<T> {
    match known
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text))
    {
        Some((name, value)) => Parsed::valid(value.clone(), *name),
        None => Parsed::invalid(
            text,
            format!(
                "is not valid: known are {}",
                names(known.iter().map(|(name, _)| name))
            ),
        ),
    }
}

/// A whole number from `min` to `max`.
pub fn number(text: &str, min: u64, max: u64) -> Parsed<u64> {
    match text.parse::<u64>() {
        Ok(number) if (min..=max).contains(&number) => Parsed::valid(number, number.to_string()),
        _ => Parsed::invalid(
            text,
            format!("is not valid: it must be a whole number from {min} to {max}"),
        ),
    }
}

/// A whole number of milliseconds, up to 49 days.
pub fn millis(text: &str) -> Parsed<Duration> {
    millis_from(text, 0)
}

/// A whole number of milliseconds from `min` up to 49 days.
pub fn millis_from(text: &str, min: u64) -> Parsed<Duration> {
    number(text, min, u64::from(u32::MAX)).map(Duration::from_millis)
}

/// A whole number of milliseconds, of which 0 means no limit.
pub fn timeout(text: &str) -> Parsed<Duration> {
    millis(text).map(|time| if time.is_zero() { NO_LIMIT } else { time })
}

/// Some of these names, separated by commas, in any case. Names that are not known are left out and named; `none` has an
/// effect only where it stands alone. `planned` are names of the specification that are not supported.
pub fn list(
    text: &str,
    known: &[&'static str],
    planned: &[&'static str],
) -> Parsed<Vec<&'static str>> {
    const NONE: &str = "none";
    let (mut kept, mut unknown): (Vec<&'static str>, Vec<&str>) = Default::default();
    let members = text.split(',').map(str::trim);
    for member in members.filter(|member| !member.is_empty()) {
        match known.iter().find(|name| name.eq_ignore_ascii_case(member)) {
            Some(name) if kept.contains(name) => {}
            Some(name) => kept.push(name),
            None => unknown.push(member),
        }
    }
    let stands_beside = kept.len() > 1 && kept.contains(&NONE);
    if stands_beside {
        kept.retain(|name| *name != NONE);
    }
    let is_planned = |member: &&str| planned.iter().any(|one| one.eq_ignore_ascii_case(member));
    let wrong = if !unknown.is_empty() && unknown.iter().all(is_planned) {
        Some((unknown.join(","), "is not supported yet".to_owned()))
    } else if !unknown.is_empty() {
        let known = format!("is not valid: known are {}", names(known));
        Some((unknown.join(","), known))
    } else if stands_beside {
        let reason = format!("has no effect beside {}", kept.join(","));
        Some((NONE.to_owned(), reason))
    } else if kept.is_empty() {
        Some((text.to_owned(), "is not valid: it names nothing".to_owned()))
    } else {
        None
    };
    let shown = kept.join(",");
    Parsed {
        value: (!kept.is_empty()).then_some((kept, shown)),
        wrong: wrong.map(|(shown, reason)| Wrong {
            shown: format!("{shown:?}"),
            reason,
        }),
    }
}

fn names<N: fmt::Display>(names: impl IntoIterator<Item = N>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| name.to_string()).collect();
    names.join(", ")
}
