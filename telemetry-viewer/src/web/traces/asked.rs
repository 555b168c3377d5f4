//! The query part of the address of the list.

use serde::Deserialize;

use super::order::{Direction, Order};
use crate::web::safe::address;

/// The list that a reader asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    pub(super) q: String,
    pub(super) sort: Order,
    pub(super) dir: Direction,
    /// The number of traces on the pages before.
    pub(super) from: usize,
}

impl Asked {
    /// The address of the same list, with something changed.
    pub(super) fn address(&self, change: impl FnOnce(&mut Self)) -> String {
        let mut asked = self.clone();
        change(&mut asked);
        let from = match asked.from {
            0 => String::new(),
            from => from.to_string(),
        };
        address(
            "/",
            &[
                ("q", asked.q.trim()),
                ("sort", asked.sort.in_address()),
                ("dir", asked.dir.in_address()),
                ("from", &from),
            ],
        )
    }
}
