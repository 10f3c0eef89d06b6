//! A server that is slow, silent, or stalls within a body: the run ends and reports it.

use super::objects::Objects;
use super::proxy::{Manner, Proxy};
use super::server::Moto;
use super::sync::{Sync, calls_about_files, file_manager, held};
use std::collections::BTreeMap;
use std::time::Duration;

/// The hint for a silent server.
const HINT: &str = "the store responds too slowly, or the network drops packets";

fn bodies() -> BTreeMap<String, Vec<u8>> {
    ["a", "b", "still"].map(|key| (key.to_owned(), key.repeat(100_000).into_bytes())).into()
}

#[tokio::test]
async fn a_run_waits_for_a_slow_server() {
    let (moto, file_manager) = (Moto::start().await, file_manager().await);
    Objects::create(&moto).await.put_all(&bodies()).await;
    let proxy = Proxy::open(&moto.endpoint, Manner::Slow(Duration::from_secs(2))).await;
    Sync::new(&proxy.endpoint, &file_manager).done().await;
    assert!(held(&file_manager) == bodies());
}

#[tokio::test]
async fn a_run_gives_up_on_a_silent_server_and_sends_nothing() {
    let (moto, file_manager) = (Moto::start().await, file_manager().await);
    Objects::create(&moto).await.put_all(&bodies()).await;
    let proxy = Proxy::open(&moto.endpoint, Manner::Passing).await;
    let sync = Sync::new(&proxy.endpoint, &file_manager).with("CUSTOMER_S3_TIMEOUT", "1").with("RETRY_ATTEMPTS", "2");
    for (manner, words) in [
        (Manner::Silent, "timeout occurred after 1s"),
        // Which limit applies first, that of the pause or of the whole call, depends on milliseconds.
        (Manner::StandingStill { first_line_holds: "list-type=2", after_bytes: 500 }, HINT),
    ] {
        proxy.behave(manner);
        let run = sync.run(&["initial-sync"]).await;
        assert_eq!(run.code, Some(1), "{}", run.output());
        run.assert_prints("stopped: ListObjectsV2 the-bucket: ");
        run.assert_prints(words);
        run.assert_prints(HINT);
        assert_eq!(calls_about_files(&file_manager), 0);
    }
    proxy.behave(Manner::Passing);
    sync.done().await;
    assert!(held(&file_manager) == bodies());
}

#[tokio::test]
async fn an_object_whose_body_stalls_fails_alone_and_the_next_run_sends_it() {
    let (moto, file_manager) = (Moto::start().await, file_manager().await);
    let mut bodies = bodies();
    Objects::create(&moto).await.put_all(&bodies).await;
    let manner = Manner::StandingStill { first_line_holds: "/the-bucket/still", after_bytes: 50_000 };
    let proxy = Proxy::open(&moto.endpoint, manner).await;
    let sync = Sync::new(&proxy.endpoint, &file_manager).with("CUSTOMER_S3_TIMEOUT", "1").with("RETRY_ATTEMPTS", "2");
    let run = sync.run(&["initial-sync"]).await;
    assert_eq!(run.code, Some(3), "{}", run.output());
    run.assert_prints("failed    1 s3_timeout, for example GetObject still: ");
    run.assert_prints(HINT);
    let still = bodies.remove("still").expect("it is one of them");
    assert!(held(&file_manager) == bodies, "the others are there, and of that one nothing is");

    proxy.behave(Manner::Passing);
    sync.done().await;
    bodies.insert("still".to_owned(), still);
    assert!(held(&file_manager) == bodies);
}
