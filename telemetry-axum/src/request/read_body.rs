//! The body of a request as the service reads it: how many bytes, and if the client cut it off.

use std::{
    any::Any,
    error::Error,
    io, iter,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context as TaskContext, Poll},
};

use axum::body::{Body, Bytes};
use http::Version;
use http_body::{Frame, SizeHint};

/// The facts about the body of a request that are needed at the end of its response.
#[derive(Debug)]
pub(crate) enum ReadBody {
    /// The length that the body declares; nothing watches it.
    Declared(u64),
    /// The facts about the part that has been read so far.
    Watched(Arc<Read>),
}

/// The facts about the part of a body that the service has read. Relaxed order is enough: one task reads the body, and the facts are needed only
/// at the end of the response.
#[derive(Debug, Default)]
pub(crate) struct Read {
    bytes: AtomicU64,
    /// The body failed, or ended before its declared length.
    is_cut_off: AtomicBool,
    /// The body ended, and HTTP/2 does not say that this is its end.
    ends_early: AtomicBool,
}

impl ReadBody {
    /// The number of bytes that the service has read.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Declared(length) => *length,
            Self::Watched(read) => read.bytes.load(Ordering::Relaxed),
        }
    }

    /// True if the client left before it had sent the whole body, and the service has met that end.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.is(|read| &read.is_cut_off)
    }

    /// True if the body may have been cut off: it is so if the client did not take the response either.
    pub(crate) fn ends_early(&self) -> bool {
        self.is(|read| &read.ends_early)
    }

    fn is(&self, fact: impl FnOnce(&Read) -> &AtomicBool) -> bool {
        match self {
            Self::Declared(_) => false,
            Self::Watched(read) => fact(read).load(Ordering::Relaxed),
        }
    }
}

/// Wraps an axum body so that it is watched. Costs two allocations for a body that is not empty.
///
/// A body of another type cannot be wrapped, because the service expects that type. Its declared length is used; `None`
/// if it declares none.
pub(crate) fn watch<B: http_body::Body + 'static>(
    body: &mut B,
    version: Version,
) -> Option<ReadBody> {
    let declared = body.size_hint().exact();
    match (body as &mut dyn Any).downcast_mut::<Body>() {
        Some(body) if declared != Some(0) => {
            let read = Arc::<Read>::default();
            *body = Body::new(WatchedBody {
                inner: std::mem::take(body),
                declared,
                is_http2: version == Version::HTTP_2,
                read: read.clone(),
            });
            Some(ReadBody::Watched(read))
        }
        _ => declared.map(ReadBody::Declared),
    }
}

struct WatchedBody {
    inner: Body,
    declared: Option<u64>,
    is_http2: bool,
    read: Arc<Read>,
}

impl http_body::Body for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    let length = data.len() as u64;
                    self.read.bytes.fetch_add(length, Ordering::Relaxed);
                }
            }
            Poll::Ready(Some(Err(error))) if is_of_leaving(error) => {
                self.read.is_cut_off.store(true, Ordering::Relaxed);
            }
            Poll::Ready(None) => self.ended(),
            _ => {}
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

impl WatchedBody {
    /// A client of HTTP/2 that cancels its request ends the body without an error.
    fn ended(&self) {
        let read = self.read.bytes.load(Ordering::Relaxed);
        if self.declared.is_some_and(|declared| read < declared) {
            self.read.is_cut_off.store(true, Ordering::Relaxed);
        } else if self.is_http2 && !http_body::Body::is_end_stream(&self.inner) {
            self.read.ends_early.store(true, Ordering::Relaxed);
        }
    }
}

/// True for an error that a client causes by leaving. A body that is malformed or too large is not one.
fn is_of_leaving(error: &(dyn Error + 'static)) -> bool {
    let mut causes = iter::successors(Some(error), |error: &&(dyn Error + 'static)| {
        Error::source(*error)
    });
    causes.any(|error| {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return matches!(
                error.kind(),
                io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::NotConnected
                    | io::ErrorKind::TimedOut
            );
        }
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return error.is_remote() || error.is_io();
        }
        let error = error.downcast_ref::<hyper::Error>();
        error.is_some_and(|it| it.is_incomplete_message() || it.is_canceled() || it.is_closed())
    })
}
