//! The receipt of an event relative to observations: its effect after a restart, and on a file that is found gone.

use super::inbox_tests::{Bed, answer, at, event, reported};
use super::*;
use crate::record::{Event, EventKind, FileRecord, ObjectFacts, Permissions};

/// A receipt stores the number of the newest observation, which itself may never be stored. After a restart another observation
/// got the same number, and if it found the file gone, it did not clear what had been received before.
#[tokio::test]
async fn the_observation_number_of_a_receipt_is_not_reused_after_a_restart() {
    let bed = Bed::new().await;
    let never_stored = [bed.state.source().observation_next(), bed.state.source().observation_next()][1];
    bed.state.inbox().receive(vec![reported("a")], at(0)).await.expect("stored");
    bed.read(answer("b"), at(0)).await;
    let bed = bed.reopened().await;
    let rows = bed.state.inbox().events_batch(0, 10).await.expect("read");
    assert_eq!(rows.iter().map(|row| row.newest_observation).collect::<Vec<_>>(), [never_stored; 2]);
    assert!(bed.state.source().observation_next() > never_stored);
}

/// If a listing found a file gone while an event about it waited in the inbox, the event counted as received after the delete,
/// and the next file got its permissions.
#[tokio::test]
async fn permissions_received_before_a_file_was_found_gone_are_dropped_with_it() {
    for (before, expected) in [(true, None), (false, Some("rw"))] {
        let bed = Bed::new().await;
        let path = event("a").path;
        let facts = ObjectFacts { size: 3, etag: None, last_modified: None, storage_class: None, version_id: None };
        let observe = async |facts: Option<&ObjectFacts>| {
            let observation = Observation { path: path.clone(), facts: facts.cloned(), seq: bed.state.source().observation_next() };
            bed.state.source().observations_record(vec![observation]).await.expect("stored");
        };
        observe(Some(&facts)).await;
        bed.sink.applied_record(FileRecord { size: Some(3), ..FileRecord::at(path.clone()) }, Attempts::default()).await.expect("stored");
        let permissions = Permissions { permissions: Some("rw".to_owned()), ..Permissions::default() };
        let outcome = Ok(Event { kind: EventKind::ChangePermission, permissions, ..event("a") });
        let batch = vec![Received { source: EventChannel::Webhook, outcome }];
        if before {
            bed.state.inbox().receive(batch.clone(), at(0)).await.expect("stored");
        }
        observe(None).await;
        bed.sink.deleted_record(&path, Attempts::default()).await.expect("stored");
        if !before {
            bed.state.inbox().receive(batch, at(0)).await.expect("stored");
        }
        let rows = bed.state.inbox().events_batch(0, 10).await.expect("read");
        let observations = vec![Observation { path: path.clone(), facts: None, seq: bed.state.source().observation_next() }];
        bed.state.source().replay(Replay { rows, observations, ..Replay::default() }).await.expect("stored");
        observe(Some(&facts)).await;
        let work = bed.sink.work_item(&path).await.expect("read").expect("it is to be created");
        assert_eq!(work.path_state.wanted.permissions.as_deref(), expected, "received before it was found gone: {before}");
    }
}
