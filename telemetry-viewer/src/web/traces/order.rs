use std::cmp::Ordering;
use std::sync::Arc;

use serde::Deserialize;

use crate::model::Summary;
use crate::store::Held;

/// The column by which the list is ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Order {
    #[default]
    Start,
    Name,
    Service,
    Duration,
    Spans,
    Status,
}

/// Largest, newest and failed first, or last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Direction {
    #[default]
    Down,
    Up,
}

impl Direction {
    pub(super) fn in_address(self) -> &'static str {
        match self {
            Self::Down => "",
            Self::Up => "up",
        }
    }

    pub(super) fn turned(self) -> Self {
        match self {
            Self::Down => Self::Up,
            Self::Up => Self::Down,
        }
    }
}

impl Order {
    pub(super) fn in_address(self) -> &'static str {
        match self {
            Self::Start => "",
            Self::Name => "name",
            Self::Service => "service",
            Self::Duration => "duration",
            Self::Spans => "spans",
            Self::Status => "status",
        }
    }

    /// Orders the traces; those that are equal by start time, the newest first.
    pub(super) fn apply(self, direction: Direction, traces: &mut [Arc<Held>]) {
        traces.sort_by(|a, b| {
            let (a, b) = (a.summary(), b.summary());
            let order = self.compare(a, b);
            let order = match direction {
                Direction::Down => order.reverse(),
                Direction::Up => order,
            };
            order.then_with(|| b.start_unix_nanos.cmp(&a.start_unix_nanos))
        });
    }

    fn compare(self, a: &Summary, b: &Summary) -> Ordering {
        // Words read best from A on, so that for them A counts as the largest.
        let word = |a: Option<&str>, b: Option<&str>| b.cmp(&a);
        let name = |it: &Summary| it.root.as_ref().map(|root| root.name.clone());
        let service = |it: &Summary| it.root.as_ref().map(|root| root.service.clone());
        match self {
            Self::Start => a.start_unix_nanos.cmp(&b.start_unix_nanos),
            Self::Name => word(name(a).as_deref(), name(b).as_deref()),
            Self::Service => word(service(a).as_deref(), service(b).as_deref()),
            Self::Duration => a.duration_nanos().cmp(&b.duration_nanos()),
            Self::Spans => a.spans.cmp(&b.spans),
            Self::Status => {
                let rank = |it: &Summary| (it.root_failed(), it.errors);
                rank(a).cmp(&rank(b))
            }
        }
    }
}
