//! The sampler of the declarative file.

use super::{
    super::traces,
    walk::{Key, Walk},
    yaml::{Node, Value},
};

impl Walk {
    /// The sampler in the syntax of the variables; `prefix` is `parentbased_` below a parent-based one.
    pub(crate) fn sampler(&mut self, prefix: &str, node: &Node, path: &str) -> Key {
        self.each(node, path, |walk, key, node, path| match key {
            "always_on" | "always_off" => {
                walk.put(&traces::SAMPLER, format!("{prefix}{key}"), path);
                Key::Used
            }
            "trace_id_ratio_based" => {
                walk.put(&traces::SAMPLER, format!("{prefix}traceidratio"), path);
                walk.settings(node, path, &[("ratio", &traces::SAMPLER_ARG)], &[])
            }
            "parent_based" if prefix.is_empty() => {
                walk.put(&traces::SAMPLER, "parentbased_always_on".to_owned(), path);
                walk.each(node, path, |walk, key, node, path| {
                    let usual = match key {
                        "root" => return walk.sampler("parentbased_", node, path),
                        "remote_parent_sampled" | "local_parent_sampled" => "always_on",
                        "remote_parent_not_sampled" | "local_parent_not_sampled" => "always_off",
                        _ => return Key::Unknown,
                    };
                    match &node.value {
                        Value::Null => Key::Used,
                        Value::Mapping(members) if members.len() == 1 && members[0].0 == usual => {
                            Key::Used
                        }
                        _ => Key::Unsupported,
                    }
                });
                Key::Used
            }
            "parent_based" | "always_record" => Key::Unsupported,
            _ if key.ends_with("/development") => Key::Unsupported,
            _ => Key::Unknown,
        });
        Key::Used
    }
}
