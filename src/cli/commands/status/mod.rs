//! `status`: prints the counts of the state, the reachability of the endpoints, and the daemon's status. It may run while another process
//! writes the state.

mod text;

use crate::app::outcome::state_refusal;
use crate::app::{ExitCode, connectivity, endpoints, sinks};
use crate::cli::failure::fail;
use crate::cli::{Output, daemon_client};
use crate::config::Settings;
use crate::daemon::{Health, ServiceStatus};
use crate::record::SinkName;
use crate::report::Report;
use crate::state::{self, Holder, Overview, RunRow, SinkOverview, StateError, Views, WaitingPaths};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;

/// The printed document. First the keys of the contract, then additions of this program, marked "ours".
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the contract's names")]
struct Status {
    /// `healthy`, `degraded` or `error`.
    service_status: Health,
    /// The number of applied rows: files that the main sink has or may have.
    database_records: u64,
    database_path: String,
    customer_bucket: Option<String>,
    api_endpoints: ApiEndpoints,
    /// Ours: the problems, one sentence each.
    problems: Vec<String>,
    /// Ours: the run that completed the initial sync.
    initial_sync_completed_by_run: Option<u64>,
    /// Ours: the pending work, by reason.
    pending: Vec<PendingLine>,
    /// Ours: each sink, by its name. The keys of this level describe the main sink only: the file manager, or, if there is none, the sink
    /// that was added first.
    sinks: BTreeMap<SinkName, SinkStatus>,
    /// Ours: the number of deletes that the guard holds.
    deletes_held: u64,
    /// Ours: how many of the `database_records` are unconfirmed.
    unconfirmed: u64,
    /// Ours: the number of events that no run has consumed yet.
    inbox: u64,
    /// Ours: the number of dead letters.
    dead_letters: u64,
    /// Ours: the time since which events may have been missed; `null` = none were, or a listing has completed since.
    feed_gap: Option<String>,
    /// Ours: the last reconcile that ended.
    last_reconcile: Option<LastReconcile>,
    /// Ours: the number of open intents: effects without an outcome.
    open_intents: u64,
    /// Ours: the last runs, newest first.
    runs: Vec<RunLine>,
    /// Ours: the process that has locked the state.
    in_use_by: Option<Holder>,
    /// Ours: the time of the daemon's next scheduled run.
    next_run: Option<Timestamp>,
    /// Ours: the running daemon.
    daemon: Option<ServiceStatus>,
    /// The sink that the keys of this level describe.
    #[serde(skip)]
    main_sink: Option<SinkName>,
    /// The sinks that the settings name: the name of each endpoint, and its address.
    #[serde(skip)]
    configured_sinks: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct ApiEndpoints {
    mock_api: Option<String>,
    file_manager: Option<String>,
}

/// The status of one sink.
#[derive(Debug, Serialize)]
struct SinkStatus {
    records: u64,
    unconfirmed: u64,
    deletes_held: u64,
    outside_prefix: u64,
    open_intents: u64,
    pending: Vec<PendingLine>,
}

#[derive(Debug, Serialize)]
struct PendingLine {
    /// `due`, `parked`, `skipped` or `held`.
    status: String,
    deletion: bool,
    reason: Option<String>,
    paths: u64,
    /// One of the keys, escaped for display.
    example: Option<String>,
    message: Option<String>,
    next_attempt: Option<String>,
}

#[derive(Debug, Serialize)]
struct LastReconcile {
    run: u64,
    ended_at: Option<String>,
    outcome: Option<String>,
}

#[derive(Debug, Serialize)]
struct RunLine {
    run: u64,
    kind: String,
    started_at: Option<String>,
    ended_at: Option<String>,
    /// `done`, `partial`, `failed`, `stopped`; `null` = running, or killed.
    outcome: Option<String>,
    /// The run's report.
    report: Option<serde_json::Value>,
}

/// Runs the command. The exit code is 0 if the state can be read, also if there are problems.
pub(crate) async fn run<W: Write>(settings: &Settings, output: &mut Output<W>) -> ExitCode {
    let status = match status(settings).await {
        Ok(status) => status,
        Err(error) => {
            let (code, message) = state_refusal(error, &settings.database_path);
            return fail(code, message);
        }
    };
    match output.print(&status) {
        Ok(()) => ExitCode::Done,
        Err(error) => fail(ExitCode::Failed, format!("the result cannot be printed: {error}")),
    }
}

async fn status(settings: &Settings) -> Result<Status, StateError> {
    let mut problems = Vec::new();
    // Read before the database, so that a run that begins meanwhile does not make the database look older than its lock file.
    let last_run = state::last_run(&settings.database_path);
    let (overview, last_reconcile) = if settings.database_path.exists() {
        (Views::open(&settings.database_path).overview().await?, Views::open(&settings.database_path).last_reconcile().await?)
    } else {
        problems.push(format!("there is no database at {} yet: run initial-sync", settings.database_path.display()));
        (Overview::default(), None)
    };
    let in_use_by = state::holder(&settings.database_path);
    let daemon = match &in_use_by {
        Some(holder) if holder.command == daemon_client::DAEMON => match daemon_client::status(&settings.database_path).await {
            Ok(daemon) => Some(daemon),
            Err(error) => {
                problems.push(format!("{holder} holds the state, and its control socket does not answer: {error}"));
                None
            }
        },
        _ => None,
    };
    let endpoints = connectivity::all(settings).await;
    problems.extend(endpoints.iter().filter_map(connectivity::CheckResult::problem));
    problems.extend(endpoints::identity_conflict(settings).await);
    problems.extend(daemon.iter().flat_map(|daemon| daemon.problems.iter().map(|problem| format!("daemon: {problem}"))));
    problems.extend(problems_of_state(&overview, last_run, in_use_by.as_ref()));
    let main = overview.main_sink();
    let main_sink = main.map(|sink| sink.name.clone());
    let own = match (connectivity::no_run_is_possible(&endpoints), problems.is_empty()) {
        (true, _) => Health::Error,
        (false, false) => Health::Degraded,
        (false, true) => Health::Healthy,
    };
    Ok(Status {
        service_status: daemon.as_ref().map_or(own, |daemon| daemon.health.max(own)),
        database_records: main.map_or(0, |sink| sink.applied_rows),
        database_path: settings.database_path.display().to_string(),
        customer_bucket: settings.source.bucket.clone(),
        api_endpoints: ApiEndpoints {
            mock_api: settings.events_url.as_ref().map(|url| connectivity::address(url).to_owned()),
            file_manager: settings.file_manager_url.as_ref().map(|url| connectivity::address(url).to_owned()),
        },
        problems,
        initial_sync_completed_by_run: overview.initial_completed_by,
        deletes_held: main.map_or(0, |sink| sink.paths("held")),
        unconfirmed: main.map_or(0, |sink| sink.unconfirmed_rows),
        inbox: overview.inbox,
        dead_letters: overview.dead_letters,
        feed_gap: overview.feed_gap.map(|since| since.to_string()),
        last_reconcile: last_reconcile.map(LastReconcile::from),
        open_intents: main.map_or(0, |sink| sink.open_intents),
        pending: main.into_iter().flat_map(|sink| sink.waiting.clone()).map(PendingLine::from).collect(),
        sinks: overview.sinks.iter().map(|sink| (sink.name.clone(), SinkStatus::from(sink))).collect(),
        runs: overview.runs.into_iter().map(RunLine::from).collect(),
        next_run: daemon.as_ref().and_then(|daemon| daemon.next_run),
        in_use_by,
        daemon,
        main_sink,
        configured_sinks: sinks::configured(settings).map(|kind| (kind.endpoint(), kind.address(settings))).collect(),
    })
}

/// The problems that the state shows. Skips are not problems.
fn problems_of_state(overview: &Overview, last_run: u64, holder: Option<&Holder>) -> Vec<String> {
    let mut problems_of_state = Vec::new();
    if overview.runs.first().is_some_and(|run| run.number < last_run) {
        let older = format!("the database is older than run {last_run}, which its lock file remembers");
        problems_of_state.push(format!("{older}: the next sync takes it for a restored backup, and confirms every file anew"));
    }
    let under_way = overview.runs.first().is_some_and(|run| is_under_way(run, holder));
    if overview.initial_completed_by.is_none() && !overview.runs.is_empty() {
        problems_of_state.push("the initial sync has not come to its end yet".to_owned());
    }
    problems_of_state.extend(overview.runs.first().filter(|_| !under_way).and_then(problem_of_run));
    let held = overview.paths("held");
    if held > 0 {
        problems_of_state.push(format!("deletes that the guard holds: {held} (--allow-deletes {held} sends them, with any sync)"));
    }
    let gap = overview.feed_gap.map(|since| format!("events may have been missed since {since}: a reconcile finds what they were about"));
    problems_of_state.extend(gap);
    problems_of_state.extend(Report::dead_letters_problem(overview.dead_letters, overview.dead_letter_example.as_deref()));
    if overview.dead_letters_evicted > 0 {
        let removed = overview.dead_letters_evicted;
        problems_of_state.push(format!("dead letters that were removed because there were too many: {removed} (decide about the others)"));
    }
    for (status, what) in [("parked", "failed and wait for their next attempt"), ("due", "are still to be done")] {
        let paths = overview.paths(status);
        if paths > 0 && !(under_way && status == "due") {
            problems_of_state.push(format!("operations that {what}: {paths}"));
        }
    }
    problems_of_state
}

/// True if a run without an end is still active: the process that holds the lock has held it since before the run began.
fn is_under_way(run: &RunRow, holder: Option<&Holder>) -> bool {
    let since = holder.and_then(|holder| holder.since.parse::<Timestamp>().ok());
    run.outcome.is_none() && since.zip(run.started_at).is_some_and(|(since, started_at)| since <= started_at)
}

fn problem_of_run(run: &RunRow) -> Option<String> {
    let number = run.number;
    let refused = || Some(serde_json::from_str::<serde_json::Value>(run.summary.as_deref()?).ok()?["report_refused"].as_str()?.to_owned());
    Some(match run.outcome.as_deref() {
        None => format!("run {number} was killed: the next one goes on where it was"),
        Some("done") => return None,
        Some("partial") => match refused() {
            Some(words) => format!("run {number} could not post its report: {words}"),
            None => format!("run {number} left something undone"),
        },
        Some("stopped") => format!("run {number} was stopped by a signal: the next one goes on where it was"),
        Some(_) => format!("run {number} failed: an endpoint was unreachable"),
    })
}

impl From<&SinkOverview> for SinkStatus {
    fn from(sink: &SinkOverview) -> Self {
        Self {
            records: sink.applied_rows,
            unconfirmed: sink.unconfirmed_rows,
            deletes_held: sink.paths("held"),
            outside_prefix: sink.outside_prefix,
            open_intents: sink.open_intents,
            pending: sink.waiting.iter().cloned().map(PendingLine::from).collect(),
        }
    }
}

impl From<WaitingPaths> for PendingLine {
    fn from(waiting: WaitingPaths) -> Self {
        let WaitingPaths { status, deletion, reason, paths, skipped_before: _, example, message, next_attempt } = waiting;
        Self {
            status,
            deletion,
            reason,
            paths,
            message,
            example: example.map(|key| key.to_string()),
            next_attempt: next_attempt.map(|time| time.to_string()),
        }
    }
}

impl From<RunRow> for LastReconcile {
    fn from(RunRow { number, ended_at, outcome, .. }: RunRow) -> Self {
        Self { run: number, ended_at: ended_at.map(|time| time.to_string()), outcome }
    }
}

impl From<RunRow> for RunLine {
    fn from(run: RunRow) -> Self {
        let RunRow { number, kind, started_at, ended_at, outcome, summary } = run;
        Self {
            run: number,
            kind,
            outcome,
            started_at: started_at.map(|time| time.to_string()),
            ended_at: ended_at.map(|time| time.to_string()),
            report: summary.and_then(|text| serde_json::from_str(&text).ok()),
        }
    }
}
