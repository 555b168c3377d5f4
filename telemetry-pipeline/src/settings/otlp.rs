//! Settings of OTLP export: a general one, and one for each signal.

use std::{path::PathBuf, time::Duration};

use secrecy::SecretString;
use telemetry_api::instrument::settings::{
    AnySetting, Setting,
    parse::{self, Parsed},
};

use super::syntax::{Headers, headers, pem_path, url};
use crate::otlp::{compression::Compression, protocol::Protocol, signal::Signal};

macro_rules! otlp {
    ($($field:ident: $type:ty = $suffix:literal, $default:literal, $parse:expr, $unit:literal, $about:literal;)*) => {
        /// The settings of one signal's export, or the general ones.
        pub(crate) struct OtlpSettings {
            $(pub(crate) $field: Setting<$type>,)*
        }

        pub(crate) static GENERAL: OtlpSettings = OtlpSettings {
            $($field: Setting::new(concat!("OTEL_EXPORTER_OTLP_", $suffix), $default, $parse, $about).unit($unit),)*
        };
        pub(crate) static TRACES: OtlpSettings = otlp!(@signal "TRACES_" "traces" $($field $suffix $default $parse, $unit)*);
        pub(crate) static METRICS: OtlpSettings = otlp!(@signal "METRICS_" "metrics" $($field $suffix $default $parse, $unit)*);
        pub(crate) static LOGS: OtlpSettings = otlp!(@signal "LOGS_" "logs" $($field $suffix $default $parse, $unit)*);

        pub(crate) static LIST: &[&dyn AnySetting] = &[
            $(&GENERAL.$field, &TRACES.$field, &METRICS.$field, &LOGS.$field,)*
        ];
    };
    (@signal $infix:literal $signal:literal $($field:ident $suffix:literal $default:literal $parse:expr, $unit:literal)*) => {
        OtlpSettings {
            $($field: Setting::new(
                concat!("OTEL_EXPORTER_OTLP_", $infix, $suffix),
                $default,
                $parse,
                concat!("the same for ", $signal),
            )
            .unit($unit)
            .under(&GENERAL.$field),)*
        }
    };
}

otlp! {
    endpoint: Option<SecretString> = "ENDPOINT", "http://localhost:4318", url, "",
        "the collector, for `https` with the feature `tls`; for gRPC the default port is 4317. For HTTP the general one is a base to which `/v1/traces` and so on are added, the one of a signal is used as it is";
    protocol: Protocol = "PROTOCOL", "http/protobuf", protocol, "",
        "`grpc` (feature `grpc`), `http/protobuf` or `http/json`";
    insecure: bool = "INSECURE", "false", parse::flag, "",
        "`true`: a gRPC endpoint without a scheme is reached without TLS";
    certificate: Option<PathBuf> = "CERTIFICATE", "", pem_path, "",
        "PEM file of the authorities that the collector's certificate is checked with; unset, those of this machine";
    client_key: Option<PathBuf> = "CLIENT_KEY", "", pem_path, "",
        "PEM file of the private key that this client shows (mTLS)";
    client_certificate: Option<PathBuf> = "CLIENT_CERTIFICATE", "", pem_path, "",
        "PEM file of the certificate chain that this client shows (mTLS)";
    headers: Headers = "HEADERS", "", headers, "",
        "request headers, `key=value,key=value`, percent-encoded; one malformed pair discards the list; no output shows their values";
    compression: Compression = "COMPRESSION", "none", compression, "",
        "`none`, `gzip` or `zstd` (feature `zstd`, off by default)";
    timeout: Duration = "TIMEOUT", "10000", parse::timeout, "ms",
        "one export, retries included; `0` is no limit";
}

/// The settings of a signal.
pub(crate) fn of(signal: Signal) -> &'static OtlpSettings {
    match signal {
        Signal::Traces => &TRACES,
        Signal::Metrics => &METRICS,
        Signal::Logs => &LOGS,
    }
}

fn protocol(text: &str) -> Parsed<Protocol> {
    parse::one_of(
        text,
        &Protocol::ALL.map(|protocol| (protocol.name(), protocol)),
    )
}

fn compression(text: &str) -> Parsed<Compression> {
    if cfg!(not(feature = "zstd")) && text.eq_ignore_ascii_case("zstd") {
        return Parsed::invalid(text, "needs the feature `zstd` of telemetry-core");
    }
    parse::one_of(text, &Compression::ALL.map(|one| (one.name(), one)))
}
