//! `process.*` (semantic conventions 1.44, release candidate), from `/proc`. Elsewhere than on Linux, the uptime alone.
//!
//! Left out: `process.network.io`, which Linux counts for a network namespace and not for a process, and
//! `process.context_switches`, which it counts for a thread.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    thread::available_parallelism,
    time::{Duration, Instant},
};

use opentelemetry::{KeyValue, metrics::Meter};

use crate::resource::{Machine, TICKS_PER_SECOND};

/// One collection reads the files once, however many instruments ask.
const FRESH: Duration = Duration::from_millis(100);

/// The kernel counts hundredths of a second: over less than this, a share of the processors is mostly noise.
const SHORTEST: Duration = Duration::from_secs(1);

/// This process, as the files of the machine show it.
pub(crate) struct Process {
    machine: Machine,
    started: Instant,
    age_at_start: Duration,
    read: Mutex<Option<(Instant, Option<Snapshot>)>>,
    usage: Mutex<Usage>,
}

/// The numbers in the files at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Snapshot {
    /// Seconds in user and in system mode.
    cpu: [f64; 2],
    /// Minor and major.
    faults: [u64; 2],
    threads: i64,
    resident: Option<i64>,
    virt: Option<i64>,
    /// Read and written.
    disk: Option<[u64; 2]>,
    descriptors: Option<i64>,
}

/// The share of the processors, over the time since it was last taken.
struct Usage {
    at: Instant,
    cpu: [f64; 2],
    share: Option<[f64; 2]>,
}

impl Process {
    pub(crate) fn new(machine: Machine) -> Self {
        let started = Instant::now();
        let cpu = Snapshot::read(&machine).unwrap_or_default().cpu;
        Self {
            age_at_start: age(&machine).unwrap_or_default(),
            machine,
            started,
            read: Mutex::default(),
            usage: Mutex::new(Usage {
                at: started,
                cpu,
                share: None,
            }),
        }
    }

    pub(crate) fn uptime(&self) -> f64 {
        (self.age_at_start + self.started.elapsed()).as_secs_f64()
    }

    fn now(&self) -> Option<Snapshot> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        match *read {
            Some((at, snapshot)) if at.elapsed() < FRESH => snapshot,
            _ => {
                let snapshot = Snapshot::read(&self.machine);
                *read = Some((Instant::now(), snapshot));
                snapshot
            }
        }
    }

    /// The shares of all processors in user and in system mode, 0 to 1.
    fn utilization(&self) -> Option<[f64; 2]> {
        let cpu = self.now()?.cpu;
        let mut usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = usage.at.elapsed();
        if elapsed >= SHORTEST {
            let processors = available_parallelism().map_or(1, usize::from);
            // No machine has so many processors that this is not exact.
            let available = elapsed.as_secs_f64() * processors as f64;
            let before = usage.cpu;
            let share = |mode: usize| ((cpu[mode] - before[mode]) / available).clamp(0.0, 1.0);
            *usage = Usage {
                at: Instant::now(),
                cpu,
                share: Some([share(0), share(1)]),
            };
        }
        usage.share
    }
}

impl Snapshot {
    fn read(machine: &Machine) -> Option<Self> {
        let stat = machine.of_process("stat")?;
        let status = machine.of_process("status").unwrap_or_default();
        let io = machine.of_process("io").unwrap_or_default();
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let field = |at: usize| fields.get(at)?.parse::<u64>().ok();
        // A machine would have to run for millions of years to make this inexact.
        let seconds = |at: usize| Some(field(at)? as f64 / TICKS_PER_SECOND as f64);
        let kib = |key: &str| {
            let value = labelled(&status, key)?.strip_suffix("kB")?.trim();
            value.parse::<i64>().ok()?.checked_mul(1024)
        };
        let disk = |key: &str| labelled(&io, key)?.parse::<u64>().ok();
        Some(Self {
            cpu: [seconds(11)?, seconds(12)?],
            faults: [field(7)?, field(9)?],
            threads: i64::try_from(field(17)?).ok()?,
            resident: kib("VmRSS:"),
            virt: kib("VmSize:"),
            disk: disk("read_bytes:")
                .zip(disk("write_bytes:"))
                .map(Into::into),
            // One of them is the directory that is being read.
            descriptors: machine
                .entries("/proc/self/fd")
                .and_then(|count| i64::try_from(count.saturating_sub(1)).ok()),
        })
    }
}

