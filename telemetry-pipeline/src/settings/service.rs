//! Settings of the service and of the process as a whole.

use telemetry_api::instrument::settings::{AnySetting, Setting, parse};

use super::syntax::{Pairs, pairs};

pub(crate) static NAME: Setting<Option<String>> = Setting::new(
    "OTEL_SERVICE_NAME",
    "",
    parse::optional_text,
    "`service.name`; unset, the name given to `bootstrap`",
);

pub(crate) static RESOURCE_ATTRIBUTES: Setting<Pairs> = Setting::new(
    "OTEL_RESOURCE_ATTRIBUTES",
    "",
    pairs,
    "resource attributes, `key=value,key=value`, percent-encoded; one malformed pair discards the list",
);

pub(crate) static DISABLED: Setting<bool> = Setting::new(
    "OTEL_SDK_DISABLED",
    "false",
    parse::flag,
    "`true`: no traces, metrics or OTLP logs; log lines and correlation ids stay",
);

pub(crate) static CONFIG_FILE: Setting<Option<String>> = Setting::new(
    "OTEL_CONFIG_FILE",
    "",
    parse::optional_text,
    "a declarative configuration file, see below",
);

pub(crate) static LIST: &[&dyn AnySetting] =
    &[&NAME, &RESOURCE_ATTRIBUTES, &DISABLED, &CONFIG_FILE];
