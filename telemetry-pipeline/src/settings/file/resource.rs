//! The resource of the declarative file.

use opentelemetry::{Array, KeyValue, StringValue, Value as AttributeValue};

use super::{
    super::syntax,
    walk::{Key, Walk},
    yaml::{Node, Value},
};

impl Walk {
    pub(crate) fn resource(&mut self, node: &Node, path: &str) -> Key {
        let mut listed = Vec::new();
        let mut named = Vec::new();
        self.each(node, path, |walk, key, node, path| match key {
            "attributes_list" => {
                if let Some(list) = walk.text(node, path) {
                    listed = walk.attributes_list(&list, node, path);
                }
                Key::Used
            }
            "attributes" => {
                walk.items(node, path, |walk, node, path| {
                    if let Some(attribute) = walk.attribute(node, path) {
                        named.push((attribute, path.to_owned()));
                    }
                });
                Key::Used
            }
            "detection/development" | "schema_url" => Key::Unsupported,
            _ => Key::Unknown,
        });
        // Attributes beat the list, in any order in the file.
        self.out.attributes.extend(listed.into_iter().chain(named));
        Key::Used
    }

    fn attributes_list(&mut self, list: &str, node: &Node, path: &str) -> Vec<(KeyValue, String)> {
        let named = |(key, value): (String, String)| (KeyValue::new(key, value), path.to_owned());
        if let Some((pairs, _)) = syntax::pairs(list).value {
            return pairs.into_iter().map(named).collect();
        }
        self.wrong(
            node,
            path,
            "must be key=value pairs, separated by commas and percent-encoded; ignoring it",
        );
        Vec::new()
    }

    fn attribute(&mut self, node: &Node, path: &str) -> Option<KeyValue> {
        let (mut name, mut value, mut kind) = (None, None, None);
        self.each(node, path, |walk, key, node, path| {
            match key {
                "name" => name = walk.text(node, path),
                "value" => value = Some(node.clone()),
                "type" => kind = walk.text(node, path),
                _ => return Key::Unknown,
            }
            Key::Used
        });
        let value = value.filter(|node| node.value != Value::Null)?;
        let typed = typed(kind.as_deref().unwrap_or("string"), &value);
        match (name, typed) {
            (Some(name), Some(value)) => Some(KeyValue::new(name, value)),
            _ => {
                self.wrong(
                    node,
                    path,
                    "has no name or a value that is not of its type; ignoring it",
                );
                None
            }
        }
    }
}

/// The value of a resource attribute, of the type in the file.
fn typed(kind: &str, node: &Node) -> Option<AttributeValue> {
    fn one<T: std::str::FromStr>(node: &Node) -> Option<T> {
        match &node.value {
            Value::Scalar(text) => text.parse().ok(),
            _ => None,
        }
    }
    fn many<T: std::str::FromStr>(node: &Node) -> Option<Vec<T>> {
        match &node.value {
            Value::Sequence(items) => items.iter().map(one).collect(),
            _ => None,
        }
    }
    Some(match kind {
        "string" => AttributeValue::from(one::<String>(node)?),
        "bool" => AttributeValue::Bool(one(node)?),
        "int" => AttributeValue::I64(one(node)?),
        "double" => AttributeValue::F64(one(node)?),
        "string_array" => {
            let texts = many::<String>(node)?.into_iter().map(StringValue::from);
            AttributeValue::Array(Array::String(texts.collect()))
        }
        "bool_array" => AttributeValue::Array(Array::Bool(many(node)?)),
        "int_array" => AttributeValue::Array(Array::I64(many(node)?)),
        "double_array" => AttributeValue::Array(Array::F64(many(node)?)),
        _ => return None,
    })
}
