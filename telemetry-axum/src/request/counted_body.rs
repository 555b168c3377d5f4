//! The bytes of a request's body, counted while the service reads them.

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

/// The number of bytes that the service has read of a request's body.
#[derive(Debug)]
pub(crate) enum ReadBytes {
    /// The length that the body declares; nothing counts the bytes.
    Declared(u64),
    /// The bytes read so far.
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

/// Wraps an axum body so that its bytes are counted. Costs one allocation for a body that is not empty.
///
/// A body of another type cannot be wrapped, because the service expects that type. Its declared length is used; `None`
/// if it declares none.
pub(crate) fn count<B: http_body::Body + 'static>(body: &mut B) -> Option<ReadBytes> {
    let declared = body.size_hint().exact();
    match (body as &mut dyn Any).downcast_mut::<Body>() {
        Some(body) if declared != Some(0) => {
            let read = Arc::<AtomicU64>::default();
            *body = Body::new(CountedBody {
                inner: std::mem::take(body),
                read: read.clone(),
            });
            Some(ReadBytes::Counted(read))
        }
        _ => declared.map(ReadBytes::Declared),
    }
}

struct CountedBody {
    inner: Body,
    read: Arc<AtomicU64>,
}

impl http_body::Body for CountedBody {
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
            // Relaxed is enough: one task reads the body, and the sum is needed only at the end of the response.
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
