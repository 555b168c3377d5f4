//! An error as telemetry shows it: its type, its text, and the texts of its causes.

use std::{error::Error, fmt::Display};

use super::{redaction::Redaction, text};

pub use telemetry_semconv::outcome::OTHER_ERROR as OTHER;

/// Longer chains of causes are cut.
const MAX_CAUSES: usize = 16;

/// An error and its causes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The name of its type; [`OTHER`] if that cannot be known.
    pub kind: &'static str,
    /// Its text, redacted.
    pub message: String,
    /// The texts of its causes, the nearest first, redacted.
    pub causes: Vec<String>,
}

impl Described {
    /// An error of this type by all its causes.
    pub fn error(type_name: &'static str, error: &dyn Error, redaction: &Redaction) -> Self {
        let chain = chain(error);
        let kind = match is_hidden(type_name) {
            true => chain
                .iter()
                .find_map(|cause| known_type(*cause))
                .unwrap_or(OTHER),
            false => type_name,
        };
        let causes = chain.iter().map(|cause| text::of(cause)).collect();
        Self::new(kind, type_name, text::of(&error), causes, redaction)
    }

    /// An error inside of anyhow, eyre or a box. Its own type is found if it is one of the standard library's.
    pub fn boxed(error: &(dyn Error + 'static), redaction: &Redaction) -> Self {
        let described = Self::error("dyn Error", error, redaction);
        match known_type(error) {
            Some(kind) => Self { kind, ..described },
            None => described,
        }
    }

    /// An error by its text alone. Errors of anyhow and eyre write their causes, too.
    pub fn text(type_name: &'static str, error: &dyn Display, redaction: &Redaction) -> Self {
        let message = text::of(error);
        let is_report = type_name.is_empty() || is_hidden(type_name);
        let whole = is_report
            .then(|| text::alternate_of(error))
            .unwrap_or_default();
        let causes = whole
            .strip_prefix(&message)
            .and_then(|rest| rest.strip_prefix(": "));
        let kind = stable_name(type_name);
        let causes = causes.into_iter().map(str::to_owned).collect();
        Self::new(kind, type_name, message, causes, redaction)
    }

    fn new(
        kind: &'static str,
        type_name: &'static str,
        message: String,
        causes: Vec<String>,
        redaction: &Redaction,
    ) -> Self {
        // A driver's error quotes the database, and its cause is the database's own message, which has no mark.
        let mut is_database = is_of_database(type_name);
        let mut show = |text: &str| {
            let shown = match is_database {
                true => redaction.database_error(text),
                false => redaction.error(text).into_owned(),
            };
            is_database |=
                text.contains("error returned from database: ") || text.contains("db error: ");
            shown
        };
        Self {
            kind,
            message: show(&message),
            causes: causes.iter().map(|cause| show(cause)).collect(),
        }
    }

    /// The texts by which the same error is known again, further up or around another: its own first.
    pub(crate) fn texts(&self) -> Vec<&str> {
        let suffixes = self.causes.iter().flat_map(|cause| {
            let parts = cause
                .match_indices(": ")
                .map(|(at, mark)| &cause[at + mark.len()..]);
            std::iter::once(cause.as_str()).chain(parts)
        });
        std::iter::once(self.message.as_str())
            .chain(suffixes)
            .collect()
    }

    /// `exception.cause`: all causes, the nearest first; `None` without any.
    pub fn cause(&self) -> Option<String> {
        (!self.causes.is_empty()).then(|| self.causes.join(": "))
    }
}

/// The causes of an error. A chain that comes back to itself ends there.
fn chain(error: &dyn Error) -> Vec<&(dyn Error + 'static)> {
    let mut causes: Vec<&(dyn Error + 'static)> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let is_known = |known: &&(dyn Error + 'static)| std::ptr::eq(*known, cause);
        if causes.len() == MAX_CAUSES || causes.iter().any(is_known) {
            break;
        }
        causes.push(cause);
        next = cause.source();
    }
    causes
}

/// The name of a type as `error.type`: [`OTHER`] for a type that hides the error inside, because its name says nothing.
pub fn stable_name(type_name: &'static str) -> &'static str {
    if is_hidden(type_name) {
        OTHER
    } else {
        type_name
    }
}

/// True for types that hide the type of the error inside.
fn is_hidden(type_name: &str) -> bool {
    type_name.contains("dyn ") || ["anyhow::Error", "eyre::Report"].contains(&type_name)
}

/// True for the errors of database drivers.
fn is_of_database(type_name: &str) -> bool {
    ["diesel", "mysql", "rusqlite", "sqlx", "tokio_postgres"]
        .iter()
        .any(|driver| type_name.starts_with(driver))
}

/// The name of a type that a boxed error of the standard library has.
fn known_type(error: &(dyn Error + 'static)) -> Option<&'static str> {
    macro_rules! known {
        ($($ty:ty => $name:literal),* $(,)?) => {
            $(if error.is::<$ty>() {
                return Some($name);
            })*
        };
    }
    known! {
        std::io::Error => "std::io::Error",
        std::fmt::Error => "std::fmt::Error",
        std::num::ParseIntError => "std::num::ParseIntError",
        std::num::ParseFloatError => "std::num::ParseFloatError",
        std::num::TryFromIntError => "std::num::TryFromIntError",
        std::str::Utf8Error => "std::str::Utf8Error",
        std::str::ParseBoolError => "std::str::ParseBoolError",
        std::string::FromUtf8Error => "std::string::FromUtf8Error",
        std::net::AddrParseError => "std::net::AddrParseError",
        std::env::VarError => "std::env::VarError",
        std::time::SystemTimeError => "std::time::SystemTimeError",
        std::sync::mpsc::RecvError => "std::sync::mpsc::RecvError",
        std::sync::mpsc::RecvTimeoutError => "std::sync::mpsc::RecvTimeoutError",
        http::Error => "http::Error",
    }
    None
}
