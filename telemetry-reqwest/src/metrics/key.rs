//! The key of a series of an attempt's duration and body sizes.

use opentelemetry::KeyValue;
use telemetry_api::instrument::{duration::overflow, series::Series};

use super::labels::AttemptLabels;
use super::server_address::ServerAddress;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct AttemptKey {
    pub(super) address: ServerAddress,
    pub(super) labels: AttemptLabels,
}

impl AttemptKey {
    /// The attributes of a series in a cache.
    pub(super) fn attributes_of(series: Series<'_, Self>) -> Vec<KeyValue> {
        match series {
            Series::Of(Self { address, labels }) => {
                let mut attributes = vec![labels.method()];
                address.push_to(&mut attributes);
                attributes.extend(labels.optional());
                attributes
            }
            Series::Overflow => overflow(),
        }
    }
}
