//! The kinds of gRPC content.

use http::{HeaderMap, HeaderValue, header};

/// The way in which a message of gRPC is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentKind {
    /// gRPC over HTTP/2, with the status in the trailers.
    Plain,
    /// gRPC-Web, with the status in the last frame of the body.
    Web,
    /// gRPC-Web, with a body in Base64.
    WebText,
}

impl ContentKind {
    /// The kind by the content type, with or without a format or parameters. `None` for other content.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let content_type = headers.get(header::CONTENT_TYPE);
        let content_type = content_type.map(HeaderValue::as_bytes)?;
        let rest = content_type.strip_prefix(b"application/grpc")?;
        [
            (&b"-web-text"[..], Self::WebText),
            (b"-web", Self::Web),
            (b"", Self::Plain),
        ]
        .into_iter()
        .find_map(|(suffix, kind)| {
            let rest = rest.strip_prefix(suffix)?;
            matches!(rest.first(), None | Some(b'+' | b';')).then_some(kind)
        })
    }
}
