use maud::{DOCTYPE, Markup, html};

use super::safe::{Safe, name, value};

/// The part of the program a page belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Traces,
    Logs,
    Routes,
    Metrics,
    Map,
}

const TABS: [(Tab, &str, &str); 5] = [
    (Tab::Traces, "/", "Traces"),
    (Tab::Logs, "/logs", "Logs"),
    (Tab::Routes, "/routes", "Routes"),
    (Tab::Metrics, "/metrics", "Metrics"),
    (Tab::Map, "/map", "Map"),
];

/// A page around its content.
pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    pub(super) tab: Tab,
    /// What stands in the search box.
    pub(super) query: &'a str,
    /// Whether the page loads itself again without a script, for what is not there yet.
    pub(super) waits: bool,
}

impl Page<'_> {
    pub(super) fn render(&self, content: &Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width,initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    @if self.waits { noscript { meta http-equiv="refresh" content="2"; } }
                    title { (Safe(self.title, 200)) " · telemetry-viewer" }
                    link rel="icon" href="/favicon.svg" type="image/svg+xml";
                    link rel="stylesheet" href="/viewer.css";
                    script src="/viewer.js" defer {}
                }
                body {
                    a.skip href="#main" { "Skip to content" }
                    header.top {
                        a.brand href="/" { "telemetry-viewer" }
                        nav aria-label="Pages" {
                            @for (tab, path, label) in TABS {
                                a href=(path) aria-current=[(tab == self.tab).then_some("page")] { (label) }
                            }
                        }
                        form.search action="/" role="search" {
                            input #q type="search" name="q" value=(value(self.query)) autocomplete="off"
                                spellcheck="false" aria-label="Search traces"
                                placeholder="service:web status:error >100ms";
                            button { "Find" }
                        }
                        button #live type="button" hidden aria-pressed="true" { "Live" }
                    }
                    main #main tabindex="-1" { (content) }
                    p #told .visually-hidden role="status" {}
                }
            }
        }
    }
}

/// A line for something that is not there.
pub(super) fn nothing(text: &str) -> Markup {
    html! { p.nothing { (name(text)) } }
}
