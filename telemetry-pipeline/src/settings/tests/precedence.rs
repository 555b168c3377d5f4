use std::{collections::HashMap, sync::Arc};

use super::{super::Source, *};
use crate::settings::{Settings, batches, traces};

fn env(code: &[(&str, &str)], vars: &[(&str, &str)], file: &[(&'static str, &str)]) -> Settings {
    let owned = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
    let vars: HashMap<_, _> = vars.iter().map(owned).collect();
    let environment = Arc::new(move |name: &str| vars.get(name).cloned());
    let keys =
        |(name, value): &(&'static str, &str)| (*name, value.to_string(), format!("key.of.{name}"));
    if file.is_empty() {
        return Settings::read(code.iter().map(owned), environment).unwrap();
    }
    Settings::with_file_values(code.iter().map(owned), environment, file.iter().map(keys))
}

#[test]
fn code_beats_file_beats_default_and_environment_counts_without_a_file_for_every_setting() {
    // Reading a file has tests of its own.
    for setting in all().filter(|setting| setting.name() != "OTEL_CONFIG_FILE") {
        let name = setting.name();
        let [code, var, file] = samples(setting).map(|value| (name, value));
        let text = |sample: (&str, &str)| shown(setting, sample.1);
        let effective = |env: Settings, warnings| {
            assert_eq!(env.warnings.len(), warnings, "{name}: {:?}", env.warnings);
            (env.shown(setting).to_owned(), env.source(setting))
        };
        let default = (setting.default().to_owned(), Source::Default);
        let environment = (text(var), Source::Environment(name.to_owned()));
        assert_eq!(
            effective(env(&[code], &[var], &[]), 0),
            (text(code), Source::Code)
        );
        assert_eq!(effective(env(&[], &[var], &[]), 0), environment);
        assert_eq!(effective(env(&[], &[], &[]), 0), default);
        assert_eq!(
            effective(env(&[], &[(name, "  ")], &[]), 0),
            default,
            "an empty variable is an unset one"
        );
        assert_eq!(
            effective(env(&[code], &[], &[file]), 0),
            (text(code), Source::Code)
        );
        if name.starts_with("OTEL_") {
            assert_eq!(
                effective(env(&[], &[var], &[file]), 1),
                (text(file), Source::File(format!("key.of.{name}")))
            );
        } else {
            // A file has no key for these.
            let other = [("OTEL_BSP_SCHEDULE_DELAY", "1")];
            assert_eq!(effective(env(&[], &[var], &other), 0), environment);
        }
    }
}

#[test]
fn a_general_setting_counts_where_its_special_one_is_unset_and_a_stronger_source_beats_both() {
    for setting in all() {
        let (Some(general), name) = (setting.general(), setting.name()) else {
            continue;
        };
        let general = general.name();
        let [a, b, _] = samples(setting);
        let is = |env: Settings, text| {
            assert_eq!(env.shown(setting), shown(setting, text), "{name}");
            env.source(setting)
        };
        is(env(&[], &[(general, a)], &[]), a);
        is(env(&[], &[(general, a), (name, b)], &[]), b);
        assert_eq!(is(env(&[(general, a)], &[(name, b)], &[]), a), Source::Code);
    }
}

#[test]
fn a_malformed_value_of_any_setting_is_one_warning_that_names_it() {
    for setting in all() {
        let (name, Some(bad)) = (setting.name(), malformed(setting)) else {
            continue;
        };
        // The argument is asked for by one kind of sampler only.
        let sampler = ("OTEL_TRACES_SAMPLER", "traceidratio");
        let vars = match name {
            "OTEL_TRACES_SAMPLER_ARG" => vec![sampler, (name, bad)],
            _ => vec![(name, bad)],
        };
        let vars = [
            &OFF.map(|off| if off.0 == name { ("", "") } else { off }),
            &*vars,
        ]
        .concat();
        for config in [
            config(&vars),
            config(&OFF)
                .with_setting(sampler.0, sampler.1)
                .with_setting(name, bad),
        ] {
            let mut settings = config.resolve().unwrap();
            let warnings = &settings.settings.warnings;
            assert_eq!(warnings.len(), 1, "{name}: {warnings:?}");
            assert!(warnings[0].starts_with(&format!("{name}=")), "{warnings:?}");
            assert!(warnings[0].contains("; using "), "{warnings:?}");
            let report = report(&mut settings);
            let entry = report.get(name).unwrap();
            assert_ne!(entry.value, bad, "what is not used is not reported");
        }
    }
}

#[test]
fn a_malformed_value_gives_way_to_the_next_source_and_its_warning_says_so() {
    const NAME: &str = "OTEL_BSP_SCHEDULE_DELAY";
    let env = env(&[(NAME, "soon")], &[], &[(NAME, "250")]);
    assert_eq!(
        env.get(&batches::SPANS.schedule_delay),
        std::time::Duration::from_millis(250)
    );
    assert_eq!(env.warnings.len(), 1);
    assert!(
        env.warnings[0].ends_with("; using 250"),
        "{:?}",
        env.warnings
    );
}

#[test]
fn an_unknown_name_in_code_is_a_warning() {
    let settings = quiet(&[])
        .with_setting("OTEL_BPS_SCHEDULE_DELAY", "1")
        .resolve()
        .unwrap();
    let warnings = settings.settings.warnings;
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].contains("OTEL_BPS_SCHEDULE_DELAY"));
}

#[test]
fn the_name_of_the_service_says_which_of_its_sources_counts() {
    let entry = |config: Config| {
        let report = report(&mut config.resolve().unwrap());
        let entry = report.get("OTEL_SERVICE_NAME").unwrap();
        (entry.value.clone(), entry.source.to_string())
    };
    let named = quiet(&[("OTEL_SERVICE_NAME", "env")]);
    assert_eq!(entry(quiet(&[])), ("shop".into(), "default".into()));
    assert_eq!(
        entry(named),
        ("env".into(), "environment OTEL_SERVICE_NAME".into())
    );
    let named = quiet(&[("OTEL_SERVICE_NAME", "env")]);
    assert_eq!(
        entry(named.with_resource_attribute("service.name", "code")),
        ("code".into(), "code".into())
    );
}

#[test]
fn the_report_names_every_setting_once_with_value_and_source() {
    let telemetry = built(
        quiet(&[
            ("OTEL_BSP_SCHEDULE_DELAY", "77"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop-blue"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "500"),
        ])
        .with_setting("OTEL_METRIC_EXPORT_INTERVAL", "99"),
    );
    let report = telemetry.report();
    let own = all().map(|setting| setting.name());
    assert!(
        report
            .iter()
            .map(|entry| entry.name)
            .take(all().count())
            .eq(own)
    );
    let text = report.to_string();
    assert_eq!(text.lines().count(), report.iter().count());
    for (name, value, source) in [
        (
            "OTEL_BSP_SCHEDULE_DELAY",
            "77",
            "environment OTEL_BSP_SCHEDULE_DELAY",
        ),
        ("OTEL_METRIC_EXPORT_INTERVAL", "99", "code"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "1000", "default"),
        (
            "OTEL_SERVICE_NAME",
            "shop-blue",
            "environment OTEL_RESOURCE_ATTRIBUTES",
        ),
        (
            "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT",
            "500",
            "environment OTEL_EXPORTER_OTLP_TIMEOUT",
        ),
        ("OTEL_EXPORTER_OTLP_HEADERS", "", "default"),
    ] {
        let entry = report.get(name).unwrap();
        assert_eq!((&*entry.value, &*entry.source.to_string()), (value, source));
        let line = text
            .lines()
            .find(|line| line.split(' ').next() == Some(name))
            .unwrap();
        assert!(line.ends_with(source), "{line}");
    }
}

#[test]
fn names_of_choices_are_read_in_any_case() {
    let env = env(&[], &[("OTEL_PROPAGATORS", "TraceContext, B3,b3")], &[]);
    assert_eq!(env.shown(&traces::PROPAGATORS), "tracecontext,b3");
    assert_eq!(env.warnings, [""; 0]);
}

#[test]
fn a_warning_says_what_is_wrong_and_what_is_used() {
    for (name, value, said) in [
        ("TELEMETRY_LOG_FORMAT", "text", "; using its default"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "0", "from 10 to"),
        (
            "RUST_LOG",
            "shop=debug, Warning",
            "RUST_LOG=\"Warning\" lets all of that target pass",
        ),
    ] {
        let env = env(&[], &[(name, value)], &[]);
        assert_eq!(env.warnings.len(), 1, "{:?}", env.warnings);
        assert!(env.warnings[0].contains(said), "{:?}", env.warnings);
    }
    let filter = [("RUST_LOG", "warnings_of=debug,errors,allocator")];
    let env = env(&[], &filter, &[]);
    assert_eq!(env.warnings, [""; 0]);
}

#[test]
fn a_broken_percent_sign_discards_the_list_and_names_the_variable() {
    for list in [
        "a=1,b=%ZZ",
        "a=1,%Z=b",
        "a=%",
        "a=%F",
        "a=%FF",
        "a=1,b",
        "a=1,=b",
    ] {
        for name in ["OTEL_RESOURCE_ATTRIBUTES", "OTEL_EXPORTER_OTLP_HEADERS"] {
            let env = env(&[], &[(name, list)], &[]);
            assert_eq!(env.warnings.len(), 1, "{list}: {:?}", env.warnings);
            assert!(
                env.warnings[0].starts_with(&format!("{name}=")),
                "{:?}",
                env.warnings
            );
            assert!(
                env.warnings[0].contains("percent-encoded"),
                "{:?}",
                env.warnings
            );
            let setting = all().find(|setting| setting.name() == name).unwrap();
            assert_eq!(
                (env.shown(setting), env.source(setting)),
                ("", Source::Default),
                "{list}"
            );
        }
    }
    for list in ["a=%41,,b=2,", "a=100%25", "a="] {
        let env = env(&[], &[("OTEL_RESOURCE_ATTRIBUTES", list)], &[]);
        assert_eq!(env.warnings, [""; 0], "{list}");
    }
}

#[test]
fn none_beside_an_exporter_is_named_once() {
    for name in [
        "OTEL_TRACES_EXPORTER",
        "OTEL_METRICS_EXPORTER",
        "OTEL_LOGS_EXPORTER",
        "OTEL_PROPAGATORS",
    ] {
        let other = if name == "OTEL_PROPAGATORS" {
            "baggage"
        } else {
            "otlp"
        };
        for list in [format!("{other},none"), format!("none, {other}")] {
            let env = env(&[], &[(name, &list)], &[]);
            let expected = format!("{name}=\"none\" has no effect beside {other}; using {other}");
            assert_eq!(env.warnings, [expected]);
        }
    }
}
