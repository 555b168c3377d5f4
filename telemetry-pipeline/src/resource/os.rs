//! The operating system.

use opentelemetry::KeyValue;

use super::{
    Machine,
    attribute::{OS_DESCRIPTION, OS_NAME, OS_TYPE, OS_VERSION, known},
};

pub(crate) fn detect(machine: &Machine) -> Vec<KeyValue> {
    let release = machine
        .file("/etc/os-release")
        .or_else(|| machine.file("/usr/lib/os-release"))
        .unwrap_or_default();
    [
        known(OS_TYPE, Some(os_type(machine.os))),
        known(OS_NAME, field(&release, "NAME")),
        known(OS_VERSION, field(&release, "VERSION_ID")),
        known(OS_DESCRIPTION, field(&release, "PRETTY_NAME")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// One assignment of the file, in the syntax of a shell.
fn field(release: &str, name: &str) -> Option<String> {
    let value = release
        .lines()
        .filter_map(|line| line.trim().split_once('='))
        .find(|(key, _)| *key == name)?
        .1;
    let quoted = ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    let mut text = String::new();
    let mut characters = quoted.unwrap_or(value).chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.extend(characters.next()),
            other => text.push(other),
        }
    }
    (!text.is_empty()).then_some(text)
}

fn os_type(os: &'static str) -> &'static str {
    match os {
        "macos" | "ios" => "darwin",
        "dragonfly" => "dragonflybsd",
        "android" => "linux",
        other => other,
    }
}
