//! The activity of one connection: the requests in flight, and the bytes that are on their way to the client.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::sleep,
};

/// The activity of one connection. Relaxed order is enough everywhere: it decides when to stop waiting, not about data.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    begun: AtomicBool,
    in_flight: AtomicUsize,
    /// The number of writes that the client's side has taken.
    writes: AtomicUsize,
    /// The client reads more slowly than the server writes.
    is_blocked: AtomicBool,
}

impl Activity {
    /// Counts a request as in flight until the returned value is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        self.begun.store(true, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Busy(self.clone())
    }

    /// True if a whole head has arrived on this connection.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// Returns when for this time no request was in flight, and no bytes were left for the client.
    pub(crate) async fn rests_for(&self, time: Duration) {
        loop {
            let writes = self.writes.load(Ordering::Relaxed);
            sleep(time).await;
            let is_idle = self.in_flight.load(Ordering::Relaxed) == 0
                && !self.is_blocked.load(Ordering::Relaxed)
                && self.writes.load(Ordering::Relaxed) == writes;
            if is_idle {
                return;
            }
        }
    }

    fn wrote(&self, written: &Poll<io::Result<usize>>) {
        self.is_blocked
            .store(written.is_pending(), Ordering::Relaxed);
        if written.is_ready() {
            self.writes.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A request in flight.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Activity>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

pin_project! {
    /// The body of a response. Its request is in flight until the body is dropped.
    pub(crate) struct BusyBody<B> {
        #[pin]
        inner: B,
        busy: Busy,
    }
}

impl<B> BusyBody<B> {
    pub(crate) fn new(inner: B, busy: Busy) -> Self {
        Self { inner, busy }
    }
}

impl<B: Body> Body for BusyBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().inner.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

pin_project! {
    /// The stream of a connection, whose writes are watched.
    pub(crate) struct WatchedIo<I> {
        #[pin]
        inner: I,
        activity: Arc<Activity>,
    }
}

impl<I> WatchedIo<I> {
    pub(crate) fn new(inner: I, activity: Arc<Activity>) -> Self {
        Self { inner, activity }
    }
}

impl<I: AsyncRead> AsyncRead for WatchedIo<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.project().inner.poll_read(cx, buffer)
    }
}

impl<I: AsyncWrite> AsyncWrite for WatchedIo<I> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        let written = this.inner.poll_write(cx, bytes);
        this.activity.wrote(&written);
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        let written = this.inner.poll_write_vectored(cx, bytes);
        this.activity.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_shutdown(cx)
    }
}
