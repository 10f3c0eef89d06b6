//! The ledger of `Idempotency-Key`: the keys in progress and the responses of the finished ones.
//! Pure: it knows neither requests nor time; only the guard at the end uses a lock.

use crate::answer::Answer;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

/// SHA-256 over a request's call, fields and content, not over the text of the multipart body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Payload(pub(crate) [u8; 32]);

/// A key whose request has ended with a final response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finished {
    /// The request.
    pub(crate) payload: Payload,
    /// The response, as it was without any fault.
    pub(crate) answer: Answer,
}

impl Finished {
    /// The response to another request with the key: this one if the payload is the same, else a refusal.
    pub(crate) fn answer_to(&self, payload: Payload) -> Answer {
        if self.payload == payload {
            return self.answer.replay();
        }
        Answer::invalid(&[serde_json::json!({
            "type": "idempotency_key_reused", "loc": ["header", "idempotency-key"],
            "msg": "The key was used with another payload", "input": null,
        })])
    }
}

/// The state of a key when a request with it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It was free and is now reserved for the caller, which must finish or release it.
    Reserved,
    /// Another request has reserved it.
    InProgress,
    /// It has its response.
    Finished(Arc<Finished>),
}

/// The keys in use and the finished ones.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    keys: HashMap<String, Option<Arc<Finished>>>,
}

impl Ledger {
    /// A request with the key starts: reserves the key if it is free.
    pub(crate) fn start(&mut self, key: &str) -> Standing {
        match self.keys.entry(key.to_owned()) {
            Entry::Vacant(free) => {
                free.insert(None);
                Standing::Reserved
            }
            Entry::Occupied(taken) => taken.get().clone().map_or(Standing::InProgress, Standing::Finished),
        }
    }

    /// Ends a reserved key's request: a final response is kept, any other one frees the key.
    pub(crate) fn finish(&mut self, key: &str, payload: Payload, answer: &Answer) {
        if answer.is_kept() {
            self.keys.insert(key.to_owned(), Some(Arc::new(Finished { payload, answer: answer.clone() })));
        } else {
            self.release(key);
        }
    }

    /// Frees a reserved key whose request ended without a response. A finished key stays.
    pub(crate) fn release(&mut self, key: &str) {
        if matches!(self.keys.get(key), Some(None)) {
            self.keys.remove(key);
        }
    }
}

/// A reserved key. Dropping it before it is finished (a body cut short, a panic) frees the key.
pub(crate) struct Reservation {
    ledger: Arc<Mutex<Ledger>>,
    key: String,
}

impl Reservation {
    /// The state of the key; the guard is returned with `Standing::Reserved`.
    pub(crate) fn start(ledger: &Arc<Mutex<Ledger>>, key: &str) -> (Standing, Option<Self>) {
        let standing = ledger.lock().unwrap_or_else(PoisonError::into_inner).start(key);
        let guard = (standing == Standing::Reserved).then(|| Self { ledger: Arc::clone(ledger), key: key.to_owned() });
        (standing, guard)
    }

    pub(crate) fn finish(self, payload: Payload, answer: &Answer) {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).finish(&self.key, payload, answer);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).release(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Payload = Payload([1; 32]);
    const OTHER: Payload = Payload([2; 32]);

    fn finished_with(status: u16) -> Standing {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.start("k"), Standing::Reserved);
        ledger.finish("k", ONE, &Answer::detail(status, "said"));
        ledger.start("k")
    }

    #[test]
    fn final_responses_are_kept_and_transient_ones_free_the_key() {
        for kept in [200, 201, 400, 404, 409, 422] {
            assert!(matches!(finished_with(kept), Standing::Finished(_)), "{kept}");
        }
        for freed in [401, 403, 408, 413, 425, 429, 500, 502, 503] {
            assert_eq!(finished_with(freed), Standing::Reserved, "{freed}");
        }
    }

    #[test]
    fn a_key_in_progress_is_neither_free_nor_finished_until_its_request_ends() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.start("k"), Standing::Reserved);
        assert_eq!(ledger.start("k"), Standing::InProgress);
        assert_eq!(ledger.start("another"), Standing::Reserved);
        ledger.release("k");
        assert_eq!(ledger.start("k"), Standing::Reserved);
    }

    #[test]
    fn the_same_payload_gets_the_same_response_and_another_is_refused() {
        let answer = Answer::detail(404, "File not found");
        let finished = Finished { payload: ONE, answer: answer.clone() };
        assert_eq!(finished.answer_to(ONE), Answer { replayed: true, ..answer });
        let refusal = finished.answer_to(OTHER);
        assert_eq!((refusal.status, refusal.replayed), (422, false));
    }

    #[test]
    fn a_release_does_not_undo_an_outcome() {
        let mut ledger = Ledger::default();
        ledger.start("k");
        ledger.finish("k", ONE, &Answer::detail(200, "done"));
        ledger.release("k");
        assert!(matches!(ledger.start("k"), Standing::Finished(_)));
    }

    #[test]
    fn a_dropped_reservation_frees_its_key() {
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let (_, guard) = Reservation::start(&ledger, "k");
        assert_eq!(Reservation::start(&ledger, "k").0, Standing::InProgress);
        drop(guard);
        let (standing, guard) = Reservation::start(&ledger, "k");
        assert_eq!(standing, Standing::Reserved);
        guard.expect("a guard").finish(ONE, &Answer::detail(200, "done"));
        assert!(matches!(Reservation::start(&ledger, "k").0, Standing::Finished(_)));
    }
}