/// How long the process has been running.
fn age(machine: &Machine) -> Option<Duration> {
    let stat = machine.of_process("stat")?;
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u64 = fields.split_whitespace().nth(19)?.parse().ok()?;
    let uptime = machine.file("/proc/uptime")?;
    let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    let age = uptime - ticks as f64 / TICKS_PER_SECOND as f64;
    Duration::try_from_secs_f64(age).ok()
}

fn labelled<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let value = text.lines().find_map(|line| line.strip_prefix(key))?;
    Some(value.trim())
}

const MODES: [(&str, &str); 2] = [("cpu.mode", "user"), ("cpu.mode", "system")];
const DIRECTIONS: [(&str, &str); 2] = [
    ("disk.io.direction", "read"),
    ("disk.io.direction", "write"),
];
const FAULTS: [(&str, &str); 2] = [
    ("system.paging.fault.type", "minor"),
    ("system.paging.fault.type", "major"),
];

/// An instrument with the value of each attribute that the process has now.
macro_rules! instrument {
    ($meter:ident, $process:ident, $kind:ident, $name:literal, $unit:literal, $about:literal, $by:expr, $read:expr) => {{
        let process = $process.clone();
        let attributes = $by.map(|(key, value)| [KeyValue::new(key, value)]);
        let read: fn(&Process) -> Option<_> = $read;
        $meter
            .$kind($name)
            .with_unit($unit)
            .with_description($about)
            .with_callback(move |observer| {
                for (value, attributes) in read(&process).into_iter().flatten().zip(&attributes) {
                    observer.observe(value, attributes);
                }
            })
            .build();
    }};
    ($meter:ident, $process:ident, $kind:ident, $name:literal, $unit:literal, $about:literal, $read:expr) => {{
        let process = $process.clone();
        let read: fn(&Process) -> Option<_> = $read;
        $meter
            .$kind($name)
            .with_unit($unit)
            .with_description($about)
            .with_callback(move |observer| {
                if let Some(value) = read(&process) {
                    observer.observe(value, &[]);
                }
            })
            .build();
    }};
}

/// Makes the instruments. They live as long as the meter's provider.
pub(crate) fn observe(meter: &Meter, process: Process) {
    let process = Arc::new(process);
    instrument!(
        meter,
        process,
        f64_observable_gauge,
        "process.uptime",
        "s",
        "Time the process has been running",
        |process| Some(process.uptime())
    );
    if process.now().is_some() {
        observe_processors(meter, &process);
        observe_memory(meter, &process);
        observe_system_resources(meter, &process);
    }
}

fn observe_processors(meter: &Meter, process: &Arc<Process>) {
    instrument!(
        meter,
        process,
        f64_observable_counter,
        "process.cpu.time",
        "s",
        "Processor time used",
        MODES,
        |process| Some(process.now()?.cpu)
    );
    instrument!(
        meter,
        process,
        f64_observable_gauge,
        "process.cpu.utilization",
        "1",
        "Share of the available processors used since the last measurement",
        MODES,
        Process::utilization
    );
}

fn observe_memory(meter: &Meter, process: &Arc<Process>) {
    instrument!(
        meter,
        process,
        i64_observable_up_down_counter,
        "process.memory.usage",
        "By",
        "Physical memory in use",
        |process| process.now()?.resident
    );
    instrument!(
        meter,
        process,
        i64_observable_up_down_counter,
        "process.memory.virtual",
        "By",
        "Virtual memory",
        |process| process.now()?.virt
    );
    instrument!(
        meter,
        process,
        u64_observable_counter,
        "process.paging.faults",
        "{fault}",
        "Page faults",
        FAULTS,
        |process| Some(process.now()?.faults)
    );
}

/// Disks, threads and file descriptors.
fn observe_system_resources(meter: &Meter, process: &Arc<Process>) {
    instrument!(
        meter,
        process,
        u64_observable_counter,
        "process.disk.io",
        "By",
        "Bytes read from and written to disks",
        DIRECTIONS,
        |process| process.now()?.disk
    );
    instrument!(
        meter,
        process,
        i64_observable_up_down_counter,
        "process.thread.count",
        "{thread}",
        "Threads",
        |process| Some(process.now()?.threads)
    );
    instrument!(
        meter,
        process,
        i64_observable_up_down_counter,
        "process.unix.file_descriptor.count",
        "{file_descriptor}",
        "Open file descriptors",
        |process| process.now()?.descriptors
    );
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").finish_non_exhaustive()
    }
}
