//! The trailers of a gRPC-Web answer, which are the last frame of its body.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Trailers longer than this are cut.
const MAX: usize = 8 * 1024;

/// The bit in the first byte of a frame that tells trailers from a message.
const IS_TRAILERS: u8 = 0x80;

/// The length of the head of a frame: a byte of flags, and the length of the rest.
const HEAD: usize = 5;

/// Reads the frames of a body as they pass, and keeps only the trailers.
#[derive(Debug)]
pub(crate) struct WebTrailers {
    /// The body is Base64.
    is_text: bool,
    /// The characters of Base64 that are not decoded yet.
    group: Vec<u8>,
    /// The head of the current frame, as far as it has arrived.
    head: Vec<u8>,
    /// The bytes of the current frame that are still to come.
    left: usize,
    trailers: Vec<u8>,
}

impl WebTrailers {
    pub(crate) fn new(is_text: bool) -> Self {
        Self {
            is_text,
            group: Vec::new(),
            head: Vec::with_capacity(HEAD),
            left: 0,
            trailers: Vec::new(),
        }
    }

    /// Reads the next bytes of the body.
    pub(crate) fn read(&mut self, bytes: &[u8]) {
        if !self.is_text {
            return self.read_frames(bytes);
        }
        for byte in bytes.iter().filter(|byte| !byte.is_ascii_whitespace()) {
            self.group.push(*byte);
            if self.group.len() == 4 {
                let mut decoded = [0; 3];
                let length = STANDARD.decode_slice(&self.group, &mut decoded);
                self.group.clear();
                self.read_frames(&decoded[..length.unwrap_or_default().min(3)]);
            }
        }
    }

    /// The trailers, once the whole body has been read.
    pub(crate) fn headers(&self) -> HeaderMap {
        let lines = self.trailers.split(|byte| *byte == b'\n');
        let pairs = lines.filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = HeaderName::from_bytes(line[..colon].trim_ascii()).ok()?;
            let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
            Some((name, value))
        });
        pairs.collect()
    }

    fn read_frames(&mut self, mut bytes: &[u8]) {
        while let Some(first) = bytes.first() {
            if self.head.len() < HEAD {
                self.head.push(*first);
                bytes = &bytes[1..];
                if let [_, length @ ..] = &self.head[..]
                    && let Ok(length) = <[u8; 4]>::try_from(length)
                {
                    self.left = u32::from_be_bytes(length) as usize;
                }
            } else {
                let (frame, rest) = bytes.split_at(self.left.min(bytes.len()));
                let is_trailers = self.head.first().is_some_and(|it| it & IS_TRAILERS != 0);
                if is_trailers {
                    let room = MAX - self.trailers.len();
                    self.trailers
                        .extend_from_slice(&frame[..frame.len().min(room)]);
                }
                self.left -= frame.len();
                bytes = rest;
            }
            if self.head.len() == HEAD && self.left == 0 {
                self.head.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> Vec<u8> {
        let trailers = b"grpc-status:5\r\ngrpc-message:no%20such\r\n";
        let mut body = vec![0, 0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0, 0, IS_TRAILERS, 0, 0, 0];
        body.push(trailers.len() as u8);
        body.extend_from_slice(trailers);
        body
    }

    fn status(of: &WebTrailers) -> Option<HeaderValue> {
        of.headers().get("grpc-status").cloned()
    }

    #[test]
    fn trailers_are_found_however_the_body_is_cut() {
        for size in 1..body().len() {
            let mut binary = WebTrailers::new(false);
            body().chunks(size).for_each(|bytes| binary.read(bytes));
            assert_eq!(status(&binary).as_ref().unwrap(), "5", "{size}");
            // Each part may be padded by itself.
            let mut text = WebTrailers::new(true);
            for bytes in body().chunks(size) {
                let encoded = STANDARD.encode(bytes);
                let (first, second) = encoded.split_at(1);
                text.read(first.as_bytes());
                text.read(second.as_bytes());
            }
            assert_eq!(status(&text).as_ref().unwrap(), "5", "{size}");
        }
    }

    #[test]
    fn bodies_that_are_none_of_grpc_web_do_no_harm() {
        for bytes in [
            &b"<html>"[..],
            &[0xff; 100],
            &[IS_TRAILERS, 0, 0, 0, 9, b':'],
        ] {
            for is_text in [true, false] {
                let mut trailers = WebTrailers::new(is_text);
                trailers.read(bytes);
                assert_eq!(status(&trailers), None);
            }
        }
        let mut endless = WebTrailers::new(false);
        endless.read(&[IS_TRAILERS, 0xff, 0xff, 0xff, 0xff]);
        (0..100).for_each(|_| endless.read(&[b'a'; 1_000]));
        assert_eq!(endless.trailers.len(), MAX);
    }
}
