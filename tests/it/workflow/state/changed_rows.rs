//! Snapshots of only the due rows represent all rows: the diff of their two CSV files equals that of the two full ones, less the
//! waiting paths. And the plan of the pending paths equals that diff, for content and permissions.

mod history;
mod step;

use crate::workflow::scene::key;
use history::History;
use proptest::collection::vec;
use proptest::prelude::*;
use s3_sync::diff::{self, Difference};
use s3_sync::plan::{self, Effect, PermissionSupport, Policy, Renames, Verdict};
use s3_sync::record::{FileRecord, FileRow, ObjectKey, SinkName};
use s3_sync::snapshot::{SnapshotReader, SnapshotWriter};
use s3_sync::state::{SinkSide, SinkState, State, Views};
use s3_sync::workflow::ExportError;
use std::collections::BTreeMap;
use std::io::Cursor;
use step::step;

/// Larger objects are skipped.
const POLICY: Policy = Policy { max_file_bytes: Some(step::LARGEST), permissions: PermissionSupport::SetAndAsk, renames: Renames::Any };

/// The rows of a snapshot.
#[derive(Clone, Copy)]
enum Rows {
    All,
    Due,
}

/// One side as CSV.
fn csv(state: &State, side: SinkSide, rows: Rows) -> Vec<u8> {
    let mut writer = SnapshotWriter::new(Vec::new(), "in memory");
    let sink = SinkName::file_manager();
    let push = |row: FileRow<'_>| -> Result<(), ExportError> { Ok(writer.push(row)?) };
    let visited = match rows {
        Rows::All => Views::open(state.path()).snapshot_rows((&sink, side), push),
        Rows::Due => Views::open(state.path()).due_snapshot_rows((&sink, side), push),
    };
    visited.expect("a state that can be read");
    writer.finish().expect("written")
}

/// The diff of both CSV files.
fn differences(state: &State, rows: Rows) -> Vec<Difference> {
    let [old, new] = [SinkSide::Applied, SinkSide::Known].map(|side| csv(state, side, rows));
    let read = |file| SnapshotReader::new(Cursor::new(file), "in memory").expect("it has a header");
    diff::diff(read(old), read(new)).collect::<Result<_, _>>().expect("rows in order")
}

/// The verdict for each pending path, due or not.
async fn verdicts(sink: &SinkState) -> BTreeMap<ObjectKey, Verdict> {
    let mut verdicts = BTreeMap::new();
    for path in step::PATHS.map(key) {
        if let Some(work) = sink.work_item(&path).await.expect("read") {
            verdicts.insert(path.clone(), plan::decide(&path, &work.path_state, POLICY));
        }
    }
    verdicts
}

/// True if a verdict covers the whole difference: content, and permissions if both are sent together.
fn carries_out(verdict: &Verdict, difference: &Difference) -> bool {
    let right_content = |planned: &plan::Planned, new: &FileRecord| planned.content.is_none() || planned.content == new.fingerprint();
    match (verdict, difference) {
        // The listing had no ETag, so the key is looked up first, whatever differs.
        (Verdict::Look, Difference::Changed { .. }) | (Verdict::Skip(_), Difference::Added(_)) => true,
        (Verdict::TooLarge, Difference::Changed { content, .. }) => *content,
        (Verdict::Do(planned), Difference::Added(new)) => {
            planned.effect == Effect::Create && right_content(planned, new) && planned.permissions == new.permissions
        }
        (Verdict::Do(planned), Difference::Removed(_)) => planned.effect == Effect::Delete,
        (Verdict::Do(planned), Difference::Changed { old, new, content: false, .. }) => {
            planned.effect == Effect::SetPermissions && planned.permissions == new.permissions.differing_from(&old.permissions)
        }
        // New permissions of a known file are sent after its new content.
        (Verdict::Do(planned), Difference::Changed { new, content: true, .. }) => {
            planned.effect == Effect::Update && right_content(planned, new)
        }
        (Verdict::Confirm(planned), Difference::Changed { new, content: true, .. }) => {
            right_content(planned, new) && planned.permissions == new.permissions
        }
        _ => false,
    }
}

/// If nothing waits, the due paths are all pending paths.
async fn compare_when_released(state: &State, sink: &SinkState) -> Result<(), TestCaseError> {
    sink.pending_unpark_all().await.expect("stored");
    sink.deletes_release().await.expect("stored");
    prop_assert_eq!(differences(state, Rows::Due), differences(state, Rows::All), "the rows that are due against all rows");
    Ok(())
}

async fn compare(state: &State, sink: &SinkState) -> Result<(), TestCaseError> {
    let differences_of_all = differences(state, Rows::All);
    for difference in differences(state, Rows::Due) {
        prop_assert!(differences_of_all.contains(&difference), "due, and not different: {difference:?}");
    }
    let mut verdicts = verdicts(sink).await;
    for difference in &differences_of_all {
        let verdict = verdicts.remove(difference.key());
        prop_assert!(
            verdict.as_ref().is_some_and(|verdict| carries_out(verdict, difference)),
            "planned: {verdict:?}, different: {difference:?}"
        );
    }
    // A snapshot cannot show a lookup that completes an observation, nor a path that waits for an answer.
    verdicts.retain(|_, verdict| !matches!(verdict, Verdict::Nothing | Verdict::Look));
    prop_assert_eq!(verdicts, BTreeMap::new(), "planned, and nothing differs");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn snapshots_of_due_rows_have_the_diff_of_full_snapshots(steps in vec(step(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut history = History::begin().await;
            for step in steps {
                history.take(step).await;
                compare(&history.state, &history.sink).await?;
            }
            compare_when_released(&history.state, &history.sink).await?;
            Ok::<_, TestCaseError>(())
        })?;
    }
}
