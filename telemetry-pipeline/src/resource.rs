//! Who is speaking: the resource. What can be found out, what the service says of itself, what the operator says.

mod attribute;
mod cloud;
mod container;
mod host;
mod kubernetes;
mod machine;
mod os;
mod process;

use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::Resource;
use percent_encoding::percent_decode_str;

use super::config::{Env, Service};
use attribute::{
    DEPLOYMENT_ENVIRONMENT_NAME, SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_NAMESPACE,
    SERVICE_VERSION,
};

pub(crate) use machine::Machine;
pub(crate) use process::TICKS_PER_SECOND;

/// Something that finds out attributes of the resource, by environment variables and files only.
///
/// None of them asks a metadata service, so none can delay the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detector {
    /// `host.name`, `host.arch` and, outside of containers, `host.id`.
    Host,
    /// `os.type`, `os.name`, `os.version`, `os.description`.
    Os,
    /// `process.pid`, `process.creation.time`, `process.executable.name`, `process.executable.path`, `process.owner`,
    /// `process.runtime.name`. Never the arguments, which may hold secrets.
    Process,
    /// `container.id`, from control groups or mounts, of Docker, containerd, CRI-O and Podman.
    Container,
    /// `k8s.*`, only in Kubernetes, and from them `service.instance.id`.
    Kubernetes,
    /// `cloud.*`, `faas.*` and the like on AWS, Google Cloud and Azure.
    Cloud,
}

const DETECTORS: [Detector; 6] = [
    Detector::Host,
    Detector::Os,
    Detector::Process,
    Detector::Container,
    Detector::Kubernetes,
    Detector::Cloud,
];

impl Detector {
    fn detect(self, machine: &Machine, env: &Env) -> Vec<KeyValue> {
        match self {
            Self::Host => host::detect(machine, env),
            Self::Os => os::detect(machine),
            Self::Process => process::detect(machine, env),
            Self::Container => container::detect(machine),
            Self::Kubernetes => kubernetes::detect(machine, env),
            Self::Cloud => cloud::detect(machine, env),
        }
    }
}

/// Defaults, then what detectors find, what the service says of itself, the declarative file, the environment,
/// attributes set in code.
pub(crate) fn detect(
    service: &Service,
    code: &[KeyValue],
    machine: &Machine,
    without: &[Detector],
    env: &mut Env,
) -> Resource {
    let mut attributes = vec![
        KeyValue::new("telemetry.sdk.name", "opentelemetry"),
        KeyValue::new("telemetry.sdk.language", "rust"),
        KeyValue::new("telemetry.sdk.version", SDK_VERSION),
        KeyValue::new("telemetry.distro.name", "telemetry-core"),
        KeyValue::new("telemetry.distro.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new(DEPLOYMENT_ENVIRONMENT_NAME, "development"),
    ];
    for detector in DETECTORS.iter().filter(|one| !without.contains(one)) {
        attributes.extend(detector.detect(machine, env));
    }
    attributes.push(KeyValue::new(SERVICE_NAME, service.name.clone()));
    attributes.extend(
        service
            .namespace
            .clone()
            .map(|namespace| KeyValue::new(SERVICE_NAMESPACE, namespace)),
    );
    attributes.extend(
        service
            .version
            .clone()
            .map(|version| KeyValue::new(SERVICE_VERSION, version)),
    );
    attributes.extend(env.file_attributes());
    attributes.extend(from_environment(env));
    attributes.extend(
        env.get("OTEL_SERVICE_NAME")
            .map(|name| KeyValue::new(SERVICE_NAME, name)),
    );
    attributes.extend(code.iter().cloned());
    if value(&attributes, SERVICE_INSTANCE_ID).is_none() {
        // By the attributes as they are now: the operator may have said what the detectors could not know.
        let instance = kubernetes::instance_id(&attributes)
            .unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        attributes.push(KeyValue::new(SERVICE_INSTANCE_ID, instance));
    }
    Resource::builder_empty()
        .with_schema_url(attributes, SCHEMA_URL)
        .build()
}

/// The value that wins.
fn value<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    attributes
        .iter()
        .rfind(|attribute| attribute.key.as_str() == key)
        .map(|attribute| &attribute.value)
}

/// An attribute, if there is a value for it.
fn known(key: &'static str, value: Option<impl Into<Value>>) -> Option<KeyValue> {
    value.map(|value| KeyValue::new(key, value))
}

/// The schema of all names this workspace emits.
pub(crate) const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

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
mod tests;
