//! The server around the router: routes for operators, readiness, and a graceful end.

pub(crate) mod activity;
pub(crate) mod connections;
pub(crate) mod graceful_serve;
pub(crate) mod operations_routes;
pub(crate) mod readiness;
pub(crate) mod stop_signals;
pub(crate) mod unseen_responses;
