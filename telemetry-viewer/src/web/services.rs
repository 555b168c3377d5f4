use maud::{Markup, html};

use super::safe::name;

/// How many colours there are for services.
const COLOURS: u64 = 10;

/// The class that gives a service its colour: the same on every page and in every run.
pub(super) fn colour(service: &str) -> String {
    // FNV-1a: small, and fixed for ever, which the hash of the standard library is not.
    let hash = service
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("s{}", (hash >> 7) % COLOURS)
}

/// Classes of all services of a trace: neighbours never share a colour while there are enough.
pub(super) fn colours<'a>(services: &[&'a str]) -> Vec<(&'a str, String)> {
    let mut taken: Vec<(&str, String)> = Vec::new();
    for service in services {
        let mut class = colour(service);
        let mut next = 0;
        while next < COLOURS && taken.iter().any(|(_, other)| *other == class) {
            class = format!("s{next}");
            next += 1;
        }
        taken.push((service, class));
    }
    taken
}

/// The name of a service behind its colour.
pub(super) fn chip(service: &str, class: &str) -> Markup {
    html! {
        span class={ "service " (class) } {
            @if service.is_empty() { "(no name)" } @else { (name(service)) }
        }
    }
}
