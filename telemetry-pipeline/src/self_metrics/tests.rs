use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{SpanKind, TraceContextExt as _},
};
use opentelemetry_sdk::metrics::SdkMeterProvider;

use super::*;
use crate::{
    Config, SamplerHandle, SamplerPolicy, Telemetry, View, metrics::metric_reader::SharedReader,
    resource::Machine,
};
use telemetry_api::instrument::scrape::ScrapeFormat;

fn telemetry(vars: &[(&str, &str)]) -> Config {
    let off = [
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "none"),
    ];
    Config::new("shop")
        .with_environment(off.iter().chain(vars).copied())
        .with_log_sink(|_| {})
}

fn scrape(telemetry: &Telemetry) -> String {
    telemetry
        .providers()
        .scrape(ScrapeFormat::Prometheus)
        .unwrap()
}

fn start(telemetry: &Telemetry, parent: &opentelemetry::Context) -> opentelemetry::Context {
    let scope = InstrumentationScope::builder("test").build();
    let tracer = telemetry.providers().tracer(scope);
    tracer.start(parent, "order", SpanKind::Internal, Vec::new)
}

fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Machine) {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let machine = Machine::this(root.path().to_owned());
    (root, machine)
}

fn observed(process: Process) -> String {
    let reader = SharedReader::new();
    let provider = SdkMeterProvider::builder()
        .with_reader(reader.clone())
        .build();
    observe_process(&meter(&provider), process);
    let resource = opentelemetry_sdk::Resource::builder_empty().build();
    let text = crate::metrics::prometheus::TextExposition::new(
        reader,
        Arc::default(),
        &resource,
        Arc::default(),
    );
    let text = telemetry_api::instrument::scrape::Scrape::scrape(&text, ScrapeFormat::Prometheus);
    let mut lines: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("process_") && !line.starts_with("process_uptime"))
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.trim_end_matches('}').split_once('{').unwrap();
            let label = labels.split(',').find(|label| !label.starts_with("otel_"));
            format!("{name} {} {value}", label.unwrap_or_default())
        })
        .collect();
    lines.sort();
    lines.join("\n")
}

#[test]
fn the_files_of_the_machine_are_read_as_they_are_meant() {
    let stat = "42 (a) b) S 1 2 3 4 5 6 700 8 9 10 150 250 0 0 20 0 17 0 1000 5000 77 18446744073709551615";
    let (_root, machine) = machine(&[
        ("proc/self/stat", stat),
        (
            "proc/self/status",
            "Name:\tshop\nVmSize:\t    2048 kB\nVmRSS:\t    1024 kB\n",
        ),
        (
            "proc/self/io",
            "rchar: 1\nwchar: 2\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 0\n",
        ),
        ("proc/self/fd/0", ""),
        ("proc/self/fd/1", ""),
        ("proc/self/fd/2", ""),
        ("proc/uptime", "70.5 1.0"),
    ]);
    let process = Process::new(machine);
    let uptime = process.uptime();
    assert!((60.5..61.5).contains(&uptime), "{uptime}");
    let expected = r#"process_cpu_time_seconds_total cpu_mode="system" 2.5
process_cpu_time_seconds_total cpu_mode="user" 1.5
process_disk_io_bytes_total disk_io_direction="read" 4096
process_disk_io_bytes_total disk_io_direction="write" 8192
process_memory_usage_bytes  1048576
process_memory_virtual_bytes  2097152
process_paging_faults_total system_paging_fault_type="major" 9
process_paging_faults_total system_paging_fault_type="minor" 700
process_thread_count  17
process_unix_file_descriptor_count  2"#;
    assert_eq!(observed(process), expected);
}

#[test]
fn a_process_whose_name_the_kernel_cut_amidst_a_letter_is_read_all_the_same() {
    let (root, machine) = machine(&[("proc/self/fd/0", "")]);
    let name = &"магазины".as_bytes()[..15];
    assert!(std::str::from_utf8(name).is_err());
    let fields = b") S 1 2 3 4 5 6 700 8 9 10 150 250 0 0 20 0 17 0 1000 5000 77";
    let stat = [b"42 (", name, fields].concat();
    fs::write(root.path().join("proc/self/stat"), stat).unwrap();
    let text = observed(Process::new(machine));
    assert!(text.contains("process_thread_count  17"), "{text}");
}

