//! What the pipeline decides on, and asks of, the principal's attributes.

use super::{
    KEYS, SHOWN, Shown,
    attribute::{USER_HASH, USER_ID, USER_ROLES},
};

impl Shown {
    /// What the setting lists.
    pub(crate) fn listed(names: &[String]) -> Self {
        let has = |name| names.iter().any(|listed| listed == name);
        Self {
            id: has(USER_ID),
            hash: has(USER_HASH),
            roles: has(USER_ROLES),
        }
    }

    /// Sets the allow-list of the process; the first one counts.
    pub(crate) fn set(self) {
        SHOWN.get_or_init(|| self);
    }
}

/// Whether a log field of this name would be taken for the principal's.
pub(crate) fn is_key(name: &str) -> bool {
    KEYS.contains(&name)
}
