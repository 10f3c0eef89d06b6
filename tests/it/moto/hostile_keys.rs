//! Hostile names: those that moto accepts are synced byte for byte, and none is printed raw.

use super::objects::Objects;
use super::server::Moto;
use super::sync::{Sync, file_manager, held};
use mock_api::{CallName, Fault, FaultAction};
use s3_sync::record::ObjectKey;
use std::collections::BTreeMap;

/// Names that moto refuses, with its status: its routes do not allow a line feed.
const REFUSED: [(&str, &str); 2] = [("x\n[INFO] forged line", "HTTP 404"), ("x\r\nSet-Cookie: a=b", "HTTP 404")];

/// Every name with a different body.
fn bodies() -> BTreeMap<String, Vec<u8>> {
    let names: Vec<String> = serde_json::from_str(include_str!("../../fixtures/hostile-keys.json")).expect("the fixture is JSON");
    names.into_iter().map(|name| (name.clone(), format!("the object {name:?}").into_bytes())).collect()
}

#[tokio::test]
async fn hostile_names_arrive_exactly_and_are_never_printed_raw() {
    let (moto, file_manager) = (Moto::start().await, file_manager().await);
    let mut bodies = bodies();
    let refused = Objects::create(&moto).await.try_put_all(&bodies).await;
    for (key, answer) in &refused {
        println!("moto refuses {key:?}: {answer}");
        bodies.remove(key);
    }
    let reasons: Vec<_> = refused.iter().map(|(key, answer)| (&**key, answer.split(':').next().unwrap_or_default())).collect();
    assert_eq!(reasons, REFUSED);

    let sync = Sync::new(&moto.endpoint, &file_manager).with("CONCURRENCY", "4");
    // Each name fails once with text output and once with JSON output, so that it is printed.
    file_manager.api().order(Fault::new(FaultAction::status(422)).call(CallName::SaveToDisk).always());
    let text = sync.run(&["initial-sync"]).await;
    assert_eq!(text.code, Some(3), "{}", text.output());
    for key in bodies.keys() {
        let key = ObjectKey::new(key.as_str()).expect("it is a key");
        assert!(text.stderr.contains(&format!("key={key} ")), "{key} is named:\n{}", text.stderr);
    }
    let json = sync.run(&["initial-sync", "--json", "--log-format", "json"]).await;
    assert_eq!(json.code, Some(3), "{}", json.output());
    assert_eq!(json.report()["statistics"]["files_failed"], bodies.len(), "{}", json.output());

    file_manager.api().clear_faults();
    let report = sync.done().await;
    assert_eq!(report["operations"]["create"], bodies.len(), "{report}");
    assert!(held(&file_manager) == bodies, "{:#?}", held(&file_manager).keys());
}
