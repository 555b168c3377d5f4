use std::collections::BTreeMap;
use std::sync::Arc;

use maud::{Markup, html};

use super::asked::Asked;
use crate::store::Held;
use crate::text::count;
use crate::web::safe::name;
use crate::web::services::colour;

/// So many services have a link each; the others are counted together.
const MAX_SERVICES: usize = 12;

/// How many of the traces failed and in how many each service takes part, as links that narrow the list.
pub(super) fn facets(asked: &Asked, traces: &[Arc<Held>]) -> Markup {
    let mut services: BTreeMap<&str, usize> = BTreeMap::new();
    let mut failed = 0;
    for held in traces {
        failed += usize::from(held.summary().errors > 0);
        for span in &held.summary().services {
            *services.entry(&span.service).or_default() += 1;
        }
    }
    let mut services: Vec<(&str, usize)> = services.into_iter().collect();
    services.sort_by_key(|(name, traces)| (std::cmp::Reverse(*traces), *name));
    let rest = services.len().saturating_sub(MAX_SERVICES);
    html! {
        p.facets {
            b { (count(traces.len())) @if traces.len() == 1 { " trace" } @else { " traces" } }
            @if failed > 0 {
                a.failed href=(narrowed(asked, "status:error")) { "with errors " b { (count(failed)) } }
            }
            @for (service, traces) in services.iter().take(MAX_SERVICES) {
                a class={ "service " (colour(service)) } href=(narrowed(asked, &term(service))) {
                    (name(service)) " " b { (count(*traces)) }
                }
            }
            @if rest > 0 { span.dim { "and " (count(rest)) " more" } }
            @if !asked.q.trim().is_empty() { a.all href="/" { "show all" } }
        }
    }
}

fn term(service: &str) -> String {
    if service.contains([' ', '"']) {
        format!("service:\"{}\"", service.replace('"', ""))
    } else {
        format!("service:{service}")
    }
}

fn narrowed(asked: &Asked, term: &str) -> String {
    asked.address(|it| {
        it.from = 0;
        if !it.q.split_whitespace().any(|word| word == term) {
            it.q = format!("{} {term}", it.q);
        }
    })
}
