//! The one thread that owns the connection: it runs all waiting jobs in one transaction, commits, and answers.
//!
//! A failed job is rolled back as a whole, so no statement needs to be rolled back alone. Statements that fire triggers say `OR
//! FAIL` instead of SQLite's default: for a statement that may abort half-way, SQLite keeps a statement journal, and at the end
//! of each statement walks the journal of the whole job, which may have thousands.

#[cfg(feature = "failpoints")]
use crate::state::database::direct_writer::DirectWriter;
use crate::state::database::ownership::Ownership;
use crate::state::database::wal::WalCheckpointer;
use crate::state::error::StateError;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Jobs that may wait. Beyond this, senders wait, too.
const QUEUE_JOBS: usize = 1024;
/// Most jobs in one commit, so that none waits long for its answer.
const GROUP_JOBS: usize = 512;

/// Time between the starts of two commits. A job that finds the thread idle is committed at once. Under load, a commit of few
/// jobs costs as much as one of many, and without this interval a fast disk would commit few at a time.
const COMMIT_INTERVAL: Duration = Duration::from_millis(1);

/// A job's second half: receives the commit's result and answers the sender.
type Answer = Box<dyn FnOnce(Result<(), StateError>) + Send>;
/// A job's first half: works in the transaction, or receives the error because of which there is none. Returns whether its changes may
/// be stored, and the second half.
type Job = Box<dyn FnOnce(Result<&Connection, StateError>) -> (bool, Answer) + Send>;

/// A handle on the thread. After it is dropped, the thread finishes the waiting jobs and ends.
pub(crate) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    /// The thread has ended because another process owns the state.
    fenced: Arc<AtomicBool>,
    /// Set in a simulation, which has no thread.
    #[cfg(feature = "failpoints")]
    in_place: Option<DirectWriter>,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(path: &Path, mut connection: Connection, mut ownership: Ownership) -> Result<Self, StateError> {
        let (jobs, queue) = mpsc::channel(QUEUE_JOBS);
        let log = WalCheckpointer::start(path, &mut connection)?;
        let fenced = Arc::new(AtomicBool::new(false));
        let is_fenced = fenced.clone();
        let thread = thread::Builder::new()
            .name("state-writer".to_owned())
            .spawn(move || {
                run((&mut connection, &mut ownership), queue, &is_fenced);
                log.end(&mut connection);
            })
            .map_err(|error| StateError::file(path, &error))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            fenced,
            #[cfg(feature = "failpoints")]
            in_place: None,
        })
    }

    /// Starts no thread.
    #[cfg(feature = "failpoints")]
    pub(crate) fn in_place(in_place: DirectWriter) -> Self {
        Self { jobs: None, thread: None, fenced: Arc::default(), in_place: Some(in_place) }
    }

    /// Runs `work` in a transaction that others may share; returns after the commit. If `work` fails, its changes are rolled
    /// back, and only those.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        #[cfg(feature = "failpoints")]
        if let Some(in_place) = &self.in_place {
            return in_place.call(work).await;
        }
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let outcome = connection.and_then(work);
            let worked = outcome.is_ok();
            let answer: Answer = Box::new(move |committed| {
                // The job's own error says more than the transaction's (on a full disk SQLite rolls back by itself). If the
                // caller was cancelled, the answer has no receiver.
                let _ = answer.send(outcome.and_then(|value| committed.map(|()| value)));
            });
            (worked, answer)
        });
        let jobs = self.jobs.as_ref().ok_or(StateError::Gone)?;
        jobs.send(job).await.map_err(|_| self.ended())?;
        answered.await.map_err(|_| self.ended())?
    }

    fn ended(&self) -> StateError {
        if self.fenced.load(Ordering::Acquire) { StateError::Fenced } else { StateError::Gone }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed when it happened, and no receiver is left for it.
            let _ = thread.join();
        }
    }
}

fn run((connection, ownership): (&mut Connection, &mut Ownership), mut queue: mpsc::Receiver<Job>, fenced: &AtomicBool) {
    let mut next_commit = Instant::now();
    while let Some(first) = queue.blocking_recv() {
        thread::sleep(next_commit.saturating_duration_since(Instant::now()));
        next_commit = Instant::now() + COMMIT_INTERVAL;
        let mut answers = Vec::new();
        let committed = commit_group((connection, ownership), first, &mut queue, &mut answers);
        let is_fenced = matches!(committed, Err(StateError::Fenced));
        if is_fenced {
            // Set before the first answer. The jobs that still wait get no answer, and their senders read this flag.
            fenced.store(true, Ordering::Release);
        }
        for answer in answers {
            answer(committed.clone());
        }
        if is_fenced {
            return;
        }
    }
}

/// Runs the waiting jobs and adds their second halves to `answers`; on an error none of them is stored. The first job runs directly in
/// the transaction, and rolls it back if it fails. Each of the others has a savepoint, for which SQLite copies every page that it
/// changes.
fn commit_group(
    (connection, ownership): (&mut Connection, &mut Ownership),
    first: Job,
    queue: &mut mpsc::Receiver<Job>,
    answers: &mut Vec<Answer>,
) -> Result<(), StateError> {
    let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(StateError::from);
    let transaction = match begun.and_then(|transaction| ownership.check(&transaction).map(|()| transaction)) {
        Ok(transaction) => transaction,
        Err(error) => {
            answers.push(first(Err(error.clone())).1);
            return Err(error);
        }
    };
    let mut changed = false;
    if !run_job(&transaction, first, (answers, &mut changed)) {
        return Ok(transaction.finish()?);
    }
    while answers.len() < GROUP_JOBS
        && let Ok(job) = queue.try_recv()
    {
        run_in_savepoint(&transaction, job, (answers, &mut changed))?;
    }
    let taken = if changed { ownership.take(&transaction)? } else { None };
    transaction.commit().map_err(StateError::of_commit)?;
    ownership.note_taken(taken);
    Ok(())
}

fn run_in_savepoint(transaction: &Transaction<'_>, job: Job, (answers, changed): (&mut Vec<Answer>, &mut bool)) -> Result<(), StateError> {
    if let Err(error) = transaction.prepare_cached("SAVEPOINT job").and_then(|mut statement| statement.execute([])) {
        let error = StateError::from(error);
        answers.push(job(Err(error.clone())).1);
        return Err(error);
    }
    if !run_job(transaction, job, (answers, changed)) {
        transaction.prepare_cached("ROLLBACK TO job")?.execute([])?;
    }
    transaction.prepare_cached("RELEASE job")?.execute([])?;
    Ok(())
}

/// Runs one job; returns true if its changes may be stored, and notes if there are any.
fn run_job(transaction: &Transaction<'_>, job: Job, (answers, changed): (&mut Vec<Answer>, &mut bool)) -> bool {
    // The connection also counts changes that are rolled back.
    let before = transaction.total_changes();
    let (worked, answer) = job(Ok(&**transaction));
    answers.push(answer);
    *changed |= worked && transaction.total_changes() != before;
    worked
}
