//! The customers: a dozen checkouts and one wrong address.

use std::time::Instant;

use serde::Deserialize;
use serde_json::json;

use crate::cases::Case;
use crate::failure::{Failure, Result};
use crate::progress::progress;

/// The correlation id that one of the customers brings along.
pub(crate) const OWN_ID: &str = "demo-checkout-1";
/// The same customer has logged in.
const OWN_TOKEN: &str = "tok_ada";
const CORRELATION_HEADER: &str = "x-correlation-id";

/// A request and what came back.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) case: Case,
    /// The id that finds everything about it.
    pub(crate) correlation_id: String,
    /// The reason that the customer was told, for a refusal.
    pub(crate) refusal: String,
}

/// One after the other, then several at once; so that there is both an undisturbed duration and some variety.
const IN_TURN: [Case; 7] = [
    Case::Bought,
    Case::Bought,
    Case::Bought,
    Case::CardDeclined,
    Case::SoldOut,
    Case::GatewayDown,
    Case::UnknownPage,
];
const AT_ONCE: [Case; 6] = [Case::Bought; 6];
/// The number of the checkout that brings its own id: the last that buys, when all connections are warm.
const WITH_OWN_ID: usize = 2;

/// Performs all requests and checks every answer.
pub(crate) async fn perform(client: &reqwest::Client, web: &str) -> Result<Vec<Visit>> {
    let mut visits = Vec::new();
    for (number, case) in IN_TURN.into_iter().enumerate() {
        let own_id = (number == WITH_OWN_ID).then_some(OWN_ID);
        visits.push(visit(client, web, case, 1, own_id).await?);
    }
    let mut crowd = tokio::task::JoinSet::new();
    for (case, quantity) in AT_ONCE.into_iter().zip(1..) {
        let (client, web) = (client.clone(), web.to_owned());
        crowd.spawn(async move { visit(&client, &web, case, quantity, None).await });
    }
    while let Some(done) = crowd.join_next().await {
        visits.push(done.map_err(|error| Failure::new(error.to_string()))??);
    }
    Ok(visits)
}

async fn visit(
    client: &reqwest::Client,
    web: &str,
    case: Case,
    quantity: u32,
    own_id: Option<&str>,
) -> Result<Visit> {
    let mut request = match case {
        Case::UnknownPage => client.get(format!("{web}/basket")),
        case => client
            .post(format!("{web}/checkout/execute"))
            .json(&json!({ "sku": case.sku(), "quantity": quantity, "card": case.card() })),
    };
    if let Some(id) = own_id {
        request = request
            .header(CORRELATION_HEADER, id)
            .bearer_auth(OWN_TOKEN);
    }
    let started = Instant::now();
    let response = request
        .send()
        .await
        .map_err(|error| Failure::new(format!("retail-web does not answer: {error}")))?;
    let status = response.status().as_u16();
    let echoed = response.headers().get(CORRELATION_HEADER);
    let echoed = echoed.and_then(|id| Some(id.to_str().ok()?.to_owned()));
    let body = response.text().await.unwrap_or_default();
    let visit = check(case, own_id, status, echoed, &body)?;
    progress(&format!(
        "  {status} after {:>8.1?}  {}",
        started.elapsed(),
        case.told()
    ));
    Ok(visit)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    order_id: Option<i64>,
    error: String,
}

fn check(
    case: Case,
    own_id: Option<&str>,
    status: u16,
    echoed: Option<String>,
    body: &str,
) -> Result<Visit> {
    let wrong = |what: String| Err(Failure::new(format!("{case:?}: {what}")));
    let expected = case.status();
    if status != expected {
        return wrong(format!(
            "retail-web answered {status} instead of {expected}: {body}"
        ));
    }
    let Body { order_id, error } = serde_json::from_str(body).unwrap_or_default();
    if order_id.is_some() != (case == Case::Bought) {
        return wrong(format!("the answer's order_id is {order_id:?}: {body}"));
    }
    let Some(echoed) = echoed else {
        return wrong(format!("the answer has no {CORRELATION_HEADER}"));
    };
    if own_id.is_some_and(|own| own != echoed) {
        return wrong(format!(
            "the answer's {CORRELATION_HEADER} is {echoed}, not the caller's"
        ));
    }
    Ok(Visit {
        case,
        correlation_id: echoed,
        refusal: error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(
        case: Case,
        own: Option<&str>,
        status: u16,
        echoed: Option<&str>,
        body: &str,
    ) -> String {
        let checked = check(case, own, status, echoed.map(str::to_owned), body);
        checked.map_or_else(
            |failure| failure.to_string(),
            |visit| visit.correlation_id + &visit.refusal,
        )
    }

    #[test]
    fn a_dozen_checkouts_have_each_failure_once_and_the_own_id_belongs_to_one_that_buys() {
        let all = || IN_TURN.into_iter().chain(AT_ONCE);
        assert_eq!(all().filter(|case| *case != Case::UnknownPage).count(), 12);
        for case in [Case::CardDeclined, Case::SoldOut, Case::GatewayDown] {
            assert_eq!(all().filter(|it| *it == case).count(), 1, "{case:?}");
        }
        assert_eq!(IN_TURN[WITH_OWN_ID], Case::Bought);
    }

    #[test]
    fn an_answer_is_taken_only_with_the_right_status_order_and_correlation_id() {
        let bought = r#"{"order_id":7}"#;
        assert_eq!(
            reason(Case::Bought, Some("me"), 200, Some("me"), bought),
            "me"
        );
        assert_eq!(
            reason(
                Case::CardDeclined,
                None,
                402,
                Some("id: "),
                r#"{"error":"card declined"}"#
            ),
            "id: card declined"
        );
        for (reason, part) in [
            (
                reason(Case::Bought, None, 500, Some("id"), "oh no"),
                "answered 500 instead of 200: oh no",
            ),
            (
                reason(Case::Bought, None, 200, Some("id"), "{}"),
                "order_id is None",
            ),
            (
                reason(Case::SoldOut, None, 409, Some("id"), bought),
                "order_id is Some(7)",
            ),
            (
                reason(Case::Bought, None, 200, None, bought),
                "has no x-correlation-id",
            ),
            (
                reason(Case::Bought, Some("me"), 200, Some("you"), bought),
                "is you, not the caller's",
            ),
        ] {
            assert!(reason.contains(part), "{reason}");
        }
    }
}
