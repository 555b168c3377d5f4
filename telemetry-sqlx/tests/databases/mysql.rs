//! The tests on MySQL.

#[path = "on_mysql.rs"]
mod db;

const SERVER: crate::server::Server = crate::server::MYSQL;

#[path = "bodies.rs"]
mod bodies;
