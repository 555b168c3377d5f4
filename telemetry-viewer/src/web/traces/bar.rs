use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::analysis::self_time::Activity;

/// The class that gives a kind of activity its colour.
pub(in crate::web) fn activity_class(activity: Activity) -> &'static str {
    match activity {
        Activity::Application => "a-application",
        Activity::Database => "a-database",
        Activity::Network => "a-network",
        Activity::Messaging => "a-messaging",
        Activity::Elsewhere => "a-elsewhere",
    }
}

/// Where the time went. The length of the bar tells the duration beside the longest of the list, by its square root:
/// one slow trace would otherwise leave nothing to see of all others.
pub(super) fn bar(shares: &BTreeMap<Activity, u64>, total: u64, longest: u64) -> Markup {
    let whole = 100.0 * (total as f64 / longest.max(1) as f64).sqrt();
    let scale = whole / total.max(1) as f64;
    let mut at = 0.0;
    let parts: Vec<_> = shares
        .iter()
        .map(|(activity, nanos)| {
            let (x, width) = (at, *nanos as f64 * scale);
            at += width;
            (
                activity_class(*activity),
                format!("{x:.2}%"),
                format!("{width:.2}%"),
            )
        })
        .collect();
    let whole = format!("{:.2}%", whole.max(1.0));
    html! {
        svg.shares aria-hidden="true" {
            rect.whole x="0" y="0" width=(whole) height="100%" {}
            @for (class, x, width) in parts {
                rect class=(class) x=(x) y="0" width=(width) height="100%" {}
            }
        }
    }
}
