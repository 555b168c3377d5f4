//! The body of a response, which ends the attempt: with its last frame, with an error, or when it is dropped.

use std::{
    pin::Pin,
    task::{Context as TaskContext, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;
use reqwest::{Body, Response, ResponseBuilderExt};

use super::Attempt;
use crate::error_type;

pin_project! {
    /// The body of a response. Its end is the end of the attempt.
    struct AttemptBody {
        #[pin]
        inner: Body,
        attempt: Option<Attempt>,
        bytes: u64,
    }

    impl PinnedDrop for AttemptBody {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(mut attempt) = this.attempt.take() {
                attempt.read(*this.bytes);
                // A reader that knows the length does not poll again after the last byte.
                if this.inner.is_end_stream() {
                    attempt.completed();
                }
            }
        }
    }
}

/// Returns the same response with a body that ends the attempt.
///
/// Status, version, headers, URL, length, timeouts and extensions stay, with the peer's address and a protocol upgrade.
/// An error of the body becomes the source of an error with the same text.
pub(crate) fn end_with_body(response: Response, mut attempt: Attempt) -> Response {
    // A caller does not need to read an empty body.
    if response.content_length() == Some(0) {
        attempt.read(0);
        attempt.completed();
        return response;
    }
    let url = response.url().clone();
    let (mut parts, inner) = http::Response::<Body>::from(response).into_parts();
    // reqwest reads the URL of a converted response from an extension, which only its builder can make.
    if let Ok(carrier) = http::Response::builder().url(url).body(()) {
        parts.extensions.extend(carrier.into_parts().0.extensions);
    }
    let body = AttemptBody {
        inner,
        attempt: Some(attempt),
        bytes: 0,
    };
    http::Response::from_parts(parts, Body::wrap(body)).into()
}

impl HttpBody for AttemptBody {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        let mut this = self.project();
        let inner = this.inner.as_mut();
        let frame = ready!(match this.attempt {
            Some(attempt) => attempt.watch(|| inner.poll_frame(cx)),
            None => inner.poll_frame(cx),
        });
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            *this.bytes += data.len() as u64;
        }
        let ended = match &frame {
            Some(Ok(_)) => this.inner.is_end_stream(),
            Some(Err(_)) | None => true,
        };
        if ended && let Some(mut attempt) = this.attempt.take() {
            attempt.read(*this.bytes);
            match &frame {
                Some(Err(error)) => attempt.failed(error_type::of_reqwest(error)),
                _ => attempt.completed(),
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
