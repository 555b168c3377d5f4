//! The same test bodies on every database.
//!
//! Servers are found by environment variables; without one its tests say that they are skipped and how to run them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::duplicate_mod)]

mod logs;
mod mariadb;
mod mysql;
mod postgres;
mod recorded;
mod server;
mod sqlite;
