//! The host: its name, its architecture, its identity.

use opentelemetry::KeyValue;

use super::{
    Machine,
    attribute::{HOST_ARCH, HOST_ID, HOST_NAME, known},
    container, kubernetes,
};

pub(crate) fn detect(machine: &Machine) -> Vec<KeyValue> {
    [
        known(HOST_NAME, name(machine)),
        known(HOST_ARCH, Some(arch(machine.arch))),
        known(HOST_ID, id(machine)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// As `hostname` prints it. Where no file has it, shells and Windows have a variable.
fn name(machine: &Machine) -> Option<String> {
    machine
        .file("/proc/sys/kernel/hostname")
        .or_else(|| machine.file("/etc/hostname"))
        .or_else(|| machine.variable("HOSTNAME"))
        .or_else(|| machine.variable("COMPUTERNAME"))
}

/// The machine id, which in a container is the image's and shared by all who run it.
fn id(machine: &Machine) -> Option<String> {
    if container::is_inside(machine) || kubernetes::is_inside(machine) {
        return None;
    }
    machine
        .file("/etc/machine-id")
        .or_else(|| machine.file("/var/lib/dbus/machine-id"))
        .or_else(|| machine.file("/etc/hostid"))
        // The text that systemd writes into an image that has not been started yet.
        .filter(|id| id != "uninitialized")
}

fn arch(arch: &'static str) -> &'static str {
    match arch {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        other => other,
    }
}
