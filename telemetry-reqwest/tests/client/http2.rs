//! Servers that end a stream or a connection early in HTTP/2, where a connection outlives its streams.

use bytes::Bytes;
use h2::{Reason, SendStream, server::SendResponse};
use telemetry_pipeline::testing::TestTelemetry;
use telemetry_reqwest::SpanEnd;
use tokio::net::TcpListener;

use crate::{SOON, listen, middleware};

/// The way in which the server ends the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    ResetBeforeTheHead,
    ResetInTheBody,
    GoAwayInTheBody,
    ClosedInTheBody,
    HardResetInTheBody,
}

fn begin_body(respond: &mut SendResponse<Bytes>) -> SendStream<Bytes> {
    let head = http::Response::new(());
    let mut body = respond.send_response(head, false).unwrap();
    body.send_data("half".into(), false).unwrap();
    body
}

async fn serve(listener: TcpListener, end: End) {
    let (socket, _) = listener.accept().await.unwrap();
    if end == End::HardResetInTheBody {
        socket.set_zero_linger().unwrap();
    }
    let mut connection = h2::server::handshake(socket).await.unwrap();
    let (_request, mut respond) = connection.accept().await.unwrap().unwrap();
    if end == End::ResetBeforeTheHead {
        respond.send_reset(Reason::INTERNAL_ERROR);
    } else {
        let mut body = begin_body(&mut respond);
        // The sent data leaves before the stream ends.
        let _ = tokio::time::timeout(SOON * 2, connection.accept()).await;
        match end {
            End::GoAwayInTheBody => connection.abrupt_shutdown(Reason::INTERNAL_ERROR),
            End::ClosedInTheBody | End::HardResetInTheBody => return,
            _ => body.send_reset(Reason::INTERNAL_ERROR),
        }
    }
    let _ = tokio::time::timeout(SOON * 10, connection.accept()).await;
}

#[tokio::test]
async fn a_server_that_breaks_off_is_a_reset() {
    for end in [
        End::ResetBeforeTheHead,
        End::ResetInTheBody,
        End::GoAwayInTheBody,
        End::ClosedInTheBody,
        End::HardResetInTheBody,
    ] {
        let telemetry = TestTelemetry::new();
        let (listener, address) = listen().await;
        let server = tokio::spawn(serve(listener, end));
        let plain = reqwest::Client::builder().http2_prior_knowledge();
        let covering = middleware(&telemetry).with_span_end(SpanEnd::Body);
        let client = telemetry_reqwest::client_with(plain, covering).unwrap();
        let call = async {
            let response = client.get(format!("http://{address}/")).send().await?;
            reqwest_middleware::Result::Ok(response.bytes().await?)
        };
        let error = call.await.unwrap_err();
        let seen = if end == End::ResetBeforeTheHead {
            ""
        } else {
            "network.protocol.version=\"2\" "
        };
        assert_eq!(
            telemetry.tree(&["network.protocol.version", "error.type"]),
            format!("CLIENT GET {seen}error.type=\"reset\" ERROR\n"),
            "{end:?} {error:?}"
        );
        assert!(telemetry.metrics().contains("error_type=\"reset\""));
        server.abort();
    }
}
