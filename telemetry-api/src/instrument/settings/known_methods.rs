//! The setting that servers and clients of HTTP share.

use telemetry_semconv::http::{KNOWN_METHODS, KnownMethods};

use super::{Setting, parse::Parsed};

/// The HTTP methods that attributes may name, a full replacement of the list in the semantic conventions. Every other
/// method is `_OTHER`.
pub static HTTP_KNOWN_METHODS: Setting<KnownMethods> = Setting::new(
    KNOWN_METHODS,
    "",
    |text| {
        let names = text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        let names: Vec<_> = names.collect();
        if names.is_empty() {
            return Parsed::invalid(text, "is not valid: it must be a list of HTTP methods");
        }
        Parsed::valid(KnownMethods::exactly(&names), names.join(","))
    },
    "the HTTP methods that are known, separated by commas, instead of those of the convention; every other one is `_OTHER`",
);