#[test]
fn without_such_files_there_is_the_uptime() {
    for files in [&[][..], &[("proc/self/stat", "42 (shop) S 1")]] {
        let (_root, machine) = machine(files);
        let process = Process::new(machine);
        assert!(process.uptime() < 10.0);
        assert_eq!(observed(process), "");
    }
}

#[test]
fn settings_switch_each_group_off() {
    for (setting, group) in [
        ("OTEL_INSTRUMENTATION_PROCESS_ENABLED", "process_uptime"),
        (
            "OTEL_INSTRUMENTATION_TOKIO_ENABLED",
            "tokio_runtime_worker_count",
        ),
        ("OTEL_INSTRUMENTATION_SDK_ENABLED", "otel_sdk_span_started"),
    ] {
        for enabled in ["true", "false"] {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            let config =
                telemetry(&[(setting, enabled)]).with_runtime("one", runtime.handle().clone());
            let telemetry = config.build().unwrap();
            start(&telemetry, &Default::default());
            let text = scrape(&telemetry);
            assert_eq!(
                text.contains(group),
                enabled == "true",
                "{setting}={enabled}: {text}"
            );
        }
    }
}

#[test]
fn no_runtime_one_and_several_are_told_apart() {
    let none = telemetry(&[]).build().unwrap();
    assert!(
        !scrape(&none).contains("tokio_runtime"),
        "built outside of any"
    );

    let threads = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(3)
        .build()
        .unwrap();
    let _inside = threads.enter();
    let own = telemetry(&[]).build().unwrap();
    assert!(
        scrape(&own).contains("tokio_runtime_name=\"main\"} 3\n"),
        "{}",
        scrape(&own)
    );

    let single = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let several = telemetry(&[])
        .with_runtime("web", threads.handle().clone())
        .with_runtime("jobs", single.handle().clone())
        .build()
        .unwrap();
    let _waiting = single.spawn(std::future::pending::<()>());
    let text = scrape(&several);
    let task_of = |runtime: &str| {
        text.lines()
            .find(|line| line.starts_with("tokio_runtime_task_count{") && line.contains(runtime))
            .and_then(|line| line.rsplit(' ').next().map(str::to_owned))
    };
    assert_eq!(task_of("\"jobs\"").as_deref(), Some("1"), "{text}");
    assert_eq!(task_of("\"web\"").as_deref(), Some("0"), "{text}");
    // A runtime that has ended is no trouble.
    drop(single);
    assert!(scrape(&several).contains("\"jobs\""));
}

#[test]
fn spans_are_counted_by_decision_and_parent_and_live_ones_known() {
    let telemetry = telemetry(&[
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
        ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
    ])
    .build()
    .unwrap();
    let value = |metric: &str, labels: &[&str]| -> Option<f64> {
        let text = scrape(&telemetry);
        let line = text.lines().find(|line| {
            line.starts_with(&format!("{metric}{{"))
                && labels.iter().all(|label| line.contains(label))
        })?;
        line.rsplit(' ').next()?.parse().ok()
    };
    let started = |result: &str, origin: &str| {
        value(
            "otel_sdk_span_started_total",
            &[&format!("\"{result}\""), &format!("\"{origin}\"")],
        )
    };
    let live = |result: &str| value("otel_sdk_span_live", &[&format!("\"{result}\"")]).unwrap();

    let root = start(&telemetry, &Default::default());
    let child = start(&telemetry, &root);
    assert_eq!(started("RECORD_AND_SAMPLE", "none"), Some(1.0));
    assert_eq!(started("RECORD_AND_SAMPLE", "local"), Some(1.0));
    assert_eq!(live("RECORD_AND_SAMPLE"), 2.0);
    child.span().end();
    drop(child);
    assert_eq!(live("RECORD_AND_SAMPLE"), 1.0);
    root.span().end();
    drop(root);
    assert_eq!(live("RECORD_AND_SAMPLE"), 0.0);

    telemetry.set_sampler(SamplerPolicy::always_off());
    start(&telemetry, &Default::default()).span().end();
    assert_eq!(started("DROP", "none"), Some(1.0));

    telemetry.set_sampler(SamplerPolicy::always_off().keeping_errors());
    let fine = start(&telemetry, &Default::default());
    assert_eq!(
        (live("RECORD_ONLY"), started("RECORD_ONLY", "none")),
        (1.0, Some(1.0))
    );
    fine.span().end();
    let bad = start(&telemetry, &Default::default());
    bad.span()
        .set_status(opentelemetry::trace::Status::error("bad"));
    bad.span().end();
    drop((fine, bad));
    assert_eq!((live("RECORD_ONLY"), live("RECORD_AND_SAMPLE")), (0.0, 0.0));
    assert_eq!(
        value("otel_sdk_processor_span_queue_size", &[]),
        Some(3.0),
        "the kept one included"
    );
}

