//! Control and inspection over HTTP, for a test double in its own process: the methods of `MockApi` under `/_mock`, an address that
//! the contract does not use. Token, ledger, faults and log do not apply to it.

use crate::api::MockApi;
use crate::call_log::Call;
use crate::effects::Effects;
use crate::faults::Fault;
use crate::files::StoredFile;
use crate::permissions::Permissions;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// | address | method | what |
/// |---|---|---|
/// | `/calls` | GET | `{"in_all": n, "calls": […]}`; with `?at_least=N` it waits for that many |
/// | `/calls` | DELETE | resets them |
/// | `/files`, `/effects`, `/reports` | GET | as the methods of those names |
/// | `/permissions?path=P` | GET | of one path |
/// | `/feed` | PUT | `{"events": […], "pages": false}` |
/// | `/faults` | GET, POST, DELETE | list, add, clear |
/// | `/release` | POST | ends the calls that hang |
pub(crate) fn router() -> Router<MockApi> {
    Router::new()
        .route("/calls", get(calls).delete(reset_calls))
        .route("/files", get(files))
        .route("/effects", get(effects))
        .route("/reports", get(reports))
        .route("/permissions", get(permissions))
        .route("/feed", put(set_feed))
        .route("/faults", get(faults).post(order).delete(clear_faults))
        .route("/release", post(release))
}

#[derive(Deserialize)]
struct AtLeast {
    #[serde(default)]
    at_least: u64,
}

async fn calls(State(api): State<MockApi>, Query(AtLeast { at_least }): Query<AtLeast>) -> Json<Value> {
    api.wait_for_calls_in_all(at_least).await;
    let calls: Vec<Call> = api.calls();
    Json(json!({ "in_all": api.calls_in_all(), "calls": calls }))
}

async fn reset_calls(State(api): State<MockApi>) -> StatusCode {
    api.reset_calls();
    StatusCode::NO_CONTENT
}

async fn files(State(api): State<MockApi>) -> Json<BTreeMap<String, StoredFile>> {
    Json(api.files())
}

async fn effects(State(api): State<MockApi>) -> Json<Effects> {
    Json(api.effects())
}

async fn reports(State(api): State<MockApi>) -> Json<Vec<Value>> {
    Json(api.reports())
}

#[derive(Deserialize)]
struct OfPath {
    path: String,
}

async fn permissions(State(api): State<MockApi>, Query(OfPath { path }): Query<OfPath>) -> Json<Permissions> {
    Json(api.permissions(&path))
}

#[derive(Deserialize)]
struct FeedOrder {
    events: Vec<Value>,
    #[serde(default)]
    pages: bool,
}

async fn set_feed(State(api): State<MockApi>, Json(FeedOrder { events, pages }): Json<FeedOrder>) -> StatusCode {
    if pages {
        api.set_paged_feed(events);
    } else {
        api.set_feed(events);
    }
    StatusCode::NO_CONTENT
}

async fn faults(State(api): State<MockApi>) -> Json<Vec<Fault>> {
    Json(api.faults())
}

async fn order(State(api): State<MockApi>, Json(fault): Json<Fault>) -> StatusCode {
    api.order(fault);
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(api): State<MockApi>) -> StatusCode {
    api.clear_faults();
    StatusCode::NO_CONTENT
}

async fn release(State(api): State<MockApi>) -> StatusCode {
    api.release_hanging();
    StatusCode::NO_CONTENT
}
