//! The redaction that a pipeline asks for, in URLs and in texts of errors.

use std::{borrow::Cow, sync::Arc};

use telemetry_semconv::redact::{self, Credentials};

use super::{
    providers::{PerProviders, Providers},
    settings::{Parsed, Setting, parse},
};

/// Names of parameters whose values are credentials, beside the default list.
pub static CREDENTIAL_NAMES: Setting<Credentials> = Setting::new(
    "TELEMETRY_CREDENTIAL_NAMES",
    "",
    |text| {
        let names = || {
            text.split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty())
        };
        let removed = || names().filter_map(|name| name.strip_prefix('-'));
        let added = names().filter(|name| !name.starts_with('-'));
        let credentials = Credentials::default().with(added).without(removed());
        Parsed::valid(credentials, names().collect::<Vec<_>>().join(","))
    },
    "names of URL parameters whose values are redacted, beside the default list, separated by commas; a name after `-` is taken out of the list",
);

/// The form of the texts of errors.
pub static ERROR_TEXTS: Setting<ErrorTexts> = Setting::new(
    "TELEMETRY_ERROR_TEXTS",
    "redacted",
    |text| {
        let known = [
            ("redacted", ErrorTexts::Redacted),
            ("whole", ErrorTexts::Whole),
        ];
        parse::one_of(text, &known)
    },
    "texts of errors and panics: `redacted`, without credentials and without the values in messages of databases, or `whole`, for development",
);

/// The form of the texts of errors: in span statuses, log records and steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorTexts {
    /// Without credentials, and without the values in messages of databases.
    #[default]
    Redacted,
    /// As the errors write them, for development.
    Whole,
}

/// The redaction of a pipeline. By default credentials are replaced everywhere.
#[derive(Clone, Debug, Default)]
pub struct Redaction {
    credentials: Credentials,
    errors: ErrorTexts,
}

impl Redaction {
    /// The redaction that these providers' settings ask for.
    pub fn of(providers: &Providers) -> Arc<Self> {
        providers.shared(|providers| Self {
            credentials: providers.setting(&CREDENTIAL_NAMES),
            errors: providers.setting(&ERROR_TEXTS),
        })
    }

    /// The redaction of the current providers; the default one without any.
    pub fn current() -> Arc<Self> {
        static REDACTIONS: PerProviders<Redaction> = PerProviders::new();
        match Providers::current() {
            Some(providers) => REDACTIONS.get(providers, Self::of),
            None => Arc::default(),
        }
    }

    /// The names whose values are replaced in queries, paths and URLs, for the functions of
    /// [`redact`].
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The text of an error or panic as telemetry may show it.
    pub fn error<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.errors {
            ErrorTexts::Redacted => redact::error_text(text, &self.credentials),
            ErrorTexts::Whole => text.into(),
        }
    }

    /// The message of a database as telemetry may show it: the driver that knows it for one calls this.
    pub fn database_error(&self, message: &str) -> String {
        match self.errors {
            ErrorTexts::Redacted => {
                redact::error_text(&redact::database_text(message), &self.credentials).into_owned()
            }
            ErrorTexts::Whole => message.to_owned(),
        }
    }
}
