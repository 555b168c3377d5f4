//! The effective configuration, as outputs may show it.

use std::fmt;

use super::source::Source;

/// Every setting with its effective value and the source of it. Secrets are redacted.
///
/// `Display` writes one setting a line, in columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    entries: Vec<ReportEntry>,
}

/// One setting of a [`Report`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportEntry {
    /// The name in docs/configuration.md.
    pub name: &'static str,
    /// The effective value in the syntax of the variable, credentials redacted; empty if there is no value.
    pub value: String,
    /// The unit of a number, such as `ms`; empty for other values.
    pub unit: &'static str,
    /// The source of the value.
    pub source: Source,
    /// The effect of the setting, in Markdown.
    pub about: &'static str,
}

impl Report {
    pub(crate) fn new(entries: Vec<ReportEntry>) -> Self {
        Self { entries }
    }

    /// The settings in the order of docs/configuration.md, then those of adapters in the order of their registration.
    pub fn iter(&self) -> std::slice::Iter<'_, ReportEntry> {
        self.entries.iter()
    }

    /// The setting of this name.
    pub fn get(&self, name: &str) -> Option<&ReportEntry> {
        self.iter().find(|entry| entry.name == name)
    }
}

impl<'a> IntoIterator for &'a Report {
    type Item = &'a ReportEntry;
    type IntoIter = std::slice::Iter<'a, ReportEntry>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.iter().map(|entry| entry.name.len()).max();
        // One very long value must not push the third column off every line.
        let value = self
            .iter()
            .map(|entry| shown(entry).chars().count().min(40));
        let (name, value) = (name.unwrap_or(0), value.max().unwrap_or(0));
        for (i, entry) in self.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            let (key, text, source) = (entry.name, shown(entry), &entry.source);
            write!(f, "{key:name$}  {text:value$}  {source}")?;
        }
        Ok(())
    }
}

/// A value is one line, also if it contains control characters.
fn shown(entry: &ReportEntry) -> String {
    if entry.value.is_empty() {
        return "-".to_owned();
    }
    let text = entry.value.chars();
    let mut text: String = text.map(|c| if c.is_control() { ' ' } else { c }).collect();
    if !entry.unit.is_empty() {
        text.push(' ');
        text.push_str(entry.unit);
    }
    text
}
