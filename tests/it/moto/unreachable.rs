//! A missing bucket, or no server: the run reports it with a hint and sends nothing.

use super::server::Moto;
use super::sync::{Sync, calls_about_files, file_manager};
use tokio::net::TcpSocket;

#[tokio::test]
async fn a_run_reports_a_missing_bucket_and_sends_nothing() {
    let (moto, file_manager) = (Moto::start().await, file_manager().await);
    let run = Sync::new(&moto.endpoint, &file_manager).run(&["initial-sync"]).await;
    assert_eq!(run.code, Some(1), "{}", run.output());
    run.assert_prints("ListObjectsV2 the-bucket: NoSuchBucket");
    run.assert_prints("create the bucket, or correct CUSTOMER_S3_BUCKET");
    assert_eq!(calls_about_files(&file_manager), 0);
}

#[tokio::test]
async fn a_run_reports_an_unreachable_server_within_its_attempts_and_sends_nothing() {
    let file_manager = file_manager().await;
    // A port that we own and on which no server listens.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let endpoint = format!("http://{}", socket.local_addr().expect("it is bound"));
    let run = Sync::new(&endpoint, &file_manager).run(&["initial-sync"]).await;
    assert_eq!(run.code, Some(1), "{}", run.output());
    run.assert_prints("Connection refused");
    run.assert_prints("check CUSTOMER_S3_ENDPOINT and that the store is running");
    assert_eq!(calls_about_files(&file_manager), 0);
}
