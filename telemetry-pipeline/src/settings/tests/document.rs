use super::{super::registry::GROUPS, *};

const DOCUMENT: &str = include_str!("../../../../docs/configuration.md");

/// The tables of docs/configuration.md as the registry has them.
fn tables() -> String {
    let mut text = String::new();
    for (heading, settings) in GROUPS {
        text.push_str(&format!(
            "## {heading}\n\n| variable | default | unit | what it does |\n|---|---|---|---|\n"
        ));
        for setting in settings {
            let default = match setting.default {
                "" => String::new(),
                default => format!("`{default}`"),
            };
            text.push_str(&format!(
                "| `{}` | {default} | {} | {} |\n",
                setting.name, setting.unit, setting.about
            ));
        }
        text.push('\n');
    }
    text
}

#[test]
fn the_document_and_the_registry_are_equal() {
    let tables = tables();
    assert!(
        DOCUMENT.contains(&tables),
        "docs/configuration.md should contain:\n\n{tables}"
    );
    let rows = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with("| `OTEL_"))
            .count()
    };
    assert_eq!(rows(DOCUMENT), rows(&tables), "no row is there twice");
}

#[test]
fn defaults_are_valid_and_names_are_there_once() {
    for setting in all() {
        assert_eq!(all().filter(|other| other.name == setting.name).count(), 1);
        if !setting.default.is_empty() {
            let checked = setting.kind.check(setting.default);
            assert_eq!(checked.kept.as_deref(), Some(setting.default));
        }
        if let Some(general) = setting.general {
            let general = registry::find(general).unwrap();
            assert_eq!((general.default, general.general), (setting.default, None));
        }
    }
}
