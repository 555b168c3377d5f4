use std::str::FromStr;

use super::{Query, QueryError, Term, Test};
use crate::model::TraceId;

impl FromStr for Query {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        let terms = words(text)?.into_iter().map(term);
        Ok(Self {
            terms: terms.collect::<Result<_, _>>()?,
        })
    }
}

/// A word of the query, and how much of its beginning stood before the first quote.
struct Word {
    text: String,
    bare: usize,
}

/// Words are divided by blanks, except within double quotes.
fn words(text: &str) -> Result<Vec<Word>, QueryError> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut bare: Option<usize> = None;
    let mut quoted = false;
    for character in text.chars() {
        match character {
            '"' => {
                quoted = !quoted;
                bare.get_or_insert(word.len());
            }
            blank if blank.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    let text = std::mem::take(&mut word);
                    let bare = bare.take().unwrap_or(text.len());
                    words.push(Word { text, bare });
                }
                bare = None;
            }
            other => word.push(other),
        }
    }
    if quoted {
        return Err(QueryError("a quotation mark \" is missing".to_owned()));
    }
    if !word.is_empty() {
        let bare = bare.unwrap_or(word.len());
        words.push(Word { text: word, bare });
    }
    Ok(words)
}

fn term(word: Word) -> Result<Term, QueryError> {
    let Word { text, bare } = word;
    let (not, text, bare) = match text.strip_prefix('-') {
        Some(rest) if bare > 0 && !rest.is_empty() => (true, rest.to_owned(), bare - 1),
        _ => (false, text, bare),
    };
    let test = test(&text, bare)?;
    Ok(Term { not, test })
}

fn test(text: &str, bare: usize) -> Result<Test, QueryError> {
    if bare > 0 {
        if let Some(limit) = text.strip_prefix('>') {
            return Ok(Test::LongerThan(nanos(limit.trim_start_matches('='))?));
        }
        if let Some(limit) = text.strip_prefix('<') {
            return Ok(Test::ShorterThan(nanos(limit.trim_start_matches('='))?));
        }
    }
    let sign = text.find([':', '=']).filter(|at| *at < bare && *at > 0);
    let Some(at) = sign else {
        return Ok(match text.parse::<TraceId>() {
            Ok(_) => Test::Id(text.to_ascii_lowercase()),
            Err(_) => Test::Text(text.to_owned()),
        });
    };
    let (key, value) = (&text[..at], &text[at + 1..]);
    let value = value.to_owned();
    if text[at..].starts_with('=') {
        return Ok(Test::Attribute(key.to_owned(), value));
    }
    let known = match key {
        "service" => Test::Service(value),
        "status" => return status(&value),
        "route" => Test::Route(value),
        "db" => Test::Database(value),
        "id" | "trace" | "correlation_id" => Test::Id(value),
        // A colon stands in many texts that somebody may look for.
        _ => return Ok(Test::Text(text.to_owned())),
    };
    if text.len() == at + 1 {
        return Err(QueryError(format!("{key}: needs a value after the colon")));
    }
    Ok(known)
}

fn status(value: &str) -> Result<Test, QueryError> {
    match value.to_ascii_lowercase().as_str() {
        "error" | "failed" => Ok(Test::Failed(true)),
        "ok" => Ok(Test::Failed(false)),
        _ => Err(QueryError("status is error or ok".to_owned())),
    }
}

/// `250us`, `100ms`, `1.5s`, `2m`.
fn nanos(text: &str) -> Result<u64, QueryError> {
    let end = text
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(text.len());
    let unit = match &text[end..] {
        "ns" => 1.0,
        "us" | "µs" | "μs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" | "min" => 60e9,
        _ => 0.0,
    };
    match text[..end].parse::<f64>() {
        Ok(number) if unit > 0.0 => Ok((number * unit) as u64),
        _ => Err(QueryError(
            "a duration needs a number and a unit: >100ms, <1.5s".to_owned(),
        )),
    }
}