#[test]
fn an_instrument_with_too_many_series_is_one_warning_with_name_and_limit() {
    let lines = Arc::new(Mutex::new(Vec::<String>::new()));
    let sink = lines.clone();
    let telemetry = telemetry(&[])
        .with_view(View::of("small").with_cardinality_limit(3))
        .with_log_sink(move |line| sink.lock().unwrap().push(line.to_owned()))
        .build()
        .unwrap();
    let meter = telemetry
        .providers()
        .meter(InstrumentationScope::builder("test").build());
    let (small, large) = (
        meter.u64_counter("small").build(),
        meter.u64_counter("large").build(),
    );
    for user in 0..2000 {
        small.add(1, &[KeyValue::new("user.id", user % 3)]);
        large.add(1, &[KeyValue::new("user.id", user)]);
    }
    scrape(&telemetry);
    assert_eq!(
        telemetry.health().overflowing_metrics(),
        [""; 0],
        "both are at their limit, none is past it"
    );
    for user in 2000..2100 {
        small.add(1, &[KeyValue::new("user.id", user)]);
        large.add(1, &[KeyValue::new("user.id", user)]);
    }
    // A bounded cache of an instrumentation is seen the same way.
    let bounded = telemetry
        .providers()
        .duration_histogram(&meter, "bounded", "Time", &[1.0]);
    let series = [
        vec![KeyValue::new("k", 1)],
        vec![KeyValue::new("k", 2)],
        telemetry_api::instrument::duration::overflow(),
    ];
    for attributes in &series {
        bounded
            .bind(attributes)
            .record(0.5, &opentelemetry::trace::SpanContext::NONE);
    }
    scrape(&telemetry);
    scrape(&telemetry);
    let said: Vec<_> = lines
        .lock()
        .unwrap()
        .iter()
        .filter(|line| line.contains("limit of series"))
        .cloned()
        .collect();
    assert_eq!(said.len(), 3, "{said:?}");
    for (name, limit) in [("small", 3), ("large", 2000), ("bounded", 2)] {
        let line = said.iter().find(|line| line.contains(name)).unwrap();
        assert!(
            line.contains(&limit.to_string()) && line.contains("with_view"),
            "{line}"
        );
    }
    assert_eq!(
        telemetry.health().overflowing_metrics(),
        ["bounded", "large", "small"]
    );
    assert!(
        telemetry
            .health()
            .to_string()
            .contains("too many series: bounded, large, small")
    );
}

#[test]
fn log_lines_lost_elsewhere_are_counted_with_their_reason() {
    let reader = SharedReader::new();
    let provider = SdkMeterProvider::builder()
        .with_reader(reader.clone())
        .build();
    let elsewhere = LostElsewhere::default();
    let observed = Observed {
        monitors: &[],
        sampler: &SamplerHandle::new(SamplerPolicy::always_on()),
        readers: &[],
        lost_elsewhere: &elsewhere,
    };
    observe_sdk(&meter(&provider), &observed);
    let count = Arc::new(AtomicU64::new(0));
    let own = count.clone();
    elsewhere.log_records("stdout_log_writer", "blocked", move || {
        own.load(Ordering::Relaxed)
    });
    count.store(7, Ordering::Relaxed);
    let text = format!("{:?}", reader.read("test").unwrap());
    for part in [
        "otel.sdk.processor.log.processed",
        "stdout_log_writer/0",
        "blocked",
        "value: 7",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
