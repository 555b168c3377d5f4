//! The same test bodies on every database.
//!
//! Environment variables name the servers. Without a server its tests print that they are skipped and how to run them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::duplicate_mod)]

mod logs;
mod mariadb;
mod mysql;
mod postgres;
mod recorded;
mod server;
mod sqlite;
