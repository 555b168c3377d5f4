//! The state that all services of one channel share.

use std::sync::Arc;

use telemetry_api::instrument::providers::Lazy;

use super::metrics::GrpcInstruments;
use crate::{metrics::server_address::ServerAddress, orphan::OrphanLog};

#[derive(Clone, Debug)]
pub(super) struct ChannelTelemetry {
    pub(super) instruments: Arc<Lazy<GrpcInstruments>>,
    /// The address of the target.
    pub(super) address: ServerAddress,
    /// True if context is sent to the target.
    pub(super) propagates: bool,
    /// True if context is sent because the target is on the allow-list.
    pub(super) listed: bool,
    pub(super) orphans: Arc<OrphanLog>,
}
