//! Each ordered fault: what the client gets, whether there was an effect, and what a retry with the same key gets.

use crate::client::{Save, double, head, multipart_create, rest, send};
use mock_api::{CallName, CallState, Fault, FaultAction};
use serde_json::json;

/// The responses that a client with a key gets for a create, and for the same create sent again.
#[derive(Debug, PartialEq)]
enum Seen {
    Status(u16),
    Replayed(u16),
    NoAnswer,
}

#[tokio::test]
async fn each_fault_is_seen_as_ordered_and_the_second_try_gets_the_real_response() {
    let body = Some("garbage".to_owned());
    let rows = [
        (FaultAction::status(503), Seen::Status(503), 0, Seen::Status(200)),
        (FaultAction::status(404), Seen::Status(404), 0, Seen::Status(200)),
        (FaultAction::Delay { millis: 1 }, Seen::Status(200), 1, Seen::Replayed(200)),
        (FaultAction::SlowRead { pause_millis: 1 }, Seen::Status(200), 1, Seen::Replayed(200)),
        (FaultAction::Reset, Seen::NoAnswer, 0, Seen::Status(200)),
        (FaultAction::EffectThenReset, Seen::NoAnswer, 1, Seen::Replayed(200)),
        (FaultAction::effect_then_status(500), Seen::Status(500), 1, Seen::Replayed(200)),
        (FaultAction::EffectThenAnswer { status: 200, retry_after_secs: None, body }, Seen::Status(200), 1, Seen::Replayed(200)),
    ];
    for (action, first, effects, second) in rows {
        let double = double().await;
        double.api().order(Fault::new(action.clone()));
        let save = Save::new("create", "a").with("size", "7").file(b"content").key("k");
        let seen = async || match double.request(&save).send().await {
            Ok(response) if response.headers().contains_key("idempotency-replayed") => Seen::Replayed(response.status().as_u16()),
            Ok(response) => Seen::Status(response.status().as_u16()),
            Err(_) => Seen::NoAnswer,
        };
        assert_eq!(seen().await, first, "{action:?}");
        assert_eq!(double.api().effects().total, effects, "{action:?}");
        assert_eq!(double.api().calls()[0].fault, Some(action.clone()));
        assert_eq!(seen().await, second, "{action:?}");
        assert_eq!(double.contents(), [("a".to_owned(), "content".to_owned())], "{action:?}");
    }
}

#[tokio::test]
async fn the_server_sends_an_ordered_response_verbatim() {
    let double = double().await;
    let body = Some("<html>busy</html>".to_owned());
    double.api().order(Fault::new(FaultAction::Answer { status: 429, retry_after_secs: Some(7), body }));
    let said = double.create("a", "x").await;
    assert_eq!((said.status, said.retry_after.as_deref(), &said.body), (429, Some("7"), &json!("<html>busy</html>")));
    double.api().order(Fault::new(FaultAction::status(500)));
    assert_eq!(double.create("a", "x").await.refusal(), (500, &json!("Ordered fault")));
}

#[tokio::test]
async fn a_reset_sends_not_one_byte() {
    for action in [FaultAction::Reset, FaultAction::EffectThenReset] {
        let double = double().await;
        double.api().order(Fault::new(action.clone()));
        let body = multipart_create("a", "content");
        let mut stream = double.connect().await;
        send(&mut stream, format!("{}{body}", head(body.len())).as_bytes()).await;
        assert_eq!(String::from_utf8_lossy(&rest(&mut stream).await), "", "{action:?}");
        assert_eq!(double.api().calls()[0].state, CallState::Unanswered);
    }
}

#[tokio::test]
async fn a_reset_does_not_wait_for_the_content() {
    let double = double().await;
    double.api().order(Fault::new(FaultAction::Reset));
    let body = multipart_create("a", "content");
    let until_content = body.find("content").expect("it is there");
    let mut stream = double.connect().await;
    send(&mut stream, format!("{}{}", head(body.len()), &body[..until_content]).as_bytes()).await;
    assert!(rest(&mut stream).await.is_empty());
}

