//! Who is speaking: the resource.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use percent_encoding::percent_decode_str;

use super::config::{Env, Service};

const SERVICE_NAME: &str = "service.name";
const ENVIRONMENT: &str = "deployment.environment.name";

/// Defaults, then what the service says of itself, then the declarative file, then the environment, then attributes set in code.
pub(super) fn detect(service: &Service, code: &[KeyValue], env: &mut Env) -> Resource {
    let mut attributes = vec![
        KeyValue::new("telemetry.sdk.name", "opentelemetry"),
        KeyValue::new("telemetry.sdk.language", "rust"),
        KeyValue::new("telemetry.sdk.version", SDK_VERSION),
        KeyValue::new("telemetry.distro.name", "telemetry-core"),
        KeyValue::new("telemetry.distro.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", uuid::Uuid::new_v4().to_string()),
        KeyValue::new(ENVIRONMENT, "development"),
        KeyValue::new(SERVICE_NAME, service.name.clone()),
    ];
    attributes.extend(
        service
            .namespace
            .clone()
            .map(|namespace| KeyValue::new("service.namespace", namespace)),
    );
    attributes.extend(
        service
            .version
            .clone()
            .map(|version| KeyValue::new("service.version", version)),
    );
    attributes.extend(env.file_attributes());
    attributes.extend(from_environment(env));
    attributes.extend(
        env.get("OTEL_SERVICE_NAME")
            .map(|name| KeyValue::new(SERVICE_NAME, name)),
    );
    attributes.extend(code.iter().cloned());
    Resource::builder_empty()
        .with_schema_url(attributes, SCHEMA_URL)
        .build()
}

/// The schema of all names this workspace emits.
pub(super) const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

/// The version of the `opentelemetry_sdk` that the root manifest pins; a test compares the two.
const SDK_VERSION: &str = "0.33.1";

/// OTEL_RESOURCE_ATTRIBUTES, percent-decoded. One malformed member discards the list, as the specification says.
fn from_environment(env: &mut Env) -> Vec<KeyValue> {
    const NAME: &str = "OTEL_RESOURCE_ATTRIBUTES";
    let Some(list) = env.get(NAME) else {
        return Vec::new();
    };
    let decode = |text: &str| {
        percent_decode_str(text.trim())
            .decode_utf8()
            .ok()
            .map(|text| text.into_owned())
    };
    let members = list.split(',').filter(|member| !member.trim().is_empty());
    let parsed: Option<Vec<_>> = members
        .map(|member| {
            let (key, value) = member.split_once('=')?;
            let key = decode(key).filter(|key| !key.is_empty())?;
            Some(KeyValue::new(key, decode(value)?))
        })
        .collect();
    parsed.unwrap_or_else(|| {
        env.warn(
            NAME,
            &list,
            "none of it; it must be key=value pairs, separated by commas and percent-encoded",
        );
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_version_is_the_one_we_build_with() {
        let lock = include_str!("../../../Cargo.lock");
        assert!(lock.contains(&format!(
            "name = \"opentelemetry_sdk\"\nversion = \"{SDK_VERSION}\""
        )));
    }
}
