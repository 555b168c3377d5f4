//! How much memory a request in protobuf takes once it is decoded.

use prost::bytes::Buf;
use prost::encoding::{WireType, decode_key, decode_varint};

use super::schema::{Field, Kind, Message};

/// The decoder gives up at this depth, so nothing below it is decoded.
const MAX_DEPTH: usize = 100;
/// A bucket of an exponential histogram, which comes as one byte and is kept in a tree.
const BUCKET: usize = 48;

/// An upper bound of the bytes that the decoded message takes in memory. Empty messages come as two
/// bytes each and take hundreds, so the size of the body says little.
///
/// A message that is not well-formed counts up to its fault: the decoder stops there, too.
pub(super) fn weight(message: &'static Message, body: &[u8]) -> usize {
    // Each open message: its type, and how many bytes follow it.
    let mut stack: Vec<(&'static Message, usize)> = vec![(message, 0)];
    let mut rest = body;
    let mut sum: usize = 0;
    while let Some((message, after)) = stack.last().copied() {
        if rest.len() <= after {
            stack.pop();
            continue;
        }
        let Ok((number, wire)) = decode_key(&mut rest) else {
            break;
        };
        let field = message.fields.iter().find(|field| field.number == number);
        let length = match wire {
            WireType::Varint => {
                if decode_varint(&mut rest).is_err() {
                    break;
                }
                sum = sum.saturating_add(scalar(field));
                continue;
            }
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            WireType::LengthDelimited => match decode_varint(&mut rest) {
                Ok(length) => usize::try_from(length).unwrap_or(usize::MAX),
                Err(_) => break,
            },
            // Groups are older than OTLP.
            WireType::StartGroup | WireType::EndGroup => break,
        };
        if length > rest.len() {
            break;
        }
        if wire != WireType::LengthDelimited {
            rest.advance(length);
            sum = sum.saturating_add(scalar(field));
            continue;
        }
        match field.map(|field| &field.kind) {
            Some(Kind::Message(child) | Kind::Messages(child)) if stack.len() < MAX_DEPTH => {
                sum = sum.saturating_add(child.size);
                stack.push((child, rest.len() - length));
            }
            kind => {
                sum = sum.saturating_add(delimited(kind, length));
                rest.advance(length);
            }
        }
    }
    sum
}

/// A number that stands alone takes no room of its own, unless it belongs to a list.
fn scalar(field: Option<&Field>) -> usize {
    match field.map(|field| &field.kind) {
        Some(Kind::Fixed64List | Kind::DoubleList) => 16,
        Some(Kind::VarintList) => BUCKET + 16,
        _ => 0,
    }
}

fn delimited(kind: Option<&Kind>, length: usize) -> usize {
    match kind {
        None => 0,
        Some(Kind::Fixed64List | Kind::DoubleList) => length.saturating_mul(2),
        Some(Kind::VarintList) => length.saturating_mul(BUCKET + 16),
        Some(_) => length,
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::metrics::v1 as metrics;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
    use prost::Message as _;

    use super::*;
    use crate::receiver::schema::{METRICS, TRACES};

    #[test]
    fn an_empty_span_weighs_what_it_takes_and_not_its_two_bytes() {
        let request = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                scope_spans: vec![ScopeSpans {
                    spans: vec![Span::default(); 1000],
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }],
        };
        let body = request.encode_to_vec();
        assert!(body.len() < 2100);
        assert!(weight(&TRACES, &body) > 1000 * size_of::<Span>());
    }

    #[test]
    fn buckets_of_one_byte_weigh_more() {
        let point = metrics::ExponentialHistogramDataPoint {
            positive: Some(metrics::exponential_histogram_data_point::Buckets {
                offset: 0,
                bucket_counts: vec![1; 500],
            }),
            ..Default::default()
        };
        let metric = metrics::Metric {
            data: Some(metrics::metric::Data::ExponentialHistogram(
                metrics::ExponentialHistogram {
                    data_points: vec![point],
                    aggregation_temporality: 2,
                },
            )),
            ..Default::default()
        };
        let request = ExportMetricsServiceRequest {
            resource_metrics: vec![metrics::ResourceMetrics {
                scope_metrics: vec![metrics::ScopeMetrics {
                    metrics: vec![metric],
                    ..Default::default()
                }],
                ..Default::default()
            }],
        };
        assert!(weight(&METRICS, &request.encode_to_vec()) > 500 * BUCKET);
    }

    #[test]
    fn what_is_cut_off_or_too_long_ends_the_count() {
        for body in [
            &[0x0a][..],
            &[0x0a, 0xff, 0xff, 0xff, 0x7f],
            &[0x0b, 1],
            &[0xff; 20],
        ] {
            assert!(weight(&TRACES, body) < 100_000);
        }
    }
}
