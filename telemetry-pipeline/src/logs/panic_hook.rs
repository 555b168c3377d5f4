//! Panics as log records, with the ids of what panicked.

use std::{
    any::Any,
    backtrace::{Backtrace, BacktraceStatus},
    panic::{self, PanicHookInfo},
    sync::{Arc, Weak},
    thread,
    time::{Duration, SystemTime},
};

use tracing::{
    Event, Level, Metadata,
    callsite::{Callsite, Identifier},
    field::{FieldSet, Value},
    metadata::Kind,
    subscriber::Interest,
};

use crate::logs::{
    line::{Ids, Line, Severity},
    log_context,
    log_layer::LogOutput,
};
use telemetry_api::instrument::{pipeline::panic_logged, redaction::Redaction};

/// How long a panic waits for its line to leave the process while standard output is slow.
const FLUSH: Duration = Duration::from_millis(100);

/// The same where the process ends with the panic.
const LAST_FLUSH: Duration = Duration::from_secs(1);

const FIELDS: &[&str] = &[
    "message",
    "exception.type",
    "exception.message",
    "exception.stacktrace",
    "thread.name",
    "code.file.path",
    "code.line.number",
    "code.column.number",
];

/// Named for the event of the conventions for exceptions, under a target of its own.
static METADATA: Metadata<'static> = Metadata::new(
    "exception",
    "panic",
    Level::ERROR,
    None,
    None,
    None,
    FieldSet::new(FIELDS, Identifier(&PanicCallsite)),
    Kind::EVENT,
);

struct PanicCallsite;

impl Callsite for PanicCallsite {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        &METADATA
    }
}

/// Logs every panic of the process from now on, then does what was done before.
///
/// A panic is an [exception](https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-logs/): the event
/// `exception` with `exception.type` (`panic`), `exception.message`, `thread.name`, `code.*` and, where RUST_BACKTRACE
/// asks for one, `exception.stacktrace`. It is an error; where the process is built to end with it, it is fatal. No
/// filter applies.
///
/// The message is redacted as the texts of errors are.
pub(crate) fn log_panics(output: &Arc<LogOutput>, redaction: Arc<Redaction>) {
    let output = Arc::downgrade(output);
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        log(&output, &redaction, panic);
        previous(panic);
    }));
}

fn log(output: &Weak<LogOutput>, redaction: &Redaction, panic: &PanicHookInfo<'_>) {
    let Some(output) = output.upgrade() else {
        return;
    };
    write(&output, redaction, panic);
    // The layer of a server, which catches the panic, need not record it again.
    panic_logged();
    let bound = if cfg!(panic = "abort") {
        LAST_FLUSH
    } else {
        FLUSH
    };
    output.flush(bound);
}

fn write(output: &LogOutput, redaction: &Redaction, panic: &PanicHookInfo<'_>) {
    let said = redaction.error(message(panic.payload()));
    let said = &*said;
    let message = format!("panicked: {said}");
    let backtrace = Backtrace::capture();
    let stack = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    let thread = thread::current();
    let name = thread.name();
    let (file, line, column) = match panic.location() {
        Some(place) => (Some(place.file()), Some(place.line()), Some(place.column())),
        None => (None, None, None),
    };
    let fields = METADATA.fields();
    let names: Vec<_> = fields.iter().collect();
    let [f0, f1, f2, f3, f4, f5, f6, f7] = names.as_slice() else {
        return;
    };
    let (line_number, column_number) = (line.map(u64::from), column.map(u64::from));
    let values: [(_, Option<&dyn Value>); 8] = [
        (f0, Some(&message as &dyn Value)),
        (f1, Some(&"panic" as &dyn Value)),
        (f2, Some(&said as &dyn Value)),
        (f3, value(&stack)),
        (f4, value(&name)),
        (f5, value(&file)),
        (f6, value(&line_number)),
        (f7, value(&column_number)),
    ];
    let values = fields.value_set(&values);
    let event = Event::new(&METADATA, &values);
    output.log(&Line {
        event: &event,
        target: METADATA.target(),
        severity: if cfg!(panic = "abort") {
            Severity::Fatal
        } else {
            Severity::Error
        },
        now: SystemTime::now(),
        ids: &log_context::with_current(Ids::of).unwrap_or_default(),
        source: file.zip(line),
        spans: None,
    });
}

fn value<T: Value>(value: &Option<T>) -> Option<&dyn Value> {
    value.as_ref().map(|value| value as &dyn Value)
}

fn message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a value that is no text")
}
