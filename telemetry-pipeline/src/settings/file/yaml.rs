//! YAML as a tree with line numbers, bounded in depth and size for any file.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::substitute::substitute;

/// Deeper than any configuration is.
const MAX_DEPTH: usize = 64;

/// Aliases count as often as they are used: a small file cannot become a large tree.
const MAX_NODES: usize = 20_000;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) line: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Scalar(String),
    Sequence(Vec<Node>),
    Mapping(Vec<(String, Node)>),
}

/// The reason why a file cannot be read.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) line: usize,
    pub(crate) reason: String,
}

fn broken(line: usize, reason: impl Into<String>) -> Broken {
    Broken {
        line,
        reason: reason.into(),
    }
}

/// The one document of the text, its references to the environment replaced.
pub(crate) fn parse(
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Node, Broken> {
    let mut builder = Builder {
        environment,
        open: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        root: None,
    };
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| broken(error.marker().line(), error.info().to_owned()))?;
        builder.event(event, span)?;
    }
    Ok(builder.root.unwrap_or(Node {
        value: Value::Null,
        line: 1,
    }))
}

struct Builder<'a> {
    environment: &'a dyn Fn(&str) -> Option<String>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
}

/// A collection that has not ended.
struct Open {
    anchor: usize,
    node: Node,
    key: Option<String>,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Broken> {
        let line = span.start.line();
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                Err(broken(line, "more than one document"))
            }
            Event::Scalar(text, style, anchor, _) => {
                let node = Node {
                    value: self.scalar(&text, style, line)?,
                    line,
                };
                self.add(anchor, node)
            }
            Event::SequenceStart(anchor, _) => {
                self.start(anchor, Value::Sequence(Vec::new()), line)
            }
            Event::MappingStart(anchor, _) => self.start(anchor, Value::Mapping(Vec::new()), line),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => self.add(open.anchor, open.node),
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return Err(broken(line, "an alias inside of what it stands for"));
                };
                let (nodes, depth) = measure(&node);
                self.nodes += nodes;
                if self.open.len() + depth > MAX_DEPTH {
                    return Err(too_deep(line));
                }
                self.add(0, node)
            }
            _ => Ok(()),
        }
    }

    /// Keys are taken as they are; in values, references are replaced before an unquoted one is read as null.
    fn scalar(&self, text: &str, style: ScalarStyle, line: usize) -> Result<Value, Broken> {
        let is_key = self
            .open
            .last()
            .is_some_and(|open| matches!(open.node.value, Value::Mapping(_)) && open.key.is_none());
        let text = if is_key {
            text.to_owned()
        } else {
            substitute(text, self.environment).map_err(|reason| broken(line, reason))?
        };
        let plain = style == ScalarStyle::Plain && !is_key;
        Ok(
            if plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL") {
                Value::Null
            } else {
                Value::Scalar(text)
            },
        )
    }

    fn start(&mut self, anchor: usize, value: Value, line: usize) -> Result<(), Broken> {
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(line));
        }
        self.open.push(Open {
            anchor,
            node: Node { value, line },
            key: None,
        });
        Ok(())
    }

    fn add(&mut self, anchor: usize, node: Node) -> Result<(), Broken> {
        let line = node.line;
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(broken(line, "more values than a configuration has"));
        }
        if anchor != 0 {
            // The copy is kept, so it counts like one that is used.
            self.nodes += measure(&node).0;
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.node.value {
            Value::Mapping(members) => match open.key.take() {
                Some(key) => members.push((key, node)),
                None => {
                    let Value::Scalar(key) = node.value else {
                        return Err(broken(line, "a key that is not text"));
                    };
                    if members.iter().any(|(known, _)| *known == key) {
                        return Err(broken(line, format!("the key {key:?} a second time")));
                    }
                    open.key = Some(key);
                }
            },
            Value::Sequence(items) => items.push(node),
            Value::Null | Value::Scalar(_) => {}
        }
        Ok(())
    }
}

fn too_deep(line: usize) -> Broken {
    broken(line, format!("more than {MAX_DEPTH} levels"))
}

/// The number of nodes and of levels. The depth is bounded, so it may recurse.
fn measure(node: &Node) -> (usize, usize) {
    let (nodes, depth) = match &node.value {
        Value::Null | Value::Scalar(_) => (0, 0),
        Value::Sequence(items) => sum(items.iter()),
        Value::Mapping(members) => sum(members.iter().map(|(_, node)| node)),
    };
    (nodes + 1, depth + 1)
}

fn sum<'a>(nodes: impl Iterator<Item = &'a Node>) -> (usize, usize) {
    nodes
        .map(measure)
        .fold((0, 0), |(nodes, depth), (n, d)| (nodes + n, depth.max(d)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Node, Broken> {
        parse(text, &|_| None)
    }

    #[test]
    fn hostile_documents_end_in_an_error() {
        let nest = ["[".repeat(100), "]".repeat(100)].concat();
        let wide = format!(
            "a: &a [{}]\nb: [{}]",
            "x,".repeat(9_000),
            "*a,".repeat(1_000)
        );
        let open = "[".repeat(100_000);
        let keys = (0..100_000).fold(String::new(), |text, _| text + "? ");
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for i in 1..30 {
            let last = i - 1;
            bomb.push_str(&format!(
                "a{i}: &a{i} [{}]\n",
                vec![format!("*a{last}"); 9].join(",")
            ));
        }
        let mut chain = "a0: &a0 [x]\n".to_owned();
        for i in 1..5000 {
            chain.push_str(&format!("a{i}: &a{i} [*a{}]\n", i - 1));
        }
        for (text, reason) in [
            (&nest, "64 levels"),
            (&chain, "64 levels"),
            (&wide, "more values"),
            (&bomb, "more values"),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.reason.contains(reason), "{text:.40} is {error:?}");
        }
        for text in [
            &*open,
            &*format!("a: {}", "- ".repeat(100_000)),
            &*(0..3000)
                .map(|i| format!("{}a:\n", " ".repeat(i)))
                .collect::<String>(),
            &keys,
            "a: &a [*a]",
            "a: *nobody",
            "a: 1\na: 2",
            "[a]: b",
            "a: [",
            "a: \"",
            "a:\n\t- b",
            "a: b\n---\nc: d",
            "%YAML 9\n---\n: :",
            "a: ${",
            "\u{0}\u{feff}{",
        ] {
            let error = parsed(text);
            assert!(error.is_err(), "{text:.40} is {error:?}");
        }
    }

    #[test]
    fn quoted_text_stays_text_and_plain_null_is_none() {
        let node = parsed("a: ~\nb: \"null\"\nc: ${NONE}\nd: '${NONE:-null}'\ne: &e [1]\nf: *e\n")
            .unwrap();
        let Value::Mapping(members) = node.value else {
            panic!("a mapping");
        };
        let values: Vec<_> = members.into_iter().map(|(_, node)| node.value).collect();
        let text = |text: &str| Value::Scalar(text.to_owned());
        assert_eq!(
            values[..4],
            [Value::Null, text("null"), Value::Null, text("null")]
        );
        assert_eq!(values[4], values[5]);
    }
}
