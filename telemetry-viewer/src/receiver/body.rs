//! Takes the body of a request in, within a share of memory and a time.

use std::time::Duration;

use axum::body::Bytes;
use axum::body::HttpBody;
use axum::http::StatusCode;
use http_body_util::BodyExt;

use super::MAX_REQUEST_BYTES;
use crate::store::Store;
use crate::store::{NoRoom, Reservation};

/// An SDK sends its body at once; this is what the slowest sender may take.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// A request that came in whole, with the memory it has been promised.
pub(super) struct Received {
    pub(super) body: Bytes,
    pub(super) reservation: Reservation,
}

/// Why a request was not taken.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    pub(super) fn too_long() -> Self {
        let message = format!("the request is longer than {MAX_REQUEST_BYTES} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    pub(super) fn no_room(reason: NoRoom) -> Self {
        match reason {
            NoRoom::TooLarge => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the request takes more memory than half of the viewer's limit; send fewer items at once, \
                 or start the viewer with a larger --max-bytes",
            ),
            NoRoom::Busy => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the viewer receives as much as its memory allows; send the request again",
            ),
        }
    }
}

/// Reads the body to its end.
pub(super) async fn receive<B>(store: &Store, body: B) -> Result<Received, Refusal>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    tokio::time::timeout(TIME_LIMIT, read(store, body))
        .await
        .unwrap_or_else(|_| {
            let message = format!("the request did not arrive within {TIME_LIMIT:?}");
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, message))
        })
}

async fn read<B>(store: &Store, mut body: B) -> Result<Received, Refusal>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let mut reservation = store.budget().reserve();
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            let message = format!("the request broke off: {error}");
            Refusal::new(StatusCode::BAD_REQUEST, message)
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if whole.len() + data.len() > MAX_REQUEST_BYTES {
            return Err(Refusal::too_long());
        }
        // A vector that grows by doubling holds up to twice its content.
        reserve(store, &mut reservation, 2 * data.len())?;
        whole.extend_from_slice(&data);
    }
    Ok(Received {
        body: whole.into(),
        reservation,
    })
}

/// Promises memory to a request; what the store holds gives way to it.
pub(super) fn reserve(
    store: &Store,
    reservation: &mut Reservation,
    bytes: usize,
) -> Result<(), Refusal> {
    reservation.grow(bytes).map_err(Refusal::no_room)?;
    store.make_room();
    Ok(())
}
