//! The one thread that owns the connection: takes jobs, runs as many as wait in one transaction, commits, answers.
//!
//! A job that fails is taken back as a whole, so no statement of it need be able to take itself back. Those that fire triggers say
//! `OR FAIL`, not SQLite's default: a statement that may abort half-way keeps a journal of its own, and in a job of many thousand
//! statements SQLite walks the journal of the whole job at the end of each.

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

/// Jobs that may wait; the sender of one more waits with it.
const QUEUE_JOBS: usize = 1024;
/// Jobs that share one commit at the most, so that none waits long for its answer.
const GROUP_JOBS: usize = 512;

/// Between the beginnings of two commits. A job that comes to a thread at rest is committed at once; where many come, a
/// commit costs the same for a few as for all that come meanwhile, and on a fast disk it would be for a few.
const COMMIT_INTERVAL: Duration = Duration::from_millis(1);

/// A job's second half: it receives the commit's result and answers the job's sender.
type Answer = Box<dyn FnOnce(Result<(), StateError>) + Send>;
/// A job's first half: works in the transaction. Beside the second half it returns true if its changes may be stored.
type Job = Box<dyn FnOnce(&Connection) -> (bool, Answer) + Send>;

/// A handle on the thread. Dropping it lets the thread finish the waiting jobs, and end.
pub(crate) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    /// The thread has ended because another process owns the state.
    fenced: Arc<AtomicBool>,
    /// A simulation's: there is no thread then.
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

    /// Runs `work` in a transaction that others may share, and returns when it is committed. A `work` that fails
    /// leaves no trace, and does not disturb the others.
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
            let outcome = work(connection);
            let worked = outcome.is_ok();
            let answer: Answer = Box::new(move |committed| {
                // An error of the job itself says more than that of the transaction (on a full disk SQLite
                // rolls it back by itself). The caller may have been cancelled: then the answer has no receiver.
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
            // A panic of the thread was printed when it happened; there is no receiver left to report it to.
            let _ = thread.join();
        }
    }
}

fn run((connection, ownership): (&mut Connection, &mut Ownership), mut queue: mpsc::Receiver<Job>, fenced: &AtomicBool) {
    let mut next_commit = Instant::now();
    while let Some(first) = queue.blocking_recv() {
        thread::sleep(next_commit.saturating_duration_since(Instant::now()));
        next_commit = Instant::now() + COMMIT_INTERVAL;
        let (answers, committed) = match commit_group((connection, ownership), first, &mut queue) {
            Ok(answers) => (answers, None),
            Err(Uncommitted::Fenced(unanswered)) => {
                // Before the job is dropped, which reports to its sender that there is no answer.
                fenced.store(true, Ordering::Release);
                drop(unanswered);
                return;
            }
            Err(Uncommitted::Failed(answers, error)) => (answers, Some(error.to_string())),
        };
        for answer in answers {
            answer(committed.clone().map_or(Ok(()), |message| Err(StateError::Database(message))));
        }
    }
}

/// Why nothing of a group is stored.
enum Uncommitted {
    /// Another process owns the state: this job was not run, and none will be.
    Fenced(Job),
    /// The database refused; those jobs that were run have an answer to come.
    Failed(Vec<Answer>, rusqlite::Error),
}

/// Runs the jobs that wait; with an error, none of them is stored. The first has the transaction to itself until it is done, and takes
/// back all of it where it fails; each of the others has a savepoint, in which SQLite keeps a copy of every page that it changes.
fn commit_group(
    (connection, ownership): (&mut Connection, &mut Ownership),
    first: Job,
    queue: &mut mpsc::Receiver<Job>,
) -> Result<Vec<Answer>, Uncommitted> {
    let transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(transaction) => transaction,
        // The job was not run: dropping it reports to its sender that there is no answer.
        Err(error) => return Err(Uncommitted::Failed(Vec::new(), error)),
    };
    match ownership.may_write(&transaction) {
        Ok(true) => {}
        Ok(false) => return Err(Uncommitted::Fenced(first)),
        Err(error) => return Err(Uncommitted::Failed(Vec::new(), error)),
    }
    let (worked, answer) = first(&transaction);
    let mut answers = vec![answer];
    if !worked {
        return match transaction.finish() {
            Ok(()) => Ok(answers),
            Err(error) => Err(Uncommitted::Failed(answers, error)),
        };
    }
    while answers.len() < GROUP_JOBS
        && let Ok(job) = queue.try_recv()
    {
        if let Err(error) = in_savepoint(&transaction, job, &mut answers) {
            return Err(Uncommitted::Failed(answers, error));
        }
    }
    let taken = match ownership.take(&transaction) {
        Ok(taken) => taken,
        Err(error) => return Err(Uncommitted::Failed(answers, error)),
    };
    match transaction.commit() {
        Ok(()) => {
            ownership.note_taken(taken);
            Ok(answers)
        }
        Err(error) => Err(Uncommitted::Failed(answers, error)),
    }
}

fn in_savepoint(transaction: &Transaction<'_>, job: Job, answers: &mut Vec<Answer>) -> Result<(), rusqlite::Error> {
    transaction.prepare_cached("SAVEPOINT job")?.execute([])?;
    let (worked, answer) = job(transaction);
    answers.push(answer);
    if !worked {
        transaction.prepare_cached("ROLLBACK TO job")?.execute([])?;
    }
    transaction.prepare_cached("RELEASE job")?.execute([])?;
    Ok(())
}
