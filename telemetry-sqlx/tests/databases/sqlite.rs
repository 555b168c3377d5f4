//! The tests on SQLite.

#[path = "on_sqlite.rs"]
mod db;

#[path = "bodies.rs"]
mod bodies;
