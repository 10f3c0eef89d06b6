//! The routes. The calls are in `calls/`, their common handling in `exchange.rs`.

use crate::answer::Answer;
use crate::api::MockApi;
use crate::call_log::CallName;
use crate::{exchange, inspect};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::routing::{MethodRouter, get, post};

impl MockApi {
    /// The five calls, and `/_mock` for tests, for use in the caller's own server.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/", call(CallName::Health))
            .route("/updatePermissions", call(CallName::UpdatePermissions))
            .route("/saveToDisk", call(CallName::SaveToDisk))
            .route("/pubSubFullList", call(CallName::PubSubFullList))
            .route("/reportResults", call(CallName::ReportResults))
            .nest("/_mock", inspect::router())
            .fallback(async || Answer::detail(404, "Not Found"))
            .method_not_allowed_fallback(async || Answer::detail(405, "Method Not Allowed"))
            .layer(DefaultBodyLimit::disable())
            .with_state(self.clone())
    }
}

fn call(name: CallName) -> MethodRouter<MockApi> {
    let handler = async move |State(api): State<MockApi>, request: Request| exchange::run(api, name, request).await;
    match name {
        CallName::Health | CallName::PubSubFullList => get(handler),
        CallName::UpdatePermissions | CallName::SaveToDisk | CallName::ReportResults => post(handler),
    }
}
