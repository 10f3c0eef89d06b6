//! One large object in bounded memory. For 3 GiB, moto itself needs about 6.5 GiB of memory, and 3 GiB of disk.

use super::objects::{BUCKET, Objects};
use super::server::Moto;
use super::sync::{Sync, ended};
use futures::{TryStreamExt, stream};
use mock_api::{CallName, CallState, Fault, FaultAction, MockApi};
use sha2::{Digest, Sha256};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

/// An unoptimised build needs more than a release, whose memory is in `docs/performance.md`.
const RESIDENT_KIB_MOST: u64 = 128 << 10;

#[tokio::test]
async fn a_large_object_passes_in_bounded_memory() {
    let bytes = crate::amount("LARGE_GIB", 1) << 30;
    let moto = Moto::start().await;
    Objects::create(&moto).await;
    let sha256 = put(&moto, "large.bin", bytes).await;
    let file_manager = MockApi::new(mock_api::Options::default()).start("127.0.0.1:0").await.expect("a free port");
    // The run hangs at its last call, so that its peak memory can be read.
    file_manager.api().order(Fault::new(FaultAction::Hang).call(CallName::ReportResults));
    let sync = Sync::new(&moto.endpoint, &file_manager)
        .with("EVENTS_API_URL", file_manager.url())
        // moto reads the whole object before its response begins.
        .with("CUSTOMER_S3_TIMEOUT", "120");
    let run = sync.start(&["initial-sync"]);
    let process = run.id().expect("it runs");
    let ending = tokio::spawn(ended(run));
    let held = |calls: &[mock_api::Call]| calls.iter().any(|call| call.state == CallState::Hanging);
    tokio::time::timeout(super::sync::LONGEST_RUN, file_manager.api().wait_for_calls(held)).await.expect("the run comes to its report");
    let peak = peak_resident_kib(process);
    file_manager.api().release_hanging();
    let run = ending.await.expect("the run ends");

    assert_eq!(run.code, Some(0), "{}", run.output());
    let file = &file_manager.api().files()["large.bin"];
    assert_eq!((file.size, &file.sha256), (bytes, &sha256));
    assert_eq!(file_manager.api().reports()[0]["unverified"], 0, "the bytes were compared with what moto vouches for");
    println!("s3-sync passed {bytes} bytes on with {peak} KiB resident at its peak");
    assert!(peak < RESIDENT_KIB_MOST, "{peak} KiB resident at the peak");
}

/// Streams a generated body in a plain request, because the SDK would read it twice. Returns its SHA-256.
async fn put(moto: &Moto, key: &str, bytes: u64) -> String {
    let hash = Arc::new(Mutex::new(Sha256::new()));
    let body = stream::iter(mock_s3::generated(bytes, 7).map(Ok::<_, Infallible>)).inspect_ok({
        let hash = hash.clone();
        move |chunk| hash.lock().expect("no test panics").update(chunk)
    });
    let request = reqwest::Client::new()
        .put(format!("{}/{BUCKET}/{key}", moto.endpoint))
        // moto needs the service that the request was signed for, and checks nothing else.
        .header("Authorization", "AWS4-HMAC-SHA256 Credential=owner/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=any")
        .header("Content-Length", bytes)
        .body(reqwest::Body::wrap_stream(body));
    request.send().await.and_then(reqwest::Response::error_for_status).expect("moto stores it");
    let digest = hash.lock().expect("no test panics").clone().finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

fn peak_resident_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("Linux tells about its processes");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the process lives");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
