//! Inspection and control over HTTP give the same as the library's methods, and a call is recorded in full.

use crate::client::{Double, Save, double, double_with};
use mock_api::{Call, CallName, CallState, Effects, Fault, FaultAction, Options, StoredFile};
use serde_json::{Value, json};
use std::collections::BTreeMap;

async fn put(double: &Double, method: reqwest::Method, target: &str, body: &impl serde::Serialize) {
    let request = double.http.request(method, format!("{}{target}", double.running.url())).json(body);
    assert_eq!(request.send().await.expect("an answer").status(), 204, "{target}");
}

#[tokio::test]
async fn a_call_is_recorded_in_full() {
    let double = double().await;
    let save = Save::new("create", "a/ü").with("size", "1").file(b"x").key("k");
    double.request(&save).header("X-Request-Id", "r1").header("User-Agent", "s3-sync/1").send().await.expect("an answer");
    let call = double.api().calls().remove(0);
    assert!(call.content_length.is_some_and(|length| length > 100));
    let expected = Call {
        number: 0,
        call: CallName::SaveToDisk,
        operation: Some("create".to_owned()),
        path: Some("a/ü".to_owned()),
        new_path: None,
        idempotency_key: Some("k".to_owned()),
        request_id: Some("r1".to_owned()),
        user_agent: Some("s3-sync/1".to_owned()),
        content_length: call.content_length,
        parts: ["operation", "file_path", "size", "file"].map(str::to_owned).to_vec(),
        file_name: Some("a name".to_owned()),
        status: Some(200),
        state: CallState::Answered,
        replayed: false,
        effect: true,
        fault: None,
    };
    assert_eq!(call, expected);
    double.permissions(&[("file_path", "a")], None).await;
    let call = double.api().calls().remove(1);
    assert_eq!((call.operation.as_deref(), call.effect, call.status), (Some("get"), false, Some(200)));
}

#[tokio::test]
async fn another_process_can_inspect_the_file_manager_over_http() {
    let double = double().await;
    double.save(Save::new("create", "a").file(b"x").key("k")).await;
    double.report(r#"{"n":1}"#).await;
    let seen = async |target: &str| double.get(&format!("/_mock/{target}")).await.body;
    let calls = seen("calls?at_least=2").await;
    assert_eq!(calls["in_all"], 2);
    assert_eq!(serde_json::from_value::<Vec<Call>>(calls["calls"].clone()).expect("calls"), double.api().calls());
    let mut files = double.api().files();
    for file in files.values_mut() {
        file.content = None;
    }
    assert_eq!(serde_json::from_value::<BTreeMap<String, StoredFile>>(seen("files").await).expect("files"), files);
    assert_eq!(serde_json::from_value::<Effects>(seen("effects").await).expect("effects"), double.api().effects());
    assert_eq!(seen("reports").await, json!([{ "n": 1 }]));
    assert_eq!(seen("permissions?path=a.txt").await["owner"], "user");
    put(&double, reqwest::Method::DELETE, "/_mock/calls", &Value::Null).await;
    assert_eq!(seen("calls").await, json!({ "in_all": 0, "calls": [] }));
    assert_eq!(double.api().files().len(), 1, "a reset forgets calls and nothing else");
}

#[tokio::test]
async fn another_process_can_order_faults_over_http() {
    let double = double().await;
    put(&double, reqwest::Method::PUT, "/_mock/feed", &json!({ "events": [1, 2] })).await;
    assert_eq!(double.get("/pubSubFullList").await.body["events"], json!([1, 2]));
    put(&double, reqwest::Method::PUT, "/_mock/feed", &json!({ "events": [1, 2], "pages": true })).await;
    assert_eq!(double.get("/pubSubFullList?count=1").await.body["next_cursor"], "1");

    let fault = Fault::new(FaultAction::status(503)).operation("create").times(2);
    put(&double, reqwest::Method::POST, "/_mock/faults", &fault).await;
    assert_eq!(double.create("a", "x").await.status, 503);
    assert_eq!(double.get("/_mock/faults").await.body, json!([fault.times(1)]));
    put(&double, reqwest::Method::DELETE, "/_mock/faults", &Value::Null).await;
    assert_eq!(double.create("a", "x").await.status, 200);

    double.api().order(Fault::new(FaultAction::Hang).path("h"));
    let hanging = tokio::spawn(double.request(&Save::new("delete", "h")).send());
    double.wait_for_calls(|calls| calls.iter().any(|call| call.state == CallState::Hanging)).await;
    put(&double, reqwest::Method::POST, "/_mock/release", &Value::Null).await;
    assert!(hanging.await.expect("no panic").is_err());
}

#[tokio::test]
async fn the_call_log_can_be_switched_off() {
    let double = double_with(Options { recorded_calls: 0, ..Options::default() }).await;
    double.create("a", "x").await;
    assert_eq!((double.api().calls(), double.api().effects().of("a", "create")), (vec![], 1));
}

#[tokio::test]
async fn the_router_serves_under_another_server_as_well() {
    let api = mock_api::MockApi::new(Options::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let router = api.router();
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    api.order(Fault::new(FaultAction::Reset));
    assert!(http.get(&url).send().await.is_err());
    assert_eq!(http.get(&url).send().await.expect("an answer").status(), 200);
    serving.abort();
}
