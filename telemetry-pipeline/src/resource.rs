//! The resource: attributes of the service, its process and its machine, from detectors, code and settings.

mod attribute;
mod cloud;
mod container;
mod host;
mod kubernetes;
mod machine;
mod os;
mod process;

use opentelemetry::{Key, KeyValue};
use opentelemetry_sdk::Resource;

use attribute::{
    DEPLOYMENT_ENVIRONMENT_NAME, SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_NAMESPACE,
    SERVICE_VERSION, known, value,
};

use crate::{
    service::Service,
    settings::{Settings, Source, service},
};

pub(crate) use machine::Machine;
pub(crate) use process::TICKS_PER_SECOND;

/// A detector of resource attributes. It reads environment variables and files.
///
/// No detector asks a metadata service, so none can delay the start.
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
    fn detect(self, machine: &Machine) -> Vec<KeyValue> {
        match self {
            Self::Host => host::detect(machine),
            Self::Os => os::detect(machine),
            Self::Process => process::detect(machine),
            Self::Container => container::detect(machine),
            Self::Kubernetes => kubernetes::detect(machine),
            Self::Cloud => cloud::detect(machine),
        }
    }
}

/// The resource. Of several values of an attribute the last one counts: defaults, detectors, the service in code, the
/// declarative file, the environment, attributes set in code.
pub(crate) fn detect(
    service: &Service,
    code: &[KeyValue],
    machine: &Machine,
    without: &[Detector],
    settings: &mut Settings,
) -> Resource {
    let mut attributes = defaults();
    for detector in DETECTORS.iter().filter(|one| !without.contains(one)) {
        attributes.extend(detector.detect(machine));
    }
    attributes.push(KeyValue::new(SERVICE_NAME, service.name.clone()));
    attributes.extend(known(SERVICE_NAMESPACE, service.namespace.clone()));
    attributes.extend(known(SERVICE_VERSION, service.version.clone()));
    attributes.extend(from_settings(settings));
    attributes.extend(code.iter().cloned());
    if value(&attributes, SERVICE_INSTANCE_ID).is_none() {
        // By the attributes as they are now: the operator may have set those that detectors cannot know.
        let instance = kubernetes::instance_id(&attributes)
            .unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        attributes.push(KeyValue::new(SERVICE_INSTANCE_ID, instance));
    }
    report_the_name(&attributes, code, settings);
    Resource::builder_empty()
        .with_schema_url(attributes, SCHEMA_URL)
        .build()
}

fn defaults() -> Vec<KeyValue> {
    vec![
        KeyValue::new("telemetry.sdk.name", "opentelemetry"),
        KeyValue::new("telemetry.sdk.language", "rust"),
        KeyValue::new("telemetry.sdk.version", SDK_VERSION),
        KeyValue::new("telemetry.distro.name", "telemetry-core"),
        KeyValue::new("telemetry.distro.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new(DEPLOYMENT_ENVIRONMENT_NAME, "development"),
    ]
}

/// Attributes of the declarative file, then those of the variables.
fn from_settings(settings: &Settings) -> Vec<KeyValue> {
    let file = settings.file_attributes().iter();
    let mut attributes: Vec<_> = file.map(|(attribute, _)| attribute.clone()).collect();
    let listed = settings.get(&service::RESOURCE_ATTRIBUTES).into_iter();
    attributes.extend(listed.map(|(key, value)| KeyValue::new(key, value)));
    attributes.extend(known(SERVICE_NAME, settings.get(&service::NAME)));
    attributes
}

/// The name of the service has more sources than other settings, because it is a resource attribute, too.
fn report_the_name(attributes: &[KeyValue], code: &[KeyValue], settings: &mut Settings) {
    let is_name = |attribute: &KeyValue| attribute.key.as_str() == SERVICE_NAME;
    let listed = settings.get(&service::RESOURCE_ATTRIBUTES);
    let in_file = settings.file_attributes().iter().rev();
    let source = if code.iter().any(is_name) {
        Source::Code
    } else if settings.set_by(&service::NAME).is_some() {
        return;
    } else if listed.iter().any(|(key, _)| key == SERVICE_NAME) {
        settings.source(&service::RESOURCE_ATTRIBUTES)
    } else if let Some((_, key)) = in_file.into_iter().find(|(one, _)| is_name(one)) {
        Source::File(key.clone())
    } else {
        Source::Default
    };
    let name = value(attributes, SERVICE_NAME).map(ToString::to_string);
    settings.show(&service::NAME, name.unwrap_or_default(), source);
}

/// The text of an attribute; empty if the resource does not have it.
pub(crate) fn attribute_text(resource: &Resource, key: &'static str) -> String {
    resource
        .get(&Key::from_static_str(key))
        .map(|value| value.to_string())
        .unwrap_or_default()
}

/// The schema of all names this workspace emits.
pub(crate) const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

/// The version of the `opentelemetry_sdk` that the root manifest pins; a test compares the two.
const SDK_VERSION: &str = "0.33.1";

#[cfg(test)]
mod tests;
