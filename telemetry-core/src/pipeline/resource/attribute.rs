//! Names of resource attributes, semantic conventions 1.44.

pub(super) const SERVICE_NAME: &str = "service.name";
pub(super) const SERVICE_NAMESPACE: &str = "service.namespace";
pub(super) const SERVICE_VERSION: &str = "service.version";
pub(super) const SERVICE_INSTANCE_ID: &str = "service.instance.id";
pub(super) const DEPLOYMENT_ENVIRONMENT_NAME: &str = "deployment.environment.name";

pub(super) const HOST_ARCH: &str = "host.arch";
pub(super) const HOST_ID: &str = "host.id";
pub(super) const HOST_NAME: &str = "host.name";

pub(super) const OS_DESCRIPTION: &str = "os.description";
pub(super) const OS_NAME: &str = "os.name";
pub(super) const OS_TYPE: &str = "os.type";
pub(super) const OS_VERSION: &str = "os.version";

pub(super) const PROCESS_CREATION_TIME: &str = "process.creation.time";
pub(super) const PROCESS_EXECUTABLE_NAME: &str = "process.executable.name";
pub(super) const PROCESS_EXECUTABLE_PATH: &str = "process.executable.path";
pub(super) const PROCESS_OWNER: &str = "process.owner";
pub(super) const PROCESS_PID: &str = "process.pid";
pub(super) const PROCESS_RUNTIME_NAME: &str = "process.runtime.name";

pub(super) const CONTAINER_ID: &str = "container.id";

pub(super) const K8S_CLUSTER_NAME: &str = "k8s.cluster.name";
pub(super) const K8S_CONTAINER_NAME: &str = "k8s.container.name";
pub(super) const K8S_DEPLOYMENT_NAME: &str = "k8s.deployment.name";
pub(super) const K8S_NAMESPACE_NAME: &str = "k8s.namespace.name";
pub(super) const K8S_NODE_NAME: &str = "k8s.node.name";
pub(super) const K8S_POD_NAME: &str = "k8s.pod.name";
pub(super) const K8S_POD_UID: &str = "k8s.pod.uid";

pub(super) const CLOUD_ACCOUNT_ID: &str = "cloud.account.id";
pub(super) const CLOUD_PLATFORM: &str = "cloud.platform";
pub(super) const CLOUD_PROVIDER: &str = "cloud.provider";
pub(super) const CLOUD_REGION: &str = "cloud.region";
pub(super) const CLOUD_RESOURCE_ID: &str = "cloud.resource_id";

pub(super) const FAAS_INSTANCE: &str = "faas.instance";
pub(super) const FAAS_MAX_MEMORY: &str = "faas.max_memory";
pub(super) const FAAS_NAME: &str = "faas.name";
pub(super) const FAAS_VERSION: &str = "faas.version";

pub(super) const AWS_ECS_LAUNCHTYPE: &str = "aws.ecs.launchtype";
pub(super) const AWS_LOG_GROUP_NAMES: &str = "aws.log.group.names";
pub(super) const AWS_LOG_STREAM_NAMES: &str = "aws.log.stream.names";
pub(super) const AZURE_RESOURCE_GROUP_NAME: &str = "azure.resource_group.name";
pub(super) const GCP_CLOUD_RUN_JOB_EXECUTION: &str = "gcp.cloud_run.job.execution";
pub(super) const GCP_CLOUD_RUN_JOB_TASK_INDEX: &str = "gcp.cloud_run.job.task_index";
