#![doc = include_str!("../README.md")]

pub mod attribute;
pub mod buckets;
pub mod db;
pub mod http;
pub mod messaging;
pub mod names;
pub mod outcome;
pub mod redact;
pub mod rpc;
pub mod units;
