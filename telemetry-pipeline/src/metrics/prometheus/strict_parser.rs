//! A strict reader of OpenMetrics 1.0, for tests: it refuses what a lenient scraper would let pass.

use std::collections::{BTreeMap, HashSet};

/// The families with their type, or what is wrong and where.
pub(crate) fn parse(text: &str) -> Result<BTreeMap<String, String>, String> {
    let body = text
        .strip_suffix("# EOF\n")
        .ok_or("the text does not end with # EOF and a line feed")?;
    let mut families = BTreeMap::new();
    let mut series = HashSet::new();
    let mut current: Option<Family> = None;
    for line in body.lines() {
        let fail = |what: &str| format!("{what}: {line}");
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (what, name) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            let value = words.next().unwrap_or("");
            if current.as_ref().is_none_or(|family| family.name != name) {
                finish(current.take(), &mut families)?;
                if families.contains_key(name) {
                    return Err(fail("the family is interrupted"));
                }
                current = Some(Family::new(name));
            }
            let Some(family) = &mut current else { continue };
            if family.sampled {
                return Err(fail("a description after samples"));
            }
            let slot = match what {
                "TYPE" => &mut family.kind,
                "HELP" => &mut family.help,
                "UNIT" => &mut family.unit,
                _ => return Err(fail("an unknown comment")),
            };
            if slot.replace(value.to_owned()).is_some() {
                return Err(fail("described twice"));
            }
            continue;
        }
        let family = current
            .as_mut()
            .ok_or_else(|| fail("a sample of no family"))?;
        family.sampled = true;
        let sample = Sample::parse(line).ok_or_else(|| fail("not a sample"))?;
        if !series.insert((sample.name.clone(), sample.labels.clone())) {
            return Err(fail("a series twice"));
        }
        family.check(&sample).map_err(|what| fail(&what))?;
    }
    finish(current, &mut families)?;
    Ok(families)
}

fn finish(family: Option<Family>, families: &mut BTreeMap<String, String>) -> Result<(), String> {
    let Some(family) = family else { return Ok(()) };
    if let Some(unit) = &family.unit
        && !family.name.ends_with(&format!("_{unit}"))
    {
        return Err(format!("{} does not end with its unit {unit}", family.name));
    }
    let [mut infinite, mut counts] = [family.infinite, family.counts];
    infinite.sort_by(|a, b| a.0.cmp(&b.0));
    counts.sort_by(|a, b| a.0.cmp(&b.0));
    if infinite != counts {
        return Err(format!("{}: a _count is not its +Inf bucket", family.name));
    }
    let kind = family.kind.unwrap_or_else(|| "unknown".to_owned());
    families.insert(family.name, kind);
    Ok(())
}

struct Family {
    name: String,
    kind: Option<String>,
    help: Option<String>,
    unit: Option<String>,
    sampled: bool,
    /// The buckets of the histogram point being read: labels without `le`, last bound, last count.
    open: Option<(Pairs, f64, f64)>,
    infinite: Vec<(Pairs, f64)>,
    counts: Vec<(Pairs, f64)>,
}

type Pairs = Vec<(String, String)>;

impl Family {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: None,
            help: None,
            unit: None,
            sampled: false,
            open: None,
            infinite: Vec::new(),
            counts: Vec::new(),
        }
    }

    fn check(&mut self, sample: &Sample) -> Result<(), String> {
        let suffix = sample
            .name
            .strip_prefix(&self.name)
            .ok_or("a sample of another family")?;
        let le = sample.labels.iter().find(|(key, _)| key == "le");
        let others: Vec<_> = sample
            .labels
            .iter()
            .filter(|(key, _)| key != "le")
            .cloned()
            .collect();
        if sample.exemplar && !matches!(suffix, "_bucket" | "_total") {
            return Err("an exemplar where none may be".to_owned());
        }
        match (self.kind.as_deref().unwrap_or("unknown"), suffix) {
            ("gauge" | "unknown", "") | ("info", "_info") => Ok(()),
            ("counter", "_total") if sample.value >= 0.0 => Ok(()),
            ("histogram", "_bucket") => {
                let (_, le) = le.ok_or("a bucket without le")?;
                let bound: f64 = le.parse().map_err(|_| "le is no number")?;
                if le != "+Inf" && !is_canonical(le, bound) {
                    return Err("le is not a canonical number".to_owned());
                }
                if let Some((labels, last, count)) = &self.open
                    && *labels == others
                    && (*last >= bound || *count > sample.value)
                {
                    return Err("buckets out of order".to_owned());
                }
                if bound == f64::INFINITY {
                    self.infinite.push((others.clone(), sample.value));
                }
                self.open = Some((others, bound, sample.value));
                Ok(())
            }
            ("histogram", "_sum") => Ok(()),
            ("histogram", "_count") => {
                self.counts.push((others, sample.value));
                Ok(())
            }
            (kind, suffix) => Err(format!("a {kind} has no {suffix:?}")),
        }
    }
}

/// Whether the text has an exponent where the canonical form has one, and a point elsewhere.
fn is_canonical(text: &str, value: f64) -> bool {
    let beyond = value != 0.0 && !(1e-4..1e6).contains(&value.abs());
    match text.split_once('e') {
        Some((_, exponent)) => beyond && exponent.starts_with(['+', '-']) && exponent.len() >= 3,
        None => !beyond && text.contains('.'),
    }
}

struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
    exemplar: bool,
}

impl Sample {
    fn parse(line: &str) -> Option<Self> {
        let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))?;
        let (name, rest) = line.split_at(end);
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let (labels, rest) = match rest.strip_prefix('{') {
            Some(rest) => labels(rest)?,
            None => (Vec::new(), rest),
        };
        let rest = rest.strip_prefix(' ')?;
        let (value, exemplar) = match rest.split_once(" # ") {
            Some((value, exemplar)) => (value, Some(exemplar)),
            None => (rest, None),
        };
        if let Some(exemplar) = exemplar {
            let (pairs, rest) = labels_of_exemplar(exemplar)?;
            let runes: usize = pairs
                .iter()
                .map(|(key, value)| key.chars().count() + value.chars().count())
                .sum();
            let numbers: Vec<_> = rest.strip_prefix(' ')?.split(' ').collect();
            if runes > 128 || numbers.len() > 2 || numbers.iter().any(|n| n.parse::<f64>().is_err())
            {
                return None;
            }
        }
        Some(Self {
            name: name.to_owned(),
            labels,
            value: value.parse().ok()?,
            exemplar: exemplar.is_some(),
        })
    }
}

fn labels_of_exemplar(text: &str) -> Option<(Vec<(String, String)>, &str)> {
    labels(text.strip_prefix('{')?)
}

/// Labels up to the closing brace, each name once, each value with valid escapes.
fn labels(mut text: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut found: Vec<(String, String)> = Vec::new();
    loop {
        let (key, rest) = text.split_once("=\"")?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if key.is_empty()
            || key.starts_with(|c: char| c.is_ascii_digit())
            || !key.chars().all(plain)
            || found.iter().any(|(known, _)| known == key)
        {
            return None;
        }
        let mut value = String::new();
        let mut chars = rest.char_indices();
        let end = loop {
            match chars.next()? {
                (_, '\\') => match chars.next()?.1 {
                    'n' => value.push('\n'),
                    c @ ('\\' | '"') => value.push(c),
                    _ => return None,
                },
                (at, '"') => break at,
                (_, '\n') => return None,
                (_, c) => value.push(c),
            }
        };
        found.push((key.to_owned(), value));
        let rest = &rest[end + 1..];
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((found, rest));
        }
        text = rest.strip_prefix(',')?;
    }
}
