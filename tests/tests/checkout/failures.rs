//! Checkouts that go wrong, also by no fault of the service.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn rejected_and_failed_checkouts_show_where_and_why() {
    let shop = Shop::open().await.unwrap();
    let cases = [
        ("SKU-SOLD-OUT", "tok_visa", "sold-out", 409),
        ("SKU-1", "tok_declined", "declined", 402),
        ("SKU-1", "tok_gateway_down", "gateway-down", 502),
        ("SKU-NONE", "tok_visa", "unknown", 404),
    ];
    for (sku, card, id, status) in cases {
        let response = checkout(&shop, sku, card, id).await;
        assert_eq!(
            (
                response.status().as_u16(),
                response.headers()[CORRELATION].to_str().unwrap()
            ),
            (status, id)
        );
    }
    let shown = [
        "http.response.status_code",
        "retail.outcome",
        "retail.reason",
    ];
    assert_eq!(
        tree(&trace(&shop, "sold-out"), &shown),
        "\
POST /checkout/execute [retail-web] SERVER http.response.status_code=409
└─ Process_Checkout_Flow [retail-web] INTERNAL retail.outcome=rejected retail.reason=out_of_stock
   └─ Verify_Inventory_Status [retail-web] INTERNAL retail.outcome=rejected retail.reason=out_of_stock
      └─ GET [retail-web] CLIENT http.response.status_code=200
         └─ GET /inventory/check [retail-api] SERVER http.response.status_code=200
            └─ SELECT inventory [retail-api] CLIENT
"
    );
    assert_eq!(
        tree(&trace(&shop, "declined"), &shown),
        "\
POST /checkout/execute [retail-web] SERVER http.response.status_code=402
└─ Process_Checkout_Flow [retail-web] INTERNAL retail.outcome=rejected retail.reason=card_declined
   ├─ Verify_Inventory_Status [retail-web] INTERNAL retail.outcome=ok
   │  └─ GET [retail-web] CLIENT http.response.status_code=200
   │     └─ GET /inventory/check [retail-api] SERVER http.response.status_code=200
   │        └─ SELECT inventory [retail-api] CLIENT
   └─ Execute_Payment_Charge [retail-web] INTERNAL retail.outcome=rejected retail.reason=card_declined
      └─ POST [retail-web] CLIENT http.response.status_code=402 ERROR 402
         └─ POST /payment/charge [retail-api] SERVER http.response.status_code=402
"
    );
    assert_eq!(
        tree(&trace(&shop, "gateway-down"), &shown),
        "\
POST /checkout/execute [retail-web] SERVER http.response.status_code=502 ERROR 502
└─ Process_Checkout_Flow [retail-web] INTERNAL retail.outcome=error ERROR upstream \"retail-api answered 500 Internal Server Error\"
   ├─ Verify_Inventory_Status [retail-web] INTERNAL retail.outcome=ok
   │  └─ GET [retail-web] CLIENT http.response.status_code=200
   │     └─ GET /inventory/check [retail-api] SERVER http.response.status_code=200
   │        └─ SELECT inventory [retail-api] CLIENT
   └─ Execute_Payment_Charge [retail-web] INTERNAL retail.outcome=error ERROR upstream \"retail-api answered 500 Internal Server Error\"
      └─ POST [retail-web] CLIENT http.response.status_code=500 ERROR 500
         └─ POST /payment/charge [retail-api] SERVER http.response.status_code=500 ERROR 500
"
    );
    assert!(tree(&trace(&shop, "unknown"), &[]).contains("GET [retail-web] CLIENT ERROR 404"));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_none_get_an_answer_and_no_blame() {
    let shop = Shop::open().await.unwrap();
    let client = reqwest::Client::new();
    let base = format!("http://{}", shop.web.address);
    let unknown = client
        .get(format!("{base}/no/such/route"))
        .send()
        .await
        .unwrap();
    let url = format!("{base}/checkout/execute");
    let invalid = client
        .post(&url)
        .header("content-type", "application/json")
        .body("{not json")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (unknown.status().as_u16(), invalid.status().as_u16()),
        (404, 400)
    );
    for (response, expected) in [
        (
            unknown,
            "GET [retail-web] SERVER http.response.status_code=404\n",
        ),
        (
            invalid,
            "POST /checkout/execute [retail-web] SERVER http.route=/checkout/execute http.response.status_code=400\n",
        ),
    ] {
        let id = response.headers()[CORRELATION].to_str().unwrap().to_owned();
        assert_eq!(
            tree(
                &trace(&shop, &id),
                &["http.route", "http.response.status_code"]
            ),
            expected
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shop_never_charges_for_an_order_that_is_not_created() {
    let shop = Shop::open().await.unwrap();
    // SKU-2 has 25 pieces: of 20 buyers of 2 pieces each, 12 can be served, whoever is first.
    let buyers = (0..20).map(|_| checkout(&shop, "SKU-2", "tok_visa", "race"));
    let answers = futures_util::future::join_all(buyers).await;
    let served = answers
        .iter()
        .filter(|answer| answer.status() == 200)
        .count();
    let refused = answers
        .iter()
        .filter(|answer| answer.status() == 409)
        .count();
    assert_eq!((served, refused), (12, 8));

    let database = shop.database().await.unwrap();
    let count = async |sql: &'static str| -> i64 {
        sqlx::query_scalar(sql).fetch_one(&database).await.unwrap()
    };
    assert_eq!(
        count("SELECT quantity FROM inventory WHERE sku = 'SKU-2'").await,
        1
    );
    assert_eq!(count("SELECT count(*) FROM orders").await, 12);
    assert_eq!(
        count("SELECT count(*) FROM payments WHERE status = 'captured'").await,
        12
    );
    assert_eq!(
        count("SELECT count(*) FROM payments WHERE status = 'authorized'").await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn negative_amounts_and_quantities_are_refused() {
    let shop = Shop::open().await.unwrap();
    let post = async |path: &str, body: Value| {
        let url = format!("http://{}{path}", shop.api.address);
        let request = reqwest::Client::new().post(url).json(&body);
        request.send().await.unwrap().status().as_u16()
    };
    let charge = post(
        "/payment/charge",
        json!({ "amount_cents": -500, "card": "tok_visa" }),
    )
    .await;
    let order = post(
        "/orders",
        json!({ "sku": "SKU-1", "quantity": -5, "payment_id": 1 }),
    )
    .await;
    assert_eq!((charge, order), (422, 422));
}
