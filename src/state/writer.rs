//! The one thread that owns the connection: takes jobs, runs as many as wait in one transaction, commits, answers.

use super::StateError;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Jobs that may wait; whoever brings one more waits with it.
const QUEUE_JOBS: usize = 1024;
/// Jobs that share one commit at the most, so that none waits long for its answer.
const GROUP_JOBS: usize = 512;
/// How long what is patient waits for a commit that somebody else needs, before it gets one of its own.
const PATIENCE: Duration = Duration::from_millis(2);

/// A job's second half: told how the commit went, it answers whoever brought the job.
type Answer = Box<dyn FnOnce(Result<(), StateError>) + Send>;

/// Whether somebody can only go on once the job is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Haste {
    Hurried,
    Patient,
}

/// What is brought to the thread.
struct Job {
    /// Works in the transaction.
    work: Box<dyn FnOnce(&Transaction<'_>) -> Answer + Send>,
    haste: Haste,
    _place: OwnedSemaphorePermit,
}

/// A handle on the thread. Dropping it lets the thread finish what waits, and end.
pub(super) struct Writer {
    jobs: Option<Sender<Job>>,
    places: Arc<Semaphore>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(path: &Path, connection: Connection) -> Result<Self, StateError> {
        // Bounded by the places: only a channel of the standard library can wait for a job or for the end of a patience.
        let (jobs, queue) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("state-writer".to_owned())
            .spawn(move || run(connection, &queue))
            .map_err(|error| StateError::file(path, &error))?;
        Ok(Self { jobs: Some(jobs), places: Arc::new(Semaphore::new(QUEUE_JOBS)), thread: Some(thread) })
    }

    /// Runs `work` in a transaction that others may share, and returns when it is committed. A `work` that fails
    /// leaves no trace, and does not disturb the others.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        self.bring(Haste::Hurried, work).await
    }

    /// As [`Writer::call`], for work that nothing waits for: it shares the commit of what is in a hurry, if that comes
    /// soon. A commit costs the same for one as for many.
    pub(super) async fn call_patiently<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        self.bring(Haste::Patient, work).await
    }

    async fn bring<T: Send + 'static>(
        &self,
        haste: Haste,
        work: impl FnOnce(&Connection) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        let (answer, answered) = oneshot::channel();
        let work = Box::new(move |transaction: &Transaction<'_>| -> Answer {
            let outcome = in_savepoint(transaction, work);
            Box::new(move |committed| {
                // Whoever asked may have been cancelled: then nobody waits for the answer.
                let _ = answer.send(committed.and(outcome));
            })
        });
        let jobs = self.jobs.as_ref().ok_or(StateError::Gone)?;
        let place = self.places.clone().acquire_owned().await.map_err(|_| StateError::Gone)?;
        jobs.send(Job { work, haste, _place: place }).map_err(|_| StateError::Gone)?;
        answered.await.map_err(|_| StateError::Gone)?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed when it happened; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

fn run(mut connection: Connection, queue: &Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        let (answers, committed) = match commit(&mut connection, gathered(first, queue, PATIENCE)) {
            Ok(answers) => (answers, None),
            Err((answers, error)) => (answers, Some(error.to_string())),
        };
        for answer in answers {
            answer(committed.clone().map_or(Ok(()), |message| Err(StateError::Database(message))));
        }
    }
}

/// The jobs that wait; as long as all of them are patient, those that come, too.
fn gathered(first: Job, queue: &Receiver<Job>, patience: Duration) -> Vec<Job> {
    let until = Instant::now() + patience;
    let mut haste = first.haste;
    let mut group = vec![first];
    while group.len() < GROUP_JOBS {
        let next = match haste {
            Haste::Hurried => queue.try_recv().ok(),
            Haste::Patient => queue.recv_timeout(until.saturating_duration_since(Instant::now())).ok(),
        };
        let Some(job) = next else { break };
        if job.haste == Haste::Hurried {
            haste = Haste::Hurried;
        }
        group.push(job);
    }
    group
}

/// Runs a group; with an error, none of it is stored.
fn commit(connection: &mut Connection, group: Vec<Job>) -> Result<Vec<Answer>, (Vec<Answer>, rusqlite::Error)> {
    let transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(transaction) => transaction,
        // The jobs were not run: dropping them tells their bringers that there is no answer.
        Err(error) => return Err((Vec::new(), error)),
    };
    let answers = group.into_iter().map(|job| (job.work)(&transaction)).collect();
    match transaction.commit() {
        Ok(()) => Ok(answers),
        Err(error) => Err((answers, error)),
    }
}

fn in_savepoint<T>(transaction: &Transaction<'_>, work: impl FnOnce(&Connection) -> Result<T, StateError>) -> Result<T, StateError> {
    transaction.prepare_cached("SAVEPOINT job")?.execute([])?;
    let outcome = work(transaction);
    if outcome.is_err() {
        transaction.prepare_cached("ROLLBACK TO job")?.execute([])?;
    }
    transaction.prepare_cached("RELEASE job")?.execute([])?;
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(places: &Arc<Semaphore>, haste: Haste) -> Job {
        let place = places.clone().try_acquire_owned().expect("a place");
        Job { work: Box::new(|_| Box::new(drop)), haste, _place: place }
    }

    #[test]
    fn what_is_patient_waits_for_the_commit_of_what_is_in_a_hurry_and_no_longer() {
        let places = Arc::new(Semaphore::new(8));
        let (jobs, queue) = mpsc::channel();
        let others = [Haste::Patient, Haste::Hurried].map(|haste| job(&places, haste));
        let bringing = thread::spawn(move || others.into_iter().try_for_each(|other| jobs.send(other)).map(|()| jobs));
        let group = gathered(job(&places, Haste::Patient), &queue, Duration::from_mins(10));
        assert_eq!(group.iter().map(|job| job.haste).collect::<Vec<_>>(), [Haste::Patient, Haste::Patient, Haste::Hurried]);
        let _still_open = bringing.join().expect("no panic").expect("sent");

        assert_eq!(gathered(job(&places, Haste::Patient), &queue, Duration::ZERO).len(), 1, "nobody is in a hurry");
        assert_eq!(gathered(job(&places, Haste::Hurried), &queue, Duration::from_mins(10)).len(), 1, "nobody else waits");
    }
}
