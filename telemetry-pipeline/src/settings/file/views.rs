//! `meter_provider.views` of the declarative file.

use std::str::FromStr;

use opentelemetry_sdk::metrics::Aggregation;

use super::{
    walk::{Key, Walk},
    yaml::Node,
};
use crate::metrics::views::{InstrumentKind, View};

impl Walk {
    pub(crate) fn views(&mut self, node: &Node, path: &str) -> Key {
        self.items(node, path, |walk, node, path| {
            let mut view = View::of("*");
            walk.each(node, path, |walk, key, node, path| match key {
                "selector" => walk.selector(&mut view, node, path),
                "stream" => walk.stream(&mut view, node, path),
                _ => Key::Unknown,
            });
            match view.stream() {
                Ok(_) => walk.out.views.push(view),
                Err(why) => walk.wrong(node, path, &format!("is not valid ({why}); ignoring it")),
            }
        });
        Key::Used
    }

    fn selector(&mut self, view: &mut View, node: &Node, path: &str) -> Key {
        self.each(node, path, |walk, key, node, path| {
            match key {
                "instrument_name" => {
                    if let Some(name) = walk.text(node, path) {
                        view.instrument = name;
                    }
                }
                "instrument_type" => {
                    let kind = walk.text(node, path);
                    view.kind = kind.as_deref().and_then(InstrumentKind::parse);
                    if kind.is_some() && view.kind.is_none() {
                        walk.wrong(node, path, "is no type of instrument; selecting all");
                    }
                }
                "unit" => view.unit = walk.text(node, path),
                "meter_name" => view.scope = walk.text(node, path),
                "meter_version" => view.scope_version = walk.text(node, path),
                "meter_schema_url" => return Key::Unsupported,
                _ => return Key::Unknown,
            }
            Key::Used
        });
        Key::Used
    }

    fn stream(&mut self, view: &mut View, node: &Node, path: &str) -> Key {
        self.each(node, path, |walk, key, node, path| {
            match key {
                "name" => view.name = walk.text(node, path),
                "description" => view.description = walk.text(node, path),
                "aggregation" => return walk.aggregation(view, node, path),
                "aggregation_cardinality_limit" => view.limit = walk.parsed(node, path),
                "attribute_keys" => {
                    walk.each(node, path, |walk, key, node, path| match key {
                        "included" => {
                            let mut keys = Vec::new();
                            walk.items(node, path, |walk, node, path| {
                                keys.extend(walk.text(node, path));
                            });
                            *view = view.clone().keeping_attributes(keys);
                            Key::Used
                        }
                        "excluded" => Key::Unsupported,
                        _ => Key::Unknown,
                    });
                }
                _ => return Key::Unknown,
            }
            Key::Used
        });
        Key::Used
    }

    fn aggregation(&mut self, view: &mut View, node: &Node, path: &str) -> Key {
        self.each(node, path, |walk, key, node, path| {
            view.aggregation = match key {
                "default" => None,
                "drop" => Some(Aggregation::Drop),
                "sum" => Some(Aggregation::Sum),
                "last_value" => Some(Aggregation::LastValue),
                "explicit_bucket_histogram" => walk.explicit_buckets(node, path),
                "base2_exponential_bucket_histogram" => Some(walk.exponential_buckets(node, path)),
                _ => return Key::Unknown,
            };
            Key::Used
        });
        Key::Used
    }

    fn explicit_buckets(&mut self, node: &Node, path: &str) -> Option<Aggregation> {
        let (mut bounds, mut record_min_max) = (None, true);
        self.each(node, path, |walk, key, node, path| {
            match key {
                "boundaries" => {
                    let mut all = Vec::new();
                    walk.items(node, path, |walk, node, path| {
                        all.extend(walk.parsed::<f64>(node, path));
                    });
                    bounds = Some(all);
                }
                "record_min_max" => record_min_max = walk.parsed(node, path).unwrap_or(true),
                _ => return Key::Unknown,
            }
            Key::Used
        });
        // Without bounds it is what the instrument itself asks for.
        bounds.map(|boundaries| Aggregation::ExplicitBucketHistogram {
            boundaries,
            record_min_max,
        })
    }

    fn exponential_buckets(&mut self, node: &Node, path: &str) -> Aggregation {
        let (mut max_size, mut max_scale, mut record_min_max) = (160, 20, true);
        self.each(node, path, |walk, key, node, path| {
            match key {
                "max_size" => max_size = walk.parsed(node, path).unwrap_or(max_size),
                "max_scale" => max_scale = walk.parsed(node, path).unwrap_or(max_scale),
                "record_min_max" => record_min_max = walk.parsed(node, path).unwrap_or(true),
                _ => return Key::Unknown,
            }
            Key::Used
        });
        Aggregation::Base2ExponentialHistogram {
            max_size,
            max_scale,
            record_min_max,
        }
    }

    fn parsed<T: FromStr>(&mut self, node: &Node, path: &str) -> Option<T> {
        let text = self.text(node, path)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.wrong(node, path, "is not a value of its type; ignoring it");
        }
        parsed
    }
}
