//! One test for each bug that was found and fixed, with its story in a line.

use crate::crash::{Scene, key};
use mock_api::{Call, CallState, FaultAction};
use mock_s3::MockS3;

fn pages_read(bucket: &MockS3) -> usize {
    bucket.requests().iter().filter(|request| request.operation == "ListObjectsV2").count()
}

/// A run that ended by a signal after its last page was followed by one that read all pages again, because the checkpoint of
/// a listing that had ended looked like one that had not begun.
#[tokio::test]
async fn an_ended_listing_is_not_read_again_because_its_run_was_ended() {
    const PAGED: [(&str, &str); 1] = [("LIST_PAGE_KEYS", "10")];
    for signal in ["KILL", "TERM"] {
        let scene = Scene::with_objects(30).await;
        // The last object of the last page: when it is sent, every page is stored.
        scene.file_manager().order(mock_api::Fault::new(FaultAction::Hang).operation("create").path(&key(29)));
        let mut process = scene.start(&["initial-sync"], &[PAGED[0], ("SHUTDOWN_TIMEOUT", "1")]);
        let hangs = |calls: &[Call]| calls.iter().any(|call| call.state == CallState::Hanging);
        process.lives_until("the last create hangs", scene.file_manager().wait_for_calls(hangs)).await;
        process.signal(signal).await;
        process.end().await;
        assert_eq!(pages_read(scene.bucket()), 3, "{signal}");

        let resumed = scene.start(&["initial-sync"], &PAGED).end().await;
        assert_eq!(resumed.code, Some(0), "{signal}: {}", resumed.stderr);
        assert_eq!(pages_read(scene.bucket()), 3, "{signal}: nothing is read again");
        assert_eq!(scene.file_manager().effects().total, 30, "{signal}");

        let next = scene.start(&["initial-sync"], &PAGED).end().await;
        assert_eq!(next.code, Some(0), "{signal}: {}", next.stderr);
        assert_eq!(pages_read(scene.bucket()), 6, "{signal}: a run that ended by itself has used its listing up");
    }
}
