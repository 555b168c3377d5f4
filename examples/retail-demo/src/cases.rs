//! The cases that customers may run into, and the marks that each must leave in the trace.

/// How a checkout ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Bought,
    CardDeclined,
    SoldOut,
    GatewayDown,
    /// No checkout at all: a page that does not exist.
    UnknownPage,
}

impl Case {
    pub(crate) fn sku(self) -> &'static str {
        match self {
            Self::SoldOut => "SKU-SOLD-OUT",
            _ => "SKU-1",
        }
    }

    pub(crate) fn card(self) -> &'static str {
        match self {
            Self::CardDeclined => "tok_declined",
            Self::GatewayDown => "tok_gateway_down",
            _ => "tok_visa",
        }
    }

    /// How it ends, for a person.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::Bought => "bought",
            Self::CardDeclined => "card declined",
            Self::SoldOut => "sold out",
            Self::GatewayDown => "payment gateway down",
            Self::UnknownPage => "no checkout: a page that does not exist",
        }
    }

    /// The status the customer must get.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Bought => 200,
            Self::CardDeclined => 402,
            Self::SoldOut => 409,
            Self::GatewayDown => 502,
            Self::UnknownPage => 404,
        }
    }

    /// The spans its trace must have, each below the one it is indented under. There may be more.
    pub(crate) fn spans(self) -> &'static str {
        match self {
            Self::Bought => BOUGHT,
            Self::CardDeclined => CARD_DECLINED,
            Self::SoldOut => SOLD_OUT,
            Self::GatewayDown => GATEWAY_DOWN,
            Self::UnknownPage => "GET [retail-web] SERVER",
        }
    }
}

const BOUGHT: &str = "\
POST /checkout/execute [retail-web] SERVER
  Process_Checkout_Flow [retail-web] INTERNAL
    Verify_Inventory_Status [retail-web] INTERNAL
      GET [retail-web] CLIENT
        GET /inventory/check [retail-api] SERVER
          SELECT inventory [retail-api] CLIENT
    Execute_Payment_Charge [retail-web] INTERNAL
      POST [retail-web] CLIENT
        POST /payment/charge [retail-api] SERVER
          INSERT payments [retail-api] CLIENT
    Create_Order_Record [retail-web] INTERNAL
      POST [retail-web] CLIENT
        POST /orders [retail-api] SERVER
          UPDATE inventory [retail-api] CLIENT
          UPDATE payments [retail-api] CLIENT
          INSERT orders [retail-api] CLIENT
          send order-confirmations [retail-api] PRODUCER
            INSERT outbox [retail-api] CLIENT
            process order-confirmations [retail-worker] CONSUMER
              Deliver_Confirmation [retail-worker] INTERNAL
              INSERT confirmations [retail-worker] CLIENT";

/// A "no" of the bank is an error for the client that got it, and for nobody else.
const CARD_DECLINED: &str = "\
POST /checkout/execute [retail-web] SERVER
  Process_Checkout_Flow [retail-web] INTERNAL
    Verify_Inventory_Status [retail-web] INTERNAL
      GET [retail-web] CLIENT
        GET /inventory/check [retail-api] SERVER
          SELECT inventory [retail-api] CLIENT
    Execute_Payment_Charge [retail-web] INTERNAL
      POST [retail-web] CLIENT ERROR
        POST /payment/charge [retail-api] SERVER";

/// Nothing fails: the stock is looked up, and there is none.
const SOLD_OUT: &str = "\
POST /checkout/execute [retail-web] SERVER
  Process_Checkout_Flow [retail-web] INTERNAL
    Verify_Inventory_Status [retail-web] INTERNAL
      GET [retail-web] CLIENT
        GET /inventory/check [retail-api] SERVER
          SELECT inventory [retail-api] CLIENT";

const GATEWAY_DOWN: &str = "\
POST /checkout/execute [retail-web] SERVER ERROR
  Process_Checkout_Flow [retail-web] INTERNAL ERROR
    Verify_Inventory_Status [retail-web] INTERNAL
      GET [retail-web] CLIENT
        GET /inventory/check [retail-api] SERVER
          SELECT inventory [retail-api] CLIENT
    Execute_Payment_Charge [retail-web] INTERNAL ERROR
      POST [retail-web] CLIENT ERROR
        POST /payment/charge [retail-api] SERVER ERROR";
