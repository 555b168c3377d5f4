//! The tests on MariaDB.

#[path = "on_mysql.rs"]
mod db;

const SERVER: crate::server::Server = crate::server::MARIADB;

#[path = "bodies.rs"]
mod bodies;

#[path = "only_mariadb.rs"]
mod only_mariadb;
