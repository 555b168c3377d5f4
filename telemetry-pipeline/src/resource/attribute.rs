//! Names of resource attributes, semantic conventions 1.44, and lists of attributes.

use opentelemetry::{KeyValue, Value};

/// The value that counts: the last one.
pub(crate) fn value<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    attributes
        .iter()
        .rfind(|attribute| attribute.key.as_str() == key)
        .map(|attribute| &attribute.value)
}

/// An attribute, if there is a value for it.
pub(crate) fn known(key: &'static str, value: Option<impl Into<Value>>) -> Option<KeyValue> {
    value.map(|value| KeyValue::new(key, value))
}

pub(crate) const SERVICE_NAME: &str = "service.name";
pub(crate) const SERVICE_NAMESPACE: &str = "service.namespace";
pub(crate) const SERVICE_VERSION: &str = "service.version";
pub(crate) const SERVICE_INSTANCE_ID: &str = "service.instance.id";
pub(crate) const DEPLOYMENT_ENVIRONMENT_NAME: &str = "deployment.environment.name";

pub(crate) const HOST_ARCH: &str = "host.arch";
pub(crate) const HOST_ID: &str = "host.id";
pub(crate) const HOST_NAME: &str = "host.name";

pub(crate) const OS_DESCRIPTION: &str = "os.description";
pub(crate) const OS_NAME: &str = "os.name";
pub(crate) const OS_TYPE: &str = "os.type";
pub(crate) const OS_VERSION: &str = "os.version";

pub(crate) const PROCESS_CREATION_TIME: &str = "process.creation.time";
pub(crate) const PROCESS_EXECUTABLE_NAME: &str = "process.executable.name";
pub(crate) const PROCESS_EXECUTABLE_PATH: &str = "process.executable.path";
pub(crate) const PROCESS_OWNER: &str = "process.owner";
pub(crate) const PROCESS_PID: &str = "process.pid";
pub(crate) const PROCESS_RUNTIME_NAME: &str = "process.runtime.name";

pub(crate) const CONTAINER_ID: &str = "container.id";

pub(crate) const K8S_CLUSTER_NAME: &str = "k8s.cluster.name";
pub(crate) const K8S_CONTAINER_NAME: &str = "k8s.container.name";
pub(crate) const K8S_DEPLOYMENT_NAME: &str = "k8s.deployment.name";
pub(crate) const K8S_NAMESPACE_NAME: &str = "k8s.namespace.name";
pub(crate) const K8S_NODE_NAME: &str = "k8s.node.name";
pub(crate) const K8S_POD_NAME: &str = "k8s.pod.name";
pub(crate) const K8S_POD_UID: &str = "k8s.pod.uid";

pub(crate) const CLOUD_ACCOUNT_ID: &str = "cloud.account.id";
pub(crate) const CLOUD_PLATFORM: &str = "cloud.platform";
pub(crate) const CLOUD_PROVIDER: &str = "cloud.provider";
pub(crate) const CLOUD_REGION: &str = "cloud.region";
pub(crate) const CLOUD_RESOURCE_ID: &str = "cloud.resource_id";

pub(crate) const FAAS_INSTANCE: &str = "faas.instance";
pub(crate) const FAAS_MAX_MEMORY: &str = "faas.max_memory";
pub(crate) const FAAS_NAME: &str = "faas.name";
pub(crate) const FAAS_VERSION: &str = "faas.version";

pub(crate) const AWS_ECS_LAUNCHTYPE: &str = "aws.ecs.launchtype";
pub(crate) const AWS_LOG_GROUP_NAMES: &str = "aws.log.group.names";
pub(crate) const AWS_LOG_STREAM_NAMES: &str = "aws.log.stream.names";
pub(crate) const AZURE_RESOURCE_GROUP_NAME: &str = "azure.resource_group.name";
pub(crate) const GCP_CLOUD_RUN_JOB_EXECUTION: &str = "gcp.cloud_run.job.execution";
pub(crate) const GCP_CLOUD_RUN_JOB_TASK_INDEX: &str = "gcp.cloud_run.job.task_index";
