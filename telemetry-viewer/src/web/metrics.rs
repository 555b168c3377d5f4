//! Every instrument, and each over time.

mod chart;
mod curve;
mod instrument;
mod list;
mod values;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::Markup;

use self::values::Asked;
use super::layout::{Page, Tab};
use super::site::Web;
use super::work::work;
use crate::store::Series;

pub(super) fn router() -> Router<Web> {
    Router::new().route("/metrics", get(page))
}

async fn page(State(web): State<Web>, asked: Result<Query<Asked>, QueryRejection>) -> Response {
    let asked = match asked {
        Ok(Query(asked)) => asked,
        Err(rejection) => return rejection.into_response(),
    };
    work(web, move |web| {
        let series = web.store.series();
        if asked.name.is_empty() {
            return show("Metrics", &list::list(&series));
        }
        let chosen: Vec<&Series> = series
            .iter()
            .filter(|it| it.point.name == asked.name)
            .filter(|it| asked.service.is_empty() || it.point.service == asked.service)
            .collect();
        let title = format!("{} · Metrics", asked.name);
        show(&title, &instrument::instrument(&asked, &chosen))
    })
    .await
}

fn show(title: &str, content: &Markup) -> Response {
    let page = Page {
        title,
        tab: Tab::Metrics,
        query: "",
        waits: false,
    };
    page.render(content).into_response()
}
