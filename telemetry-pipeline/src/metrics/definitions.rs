//! The instruments that were made, to find two of one name that differ.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

/// What makes two instruments of one name the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Definition {
    /// Such as `u64 counter`.
    pub(crate) kind: &'static str,
    pub(crate) unit: String,
    pub(crate) description: String,
}

impl fmt::Display for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            unit,
            description,
        } = self;
        write!(f, "{kind}, unit {unit:?}, {description:?}")
    }
}

/// The first definition of each name of a scope.
#[derive(Debug, Default)]
pub(crate) struct Definitions(Mutex<HashMap<(String, String), Known>>);

#[derive(Debug)]
struct Known {
    first: Definition,
    said: bool,
}

impl Definitions {
    /// Notes a definition. Returns the first one of the name if the two differ, once for each name.
    pub(crate) fn conflict(
        &self,
        scope: &str,
        name: &str,
        definition: Definition,
    ) -> Option<Definition> {
        // Names of instruments are the same in any case.
        let key = (scope.to_owned(), name.to_ascii_lowercase());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get_mut(&key) {
            Some(known) if known.first != definition && !known.said => {
                known.said = true;
                Some(known.first.clone())
            }
            Some(_) => None,
            None => {
                let first = definition;
                known.insert(key, Known { first, said: false });
                None
            }
        }
    }
}
