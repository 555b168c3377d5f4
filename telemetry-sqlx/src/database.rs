//! What differs between databases: one small trait.

use std::{borrow::Cow, future, sync::Arc};

use futures_core::future::BoxFuture;
use opentelemetry::KeyValue;
use sqlx::{Connection, Database, error::DatabaseError};
use telemetry_semconv::db::{Dialect, Target, attribute};

use crate::driver::Driver;

/// A database this crate can instrument.
///
/// Sealed: the implementations come with this crate, behind the cargo features `sqlite`, `postgres` and `mysql`, the last
/// for MariaDB too.
pub trait Backend: Database + Driver {
    /// How it writes literals, identifiers and comments.
    const DIALECT: Dialect;

    /// What is known about the database without asking it.
    fn facts(options: &<Self::Connection as Connection>::Options) -> Facts;

    /// How many rows a statement changed.
    fn rows_affected(result: &Self::QueryResult) -> u64;

    /// `db.system.name`, if only the server can tell it; one question to it at most.
    fn detect_system(_: &mut Self::Connection) -> BoxFuture<'_, Option<&'static str>> {
        Box::pin(future::ready(None))
    }

    /// `db.response.status_code` of an error.
    fn status_code(error: &dyn DatabaseError) -> Option<Cow<'_, str>> {
        error.code()
    }

    /// The part of an error's message that cannot contain a value of the application, which becomes the description
    /// of the span's status. `None` if that cannot be told.
    fn safe_message<'e>(error: &'e (dyn DatabaseError + 'static)) -> Option<Cow<'e, str>>;
}

/// What is done with the errors of some database, whose type is forgotten.
#[derive(Clone, Copy)]
pub(crate) struct Errors {
    pub(crate) status_code: for<'e> fn(&'e dyn DatabaseError) -> Option<Cow<'e, str>>,
    pub(crate) safe_message: SafeMessage,
}

/// [`Backend::safe_message`] of some database.
type SafeMessage = for<'e> fn(&'e (dyn DatabaseError + 'static)) -> Option<Cow<'e, str>>;

impl Errors {
    pub(crate) fn of<DB: Backend>() -> Self {
        Self {
            status_code: DB::status_code,
            safe_message: DB::safe_message,
        }
    }
}

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

    /// `db.client.connection.pool.name` of a pool that was given none, as the convention composes it:
    /// `server.address:server.port/db.namespace`.
    pub(crate) fn pool_name(&self) -> String {
        let mut name = self
            .server_address
            .as_deref()
            .unwrap_or_default()
            .to_owned();
        if let Some(port) = self.server_port {
            name = format!("{name}:{port}");
        }
        match (&self.namespace, name.is_empty()) {
            (Some(namespace), true) => namespace.to_string(),
            (Some(namespace), false) => format!("{name}/{namespace}"),
            (None, true) => self.system.to_owned(),
            (None, false) => name,
        }
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