#[tokio::test]
async fn a_hanging_call_gets_no_response_until_it_is_released() {
    for (action, effects) in [(FaultAction::Hang, 0), (FaultAction::EffectThenHang, 1)] {
        let double = double().await;
        double.api().order(Fault::new(action.clone()));
        let save = Save::new("create", "a").file(b"x").key("k");
        let hanging = tokio::spawn(double.request(&save).send());
        double.wait_for_calls(|calls| calls.iter().any(|call| call.state == CallState::Hanging)).await;
        assert_eq!(double.api().effects().total, effects, "{action:?}");
        let again = double.save(save).await;
        assert_eq!((again.status, again.replayed), (200, effects == 1), "the key is not held by what hangs: {action:?}");
        assert!(!hanging.is_finished());
        double.api().release_hanging();
        assert!(hanging.await.expect("no panic").is_err(), "{action:?}");
        assert_eq!(double.api().effects().total, 1);
    }
}

#[tokio::test]
async fn a_slow_client_still_reads_the_whole_response() {
    let double = double().await;
    double.api().order(Fault::new(FaultAction::SlowRead { pause_millis: 1 }));
    let large = "0123456789abcdef".repeat(64 * 1024);
    assert_eq!(double.create("a", &large).await.status, 200);
    assert!(double.contents()[0].1 == large);
}

#[tokio::test]
async fn a_fault_can_be_ordered_for_every_call_and_leaves_the_others_alone() {
    let double = double().await;
    for call in [CallName::Health, CallName::UpdatePermissions, CallName::SaveToDisk, CallName::PubSubFullList, CallName::ReportResults] {
        double.api().order(Fault::new(FaultAction::status(500)).call(call));
        let mut statuses = vec![];
        for _ in 0..2 {
            statuses.push([
                double.get("/").await.status,
                double.permissions(&[("file_path", "a")], None).await.status,
                double.create("a", "x").await.status,
                double.get("/pubSubFullList").await.status,
                double.report("{}").await.status,
            ]);
        }
        let place = statuses[0].iter().position(|status| *status == 500).expect("one was met");
        assert_eq!(double.api().calls().iter().rev().nth(9 - place).expect("ten calls").call, call);
        assert_eq!((statuses[0].iter().sum::<u16>(), statuses[1]), (4 * 200 + 500, [200; 5]), "{call:?}");
    }
}

#[tokio::test]
async fn an_order_waits_for_its_operation_and_path() {
    let double = double().await;
    double.api().order(Fault::new(FaultAction::status(503)).operation("create").path("b").skip(1).times(2));
    double.api().order(Fault::new(FaultAction::status(504)).call(CallName::UpdatePermissions).operation("set"));
    let mut statuses = vec![];
    for path in ["a", "b", "b", "a", "b", "b"] {
        statuses.push(double.create(path, "x").await.status);
    }
    assert_eq!(statuses, [200, 200, 503, 200, 503, 200]);
    assert_eq!(double.permissions(&[("file_path", "a")], None).await.status, 200);
    assert_eq!(double.permissions(&[("file_path", "a"), ("owner", "me")], None).await.status, 504);
    assert!(double.api().faults().is_empty());
    double.api().order(Fault::new(FaultAction::Reset).always());
    double.api().clear_faults();
    assert_eq!(double.create("a", "x").await.status, 200);
}

#[tokio::test]
async fn a_stopped_double_closes_every_connection_and_frees_the_port() {
    let double = double().await;
    double.api().order(Fault::new(FaultAction::Hang));
    let request = tokio::spawn(double.request(&Save::new("create", "a").file(b"x")).send());
    double.wait_for_calls(|calls| calls.iter().any(|call| call.state == CallState::Hanging)).await;
    let (api, address) = (double.api().clone(), double.running.address());
    double.running.stop().await;
    assert!(request.await.expect("no panic").is_err());
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    api.start(&address.to_string()).await.expect("the port is free, and the state goes on");
}
