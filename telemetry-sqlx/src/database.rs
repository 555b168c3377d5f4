//! What differs between databases: one small trait.

use std::sync::Arc;

use opentelemetry::KeyValue;
use sqlx::{Connection, Database, error::DatabaseError};
use telemetry_core::semconv_db::{Dialect, Target, attribute};

use crate::driver::Driver;

/// A database this crate can instrument.
///
/// Sealed: an implementation comes with this crate, behind the cargo feature of its name. Today that is
/// [`sqlx::Sqlite`].
pub trait Backend: Database + Driver {
    /// How it writes literals, identifiers and comments.
    const DIALECT: Dialect;

    /// What is known about the database without asking it.
    fn facts(options: &<Self::Connection as Connection>::Options) -> Facts;

    /// The part of an error's message that cannot contain a value of the application, which becomes the description
    /// of the span's status. `None` if that cannot be told.
    fn safe_message<'e>(error: &'e (dyn DatabaseError + 'static)) -> Option<&'e str>;
}

/// [`Backend::safe_message`] of some database.
pub(crate) type SafeMessage = for<'e> fn(&'e (dyn DatabaseError + 'static)) -> Option<&'e str>;

/// What all spans and metrics of one pool have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// `db.system.name`.
    pub system: &'static str,
    /// `db.namespace`.
    pub namespace: Option<Arc<str>>,
    /// `server.address`; a database in the process has none.
    pub server_address: Option<Arc<str>>,
    /// `server.port`, if it is not the product's usual one.
    pub server_port: Option<u16>,
}

impl Facts {
    pub(crate) fn attributes(&self) -> Vec<KeyValue> {
        let mut all = vec![KeyValue::new(attribute::DB_SYSTEM_NAME, self.system)];
        all.extend(
            self.namespace
                .clone()
                .map(|name| KeyValue::new(attribute::DB_NAMESPACE, name)),
        );
        all.extend(
            self.server_address
                .clone()
                .map(|address| KeyValue::new(attribute::SERVER_ADDRESS, address)),
        );
        all.extend(
            self.server_port
                .map(|port| KeyValue::new(attribute::SERVER_PORT, i64::from(port))),
        );
        all
    }

    pub(crate) fn target(&self) -> Target<'_> {
        Target {
            collection: None,
            namespace: self.namespace.as_deref(),
            server_address: self.server_address.as_deref(),
            server_port: self.server_port,
        }
    }
}
