//! The bytes of a request's body, counted as they are read.

use std::{
    any::Any,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context as TaskContext, Poll},
};

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};

/// How many bytes of a body the service has read.
#[derive(Debug)]
pub(crate) enum ReadBytes {
    /// What the body declares.
    Declared(u64),
    Counted(Arc<AtomicU64>),
}

impl ReadBytes {
    pub(crate) fn get(&self) -> u64 {
        match self {
            Self::Declared(length) => *length,
            Self::Counted(read) => read.load(Ordering::Relaxed),
        }
    }
}

/// Counts an axum body as it is read. A body of another type cannot be wrapped without changing what the service
/// accepts: for it the declared length counts, if there is one.
pub(crate) fn count<B: http_body::Body + 'static>(body: &mut B) -> Option<ReadBytes> {
    let declared = body.size_hint().exact();
    match (body as &mut dyn Any).downcast_mut::<Body>() {
        Some(body) if declared != Some(0) => {
            let read = Arc::<AtomicU64>::default();
            *body = Body::new(Counted {
                inner: std::mem::take(body),
                read: read.clone(),
            });
            Some(ReadBytes::Counted(read))
        }
        _ => declared.map(ReadBytes::Declared),
    }
}

struct Counted {
    inner: Body,
    read: Arc<AtomicU64>,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            // One reader at a time; the end of the response reads it last.
            self.read.fetch_add(data.len() as u64, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
