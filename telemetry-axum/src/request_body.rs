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
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadBytes(Arc<AtomicU64>);

impl ReadBytes {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts an axum body as it is read. A body of another type cannot be wrapped without changing what the service
/// accepts: for it the declared length counts, if there is one.
pub(crate) fn count<B: http_body::Body + 'static>(body: B) -> (B, Option<ReadBytes>) {
    let read = ReadBytes::default();
    if let Some(length) = body.size_hint().exact()
        && (length == 0 || !(&body as &dyn Any).is::<Body>())
    {
        read.0.store(length, Ordering::Relaxed);
        return (body, Some(read));
    }
    let mut body = body;
    let counted = (&mut body as &mut dyn Any)
        .downcast_mut::<Body>()
        .map(|body| {
            let inner = std::mem::take(body);
            let read = read.clone();
            *body = Body::new(Counted { inner, read });
        })
        .map(|()| read);
    (body, counted)
}

struct Counted {
    inner: Body,
    read: ReadBytes,
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
            self.read.0.fetch_add(data.len() as u64, Ordering::Relaxed);
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
