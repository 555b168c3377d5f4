//! Redaction of credentials in queries, paths, URLs and error texts.
//!
//! A name decides, not the look of a value: [`Credentials`] knows the names. They count in any letter case, percent-encoded
//! once or more, with `-`, `_` or nothing between their words, and in the forms `name[]`, `name[0]`, `user[name]` and
//! `user.name`.
//!
//! Cost: one pass over the text. Nothing is allocated where nothing is redacted and nothing is percent-encoded.

mod credentials;
mod error_text;
mod query;
mod url;

pub use credentials::{Credentials, NAMES, Names, SUFFIXES};
pub use error_text::{database_text, error_text};
pub use query::{has_credential, query};
pub use url::{path, url};

/// The text that stands for a redacted value.
pub const REDACTED: &str = "REDACTED";

#[cfg(test)]
mod tests;
