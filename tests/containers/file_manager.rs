//! mock-api from outside: received calls, and ordered faults.

use crate::engine::in_time;
use mock_api::Fault;
use reqwest::Client;
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) struct Files {
    client: Client,
    url: String,
}

impl Files {
    pub(crate) fn at(url: &str) -> Self {
        Self { client: Client::new(), url: format!("{url}/_mock") }
    }

    async fn get(&self, what: &str) -> Value {
        let answer = self.client.get(format!("{}/{what}", self.url)).send().await.and_then(reqwest::Response::error_for_status);
        answer.expect("mock-api answers").json().await.expect("JSON")
    }

    /// The number of calls so far.
    pub(crate) async fn calls_in_all(&self) -> u64 {
        self.get("calls").await["in_all"].as_u64().expect("a number")
    }

    /// Waits for this many calls.
    pub(crate) async fn wait_for_calls(&self, at_least: u64) {
        in_time(&format!("call {at_least}"), self.get(&format!("calls?at_least={at_least}"))).await;
    }

    /// Waits for this many creates since the calls were reset.
    pub(crate) async fn wait_for_creates(&self, at_least: usize) {
        loop {
            let calls = self.get("calls").await;
            let creates = calls["calls"].as_array().expect("a list").iter().filter(|call| call["operation"] == "create");
            if creates.count() >= at_least {
                return;
            }
            self.wait_for_calls(calls["in_all"].as_u64().expect("a number") + 1).await;
        }
    }

    /// The SHA-256 of every file, by path.
    pub(crate) async fn digests(&self) -> BTreeMap<String, String> {
        let files = self.get("files").await;
        let files = files.as_object().expect("an object").iter();
        files.map(|(path, file)| (path.clone(), file["sha256"].as_str().expect("a digest").to_owned())).collect()
    }

    /// Waits until this many calls hang: each was received completely and has no answer.
    pub(crate) async fn wait_for_hanging(&self, count: usize) {
        let hang = |calls: &Value| {
            calls["calls"].as_array().is_some_and(|calls| calls.iter().filter(|call| call["state"] == "hanging").count() >= count)
        };
        let all = async {
            while !hang(&self.get("calls").await) {
                tokio::task::yield_now().await;
            }
        };
        in_time(&format!("{count} hanging calls"), all).await;
    }

    /// Waits until it holds this many files.
    pub(crate) async fn holds(&self, count: usize) {
        loop {
            let calls = self.calls_in_all().await;
            if self.digests().await.len() >= count {
                return;
            }
            self.wait_for_calls(calls + 1).await;
        }
    }

    /// Asserts that no effect happened twice: one effect per key, one create per path.
    pub(crate) async fn nothing_is_doubled(&self) {
        let effects = self.get("effects").await;
        for (key, times) in effects["by_key"].as_object().expect("an object") {
            assert_eq!(times.as_u64(), Some(1), "the effect {key}");
        }
        for (path, done) in effects["by_path"].as_object().expect("an object") {
            assert!(done["create"].as_u64().unwrap_or(0) <= 1, "{path}: {done}");
        }
    }

    pub(crate) async fn forget_calls(&self) {
        self.client.delete(format!("{}/calls", self.url)).send().await.expect("the order is taken");
    }

    /// Sets the events of the feed: the first hundred of these.
    pub(crate) async fn feed(&self, events: &[Value]) {
        self.order_feed(&serde_json::json!({ "events": events })).await;
    }

    /// The same page by page, each event once: a client continues after its cursor.
    pub(crate) async fn feed_with_cursor(&self, events: &[Value]) {
        self.order_feed(&serde_json::json!({ "events": events, "pages": true })).await;
    }

    async fn order_feed(&self, order: &Value) {
        let answer = self.client.put(format!("{}/feed", self.url)).json(order).send().await;
        answer.and_then(reqwest::Response::error_for_status).expect("the order is taken");
    }

    /// The effects and reads since the calls were reset, as `operation path new_path`, sorted.
    pub(crate) async fn arrived(&self) -> Vec<String> {
        let calls = self.get("calls").await;
        let calls = calls["calls"].as_array().expect("a list").iter();
        let effects = calls.filter(|call| ["saveToDisk", "updatePermissions"].contains(&call["call"].as_str().unwrap_or_default()));
        let word = |call: &Value, field: &str| call[field].as_str().unwrap_or_default().to_owned();
        let mut arrived: Vec<_> = effects
            .map(|call| [word(call, "operation"), word(call, "path"), word(call, "new_path")].join(" ").trim_end().to_owned())
            .collect();
        arrived.sort();
        arrived
    }

    pub(crate) async fn order(&self, fault: &Fault) {
        let answer = self.client.post(format!("{}/faults", self.url)).json(fault).send().await;
        answer.and_then(reqwest::Response::error_for_status).expect("the order is taken");
    }

    pub(crate) async fn no_faults(&self) {
        self.client.delete(format!("{}/faults", self.url)).send().await.expect("the order is taken");
        self.client.post(format!("{}/release", self.url)).send().await.expect("the order is taken");
    }
}

/// Delays every create, so that a test can act during the work.
pub(crate) fn slow_creates(millis: u64) -> Fault {
    Fault::new(mock_api::FaultAction::Delay { millis }).operation("create").always()
}

/// Creates get no answer, and have no effect, until the hanging calls are released.
pub(crate) fn hanging_creates() -> Fault {
    Fault::new(mock_api::FaultAction::Hang).operation("create").always()
}
