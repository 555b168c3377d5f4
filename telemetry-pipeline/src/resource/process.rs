//! The process, without its arguments and its command, which may hold secrets.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use opentelemetry::KeyValue;

use super::{
    Machine,
    attribute::{
        PROCESS_CREATION_TIME, PROCESS_EXECUTABLE_NAME, PROCESS_EXECUTABLE_PATH, PROCESS_OWNER,
        PROCESS_PID, PROCESS_RUNTIME_NAME, known,
    },
};

/// The unit of times in `/proc`, independent of the timer of the kernel: USER_HZ, on all architectures of Rust.
pub(crate) const TICKS_PER_SECOND: u64 = 100;

const END_OF_CALENDAR: Duration = Duration::from_secs(253_402_300_800);

pub(crate) fn detect(machine: &Machine) -> Vec<KeyValue> {
    let executable = machine.executable.as_deref();
    let name = executable
        .and_then(Path::file_name)
        .map(|name| name.to_string_lossy().into_owned());
    let path = executable.map(|path| path.to_string_lossy().into_owned());
    [
        known(PROCESS_PID, Some(i64::from(machine.pid))),
        known(PROCESS_CREATION_TIME, creation_time(machine)),
        known(PROCESS_EXECUTABLE_NAME, name),
        known(PROCESS_EXECUTABLE_PATH, path),
        known(PROCESS_OWNER, owner(machine)),
        // A compiled language has no other. Its version is unknown at run time.
        known(PROCESS_RUNTIME_NAME, Some("rust")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The start of the machine and the ticks from there to the start of the process, in ISO 8601.
fn creation_time(machine: &Machine) -> Option<String> {
    let stat = machine.of_process("stat")?;
    // The second field is a name that may contain anything; the twenty-second is the twentieth after its parenthesis.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u64 = fields.split_whitespace().nth(19)?.parse().ok()?;
    let boot = machine.file("/proc/stat")?;
    let boot: u64 = boot
        .lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()?;
    let since_boot = Duration::from_millis(ticks.checked_mul(1000)? / TICKS_PER_SECOND);
    let created = Duration::from_secs(boot).checked_add(since_boot)?;
    // Formatting fails beyond the year 9999.
    let created = (created < END_OF_CALENDAR).then(|| SystemTime::UNIX_EPOCH + created)?;
    Some(humantime::format_rfc3339_millis(created).to_string())
}

/// The name of the user the process runs as; a container's user often has none.
fn owner(machine: &Machine) -> Option<String> {
    if machine.os != "linux" {
        return machine
            .variable("USER")
            .or_else(|| machine.variable("USERNAME"));
    }
    let status = machine.of_process("status")?;
    // Real, effective, saved and file system user.
    let id = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))?
        .split_whitespace()
        .nth(1)?;
    let users = machine.file("/etc/passwd")?;
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, user) = (fields.next()?, fields.next()?, fields.next()?);
        (user == id).then(|| name.to_owned())
    })
}
