//! The pod, by variables of the downward API and files of the kubelet.

use opentelemetry::KeyValue;

use super::{
    Machine,
    attribute::{
        K8S_CLUSTER_NAME, K8S_CONTAINER_NAME, K8S_DEPLOYMENT_NAME, K8S_NAMESPACE_NAME,
        K8S_NODE_NAME, K8S_POD_NAME, K8S_POD_UID, known, value,
    },
};

const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Names of variables that deployments set from the downward API, the most specific first.
const NAMESPACE: [&str; 5] = [
    "K8S_NAMESPACE_NAME",
    "K8S_NAMESPACE",
    "POD_NAMESPACE",
    "MY_POD_NAMESPACE",
    "KUBERNETES_NAMESPACE",
];
const POD: [&str; 4] = [
    "K8S_POD_NAME",
    "POD_NAME",
    "MY_POD_NAME",
    "OTEL_RESOURCE_ATTRIBUTES_POD_NAME",
];
const POD_UID: [&str; 4] = [
    "K8S_POD_UID",
    "POD_UID",
    "MY_POD_UID",
    "OTEL_RESOURCE_ATTRIBUTES_POD_UID",
];
const NODE: [&str; 5] = [
    "K8S_NODE_NAME",
    "NODE_NAME",
    "MY_NODE_NAME",
    "KUBE_NODE_NAME",
    "OTEL_RESOURCE_ATTRIBUTES_NODE_NAME",
];
const CONTAINER: [&str; 2] = ["K8S_CONTAINER_NAME", "CONTAINER_NAME"];
const CLUSTER: [&str; 2] = ["K8S_CLUSTER_NAME", "CLUSTER_NAME"];
const DEPLOYMENT: [&str; 2] = ["K8S_DEPLOYMENT_NAME", "DEPLOYMENT_NAME"];

pub(crate) fn detect(machine: &Machine) -> Vec<KeyValue> {
    if !is_inside(machine) {
        return Vec::new();
    }
    let mounts = machine.file("/proc/self/mountinfo").unwrap_or_default();
    let mounted = mounts.lines().find_map(Mounted::of);
    let namespace = first(machine, &NAMESPACE).or_else(|| machine.file(NAMESPACE_FILE));
    let node = first(machine, &NODE);
    let pod = first(machine, &POD).or_else(|| pod_by_host_name(machine, node.as_deref()));
    let uid = first(machine, &POD_UID).or_else(|| Some(mounted.as_ref()?.pod_uid.to_owned()));
    let container =
        first(machine, &CONTAINER).or_else(|| Some(mounted.as_ref()?.container.to_owned()));
    [
        known(K8S_CLUSTER_NAME, first(machine, &CLUSTER)),
        known(K8S_NODE_NAME, node),
        known(K8S_NAMESPACE_NAME, namespace),
        known(K8S_DEPLOYMENT_NAME, first(machine, &DEPLOYMENT)),
        known(K8S_POD_NAME, pod),
        known(K8S_POD_UID, uid),
        known(K8S_CONTAINER_NAME, container),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// True in a pod: the kubelet gives every container the address of the API, and nearly every one a service account.
pub(crate) fn is_inside(machine: &Machine) -> bool {
    machine.variable("KUBERNETES_SERVICE_HOST").is_some() || machine.has(NAMESPACE_FILE)
}

/// `<namespace>.<pod>.<container>`, if all are known: the same after a restart of the container, as the convention
/// for Kubernetes has it.
pub(crate) fn instance_id(attributes: &[KeyValue]) -> Option<String> {
    let namespace = value(attributes, K8S_NAMESPACE_NAME)?;
    let pod = value(attributes, K8S_POD_NAME)?;
    let container = value(attributes, K8S_CONTAINER_NAME)?;
    Some(format!("{namespace}.{pod}.{container}"))
}

fn first(machine: &Machine, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| machine.variable(name))
}

/// A pod's host is called like the pod, unless it uses the network of the node, whose name it then has.
fn pod_by_host_name(machine: &Machine, node: Option<&str>) -> Option<String> {
    let node_network = machine
        .file("/etc/hosts")
        .is_some_and(|hosts| hosts.starts_with("# Kubernetes-managed hosts file (host network)"));
    machine
        .variable("HOSTNAME")
        .or_else(|| machine.file("/etc/hostname"))
        .filter(|name| !node_network && node != Some(name.as_str()))
}

/// The kubelet mounts the file for the last words of a container from
/// `..pods/<uid>/containers/<name>/<attempt>`.
struct Mounted<'a> {
    pod_uid: &'a str,
    container: &'a str,
}

impl<'a> Mounted<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let mut fields = line.split(' ').skip(3);
        let (directory, place) = (fields.next()?, fields.next()?);
        if place != "/dev/termination-log" {
            return None;
        }
        let (_, rest) = directory.split_once("/pods/")?;
        let mut segments = rest.split('/');
        let pod_uid = segments.next()?;
        (segments.next()? == "containers").then_some(())?;
        let container = segments.next()?;
        Some(Self { pod_uid, container })
    }
}
