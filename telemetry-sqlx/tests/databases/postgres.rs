//! The tests on PostgreSQL.

#[path = "on_postgres.rs"]
mod db;

#[path = "bodies.rs"]
mod bodies;

#[path = "only_postgres.rs"]
mod only_postgres;
