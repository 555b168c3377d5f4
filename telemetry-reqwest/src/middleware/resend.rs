//! The number of times that a request was sent.

use http::Extensions;
use reqwest::Response;

/// The number of earlier attempts, in the extensions of the request. A retry middleware passes these to each attempt.
#[derive(Clone, Copy)]
struct Attempts(u32);

/// `http.request.resend_count` of the next attempt.
pub(super) fn resends(extensions: &Extensions) -> u32 {
    extensions
        .get::<Attempts>()
        .map_or(0, |attempts| attempts.0)
}

/// Counts an attempt when it is dropped, however it ended. A first attempt that succeeded is not counted: nothing is
/// resent, and the entry would cost an allocation.
pub(super) struct AttemptCount<'a> {
    pub(super) extensions: &'a mut Extensions,
    succeeded: bool,
}

impl<'a> AttemptCount<'a> {
    pub(super) fn new(extensions: &'a mut Extensions) -> Self {
        Self {
            extensions,
            succeeded: false,
        }
    }

    /// Notes the response of the attempt.
    pub(super) fn after(&mut self, response: Option<&Response>) {
        self.succeeded = response.is_some_and(|response| response.status().is_success());
    }
}

impl Drop for AttemptCount<'_> {
    fn drop(&mut self) {
        match self.extensions.get_mut::<Attempts>() {
            Some(Attempts(before)) => *before = before.saturating_add(1),
            None if self.succeeded => {}
            None => {
                self.extensions.insert(Attempts(1));
            }
        }
    }
}
