//! The container that the process runs in, if it does.

use opentelemetry::KeyValue;

use super::{Machine, attribute::CONTAINER_ID, kubernetes};

/// Files that runtimes mount into a container one by one, from a directory of that container's.
const MOUNTED: [&str; 3] = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];

pub(crate) fn detect(machine: &Machine) -> Vec<KeyValue> {
    id(machine)
        .map(|id| KeyValue::new(CONTAINER_ID, id))
        .into_iter()
        .collect()
}

/// True if the process sees a container's file system.
pub(crate) fn is_inside(machine: &Machine) -> bool {
    machine.has("/.dockerenv")
        || machine.has("/run/.containerenv")
        || of_group(machine).is_some()
        || of_mounts(machine).is_some()
}

/// Control groups name the container, unless a namespace hides them, as is usual with version 2. Then the files that the
/// runtime mounts name it. In a pod these are the files of the sandbox, another container, so there the id stays unknown.
fn id(machine: &Machine) -> Option<String> {
    of_group(machine).or_else(|| {
        let in_pod = kubernetes::is_inside(machine) || mounts(machine).contains("/pods/");
        if in_pod { None } else { of_mounts(machine) }
    })
}

fn of_group(machine: &Machine) -> Option<String> {
    let groups = machine.file("/proc/self/cgroup").unwrap_or_default();
    groups.lines().find_map(from_group)
}

fn of_mounts(machine: &Machine) -> Option<String> {
    mounts(machine).lines().find_map(from_mount)
}

fn mounts(machine: &Machine) -> String {
    machine.file("/proc/self/mountinfo").unwrap_or_default()
}

/// `hierarchy:controllers:path`, where the path ends with the container, or with a part of it.
fn from_group(line: &str) -> Option<String> {
    let path = line.splitn(3, ':').nth(2)?;
    path.rsplit('/').find_map(from_segment)
}

/// `<id>`, `docker-<id>.scope`, `cri-containerd-<id>.scope`, `crio-<id>`, `libpod-<id>.scope`, and with containerd
/// `kubepods-..:cri-containerd:<id>`.
fn from_segment(segment: &str) -> Option<String> {
    let name = segment.strip_suffix(".scope").unwrap_or(segment);
    // The process that watches a container, which is not in it.
    if name.contains("conmon") {
        return None;
    }
    let id = name.rsplit(['-', ':']).next().unwrap_or(name);
    is_id(id).then(|| id.to_owned()).or_else(|| fargate(name))
}

/// `<task>-<number>`, 32 hexadecimal digits and a decimal number.
fn fargate(name: &str) -> Option<String> {
    let (task, number) = name.split_once('-')?;
    let well_formed = task.len() == 32
        && task.bytes().all(is_hexadecimal)
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit());
    well_formed.then(|| name.to_owned())
}

/// Field 4 is the directory that is mounted, field 5 the place it is mounted at. On a host that runs containers their
/// directories are mounted, too, but not at these places.
fn from_mount(line: &str) -> Option<String> {
    let mut fields = line.split(' ').skip(3);
    let (mounted, place) = (fields.next()?, fields.next()?);
    if !MOUNTED.contains(&place) {
        return None;
    }
    // `sandboxes/<id>` of containerd is the pod's, not the container's.
    let mut segments = mounted.split('/');
    segments
        .find(|segment| matches!(*segment, "containers" | "overlay-containers"))
        .and_then(|_| segments.find(|segment| is_id(segment)))
        .map(str::to_owned)
}

fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(is_hexadecimal)
}

fn is_hexadecimal(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}
