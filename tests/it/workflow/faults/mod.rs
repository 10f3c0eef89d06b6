//! Every fault that the doubles offer, with a run during it and the runs after it. `docs/faults.md` is the resulting table.

mod at_the_file_manager;
mod at_the_store;
mod bodies;
mod case;

use case::{Case, Line};
use futures::stream::{self, StreamExt as _};
use std::path::Path;

/// Concurrent cases: most of a case's time is waiting for a deadline.
const AT_A_TIME: usize = 8;

const INTRODUCTION: &str = "\
<!-- Written by a test from what it measured: `UPDATE_DOCS=1 cargo test -p s3-sync --test it faults_page`. -->

# What happens when something breaks

A bucket contains three objects: `a`, `m` and `z`. The fault strikes the create, update or delete of `m`, or the listing; everything
else works. The workflow handles one object at a time and makes at most three attempts per call, so that each line is the same every
time. A test measured every line: an S3 server and a file manager over HTTP, with ordered faults, and the real workflow between them.

- **Calls** counts how often the run made the struck call, **effects** what the file manager did about `m`.
- **Left** is what the state keeps for later: *parked* with its next attempt, *due*, or *skipped*.
- **Reported** is what the summary and the report say, with the hint. \"–\": nothing was reported.
- **Next run** runs without the fault. It always ends in success, with the bucket's own bytes in the file manager, and the run after
  it sends nothing. The test checks this in every line, and these:
  - no `Idempotency-Key` ever has its effect twice;
  - the file manager holds a whole content of `m` that the bucket held, or nothing;
  - `a` and `z` arrive although `m` does not, unless an endpoint is unreachable for all.
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "the switch that writes the page is for people who work on it, and no setting")]
async fn the_committed_faults_page_is_what_happens() {
    let at_the_file_manager = measured(at_the_file_manager::cases()).await;
    let at_the_store = measured(at_the_store::cases()).await;
    let (at_the_file_manager, at_the_store, answers) = (table(&at_the_file_manager), table(&at_the_store), crate::answers::section());
    let page = format!("{INTRODUCTION}\n## At the file manager\n\n{at_the_file_manager}\n## At the store\n\n{at_the_store}{answers}");
    println!("{page}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("the page can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let other: Vec<_> = page.lines().filter(|line| !committed.lines().any(|known| known == *line)).collect();
    assert!(
        committed == page,
        "docs/faults.md says otherwise; if this is right, write it again with: \
         UPDATE_DOCS=1 cargo test -p s3-sync --test it faults_page\n{}",
        other.join("\n")
    );
}

async fn measured(cases: Vec<Case>) -> Vec<Line> {
    stream::iter(cases)
        .map(|case| tokio::spawn(case.measure()))
        .buffered(AT_A_TIME)
        .map(|line| line.expect("a case that holds"))
        .collect()
        .await
}

fn table(lines: &[Line]) -> String {
    let head = ["Fault", "Calls", "Effects", "`m` in the file manager", "`a`, `z`", "Left", "The run", "Reported", "Next run"];
    let mut rows = vec![head.map(str::to_owned), head.map(|_| "---".to_owned())];
    rows.extend(lines.iter().map(Line::cells));
    let rows: Vec<_> = rows.iter().map(|cells| format!("| {} |\n", cells.join(" | "))).collect();
    rows.concat()
}
