//! Settings of identities: principals and sensitive values.

use secrecy::SecretString;
use telemetry_api::{
    instrument::settings::{AnySetting, Setting, parse},
    sensitive::Sensitive,
};

/// The attributes of a principal that telemetry shows.
pub(crate) static PRINCIPAL_ATTRIBUTES: Setting<Vec<&'static str>> = Setting::new(
    "TELEMETRY_PRINCIPAL_ATTRIBUTES",
    "user.hash,user.roles",
    |text| parse::list(text, &["user.hash", "user.id", "user.roles", "none"], &[]),
    "which parts of a `Principal` are on spans and log lines and in baggage: any of `user.hash`, `user.id`, `user.roles`, or `none`",
);

pub(crate) static HASH_KEY: Setting<Option<SecretString>> = Setting::secret(
    "TELEMETRY_HASH_KEY",
    "the key of hashes such as `user.hash`, the same for all services of a system; unset, a random one for each start of a process; no output shows it",
);

pub(crate) static SENSITIVE_VALUES: Setting<Sensitive> = Setting::new(
    "TELEMETRY_SENSITIVE_VALUES",
    "hash",
    |text| {
        parse::one_of(
            text,
            &[("hash", Sensitive::Hash), ("drop", Sensitive::Drop)],
        )
    },
    "the form of attributes that code marks as sensitive: `hash` shows the hash of the value, `drop` leaves the attribute out",
);

pub(crate) static LIST: &[&dyn AnySetting] = &[&PRINCIPAL_ATTRIBUTES, &HASH_KEY, &SENSITIVE_VALUES];
