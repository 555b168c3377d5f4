//! The gRPC methods that a server has.

use std::{
    collections::HashSet,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// The most methods that are remembered because a service has answered them. Real servers have fewer.
const MAX_ANSWERED: usize = 1_000;

/// The methods of a gRPC server, each as `package.Service/Method`. An empty list allows any method.
#[derive(Clone, Debug)]
pub(crate) struct GrpcMethods {
    listed: Box<[Box<str>]>,
    answered: Arc<RwLock<HashSet<Arc<str>>>>,
    is_told: Arc<AtomicBool>,
}

impl GrpcMethods {
    pub(crate) fn new(methods: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let methods = methods.into_iter();
        Self {
            listed: methods.map(|it| it.into().into_boxed_str()).collect(),
            answered: Arc::default(),
            is_told: Arc::default(),
        }
    }

    /// There is no list: the router, or the answer to a call, tells if its method exists.
    pub(crate) fn allows_any(&self) -> bool {
        self.listed.is_empty()
    }

    pub(crate) fn lists(&self, method: &str) -> bool {
        self.listed.iter().any(|listed| **listed == *method)
    }

    /// True if a service has answered a call of this method before.
    pub(crate) fn was_answered(&self, method: &str) -> bool {
        let answered = self.answered.read().unwrap_or_else(PoisonError::into_inner);
        answered.contains(method)
    }

    /// Remembers that a service has answered a call of this method.
    pub(crate) fn remember(&self, method: &Arc<str>) {
        if self.was_answered(method) {
            return;
        }
        let answered = self.answered.write();
        let mut answered = answered.unwrap_or_else(PoisonError::into_inner);
        if answered.len() < MAX_ANSWERED {
            answered.insert(method.clone());
        }
    }

    /// Warns once that these options do nothing for gRPC calls.
    pub(crate) fn warn_of_options_without_effect(&self, names: &[&'static str]) {
        if !names.is_empty() && !self.is_told.swap(true, Ordering::Relaxed) {
            let options = names.join(", ");
            tracing::warn!(
                target: "telemetry",
                options,
                "the telemetry layer has options that have no effect on gRPC calls: the conventions have nothing for them"
            );
        }
    }
}
