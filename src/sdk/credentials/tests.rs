//! When a source is asked, and what its answers do. The clock is tokio's, paused.

use super::*;
use async_trait::async_trait;
use std::sync::Mutex as StdMutex;
use tokio::sync::Semaphore;
use tokio::time::{advance, sleep};

/// A source that gives what a test says, and counts.
#[derive(Debug)]
struct Fake {
    answer: StdMutex<Result<Credentials, String>>,
    asked: StdMutex<u64>,
    may_change: bool,
    /// One permit for each answer.
    permits: Semaphore,
}

impl Fake {
    fn new(name: &str) -> Arc<Self> {
        let permits = Semaphore::new(Semaphore::MAX_PERMITS);
        Arc::new(Self { answer: StdMutex::new(Ok(key(name))), asked: StdMutex::default(), may_change: true, permits })
    }

    fn will_give(&self, answer: Result<Credentials, String>) {
        *self.answer.lock().expect("sound") = answer;
    }

    fn asked(&self) -> u64 {
        *self.asked.lock().expect("sound")
    }
}

#[async_trait]
impl GiveCredentials for Fake {
    fn may_change(&self) -> bool {
        self.may_change
    }

    async fn give(&self, _is_first: bool) -> Result<Credentials, String> {
        *self.asked.lock().expect("sound") += 1;
        self.permits.acquire().await.expect("never closed").forget();
        self.answer.lock().expect("sound").clone()
    }
}

impl RenewableCredentials {
    /// For tests of clients.
    pub(crate) fn of_a_source_without_any() -> Self {
        let source = Fake::new("none");
        source.will_give(Err("no profile".to_owned()));
        Self::given_by(source)
    }
}

fn key(name: &str) -> Credentials {
    Credentials::new(name, "secret", None, None, "test")
}

fn expiring(name: &str, after: Duration) -> Credentials {
    Credentials::new(name, "secret", None, Some(SystemTime::now() + after), "test")
}

/// A server that accepts one key.
async fn served(credentials: &RenewableCredentials, accepted: &str) -> Result<(), String> {
    let attempt = || async {
        let used = credentials.current().await?;
        if used.access_key_id() == accepted { Ok(()) } else { Err("rejected".to_owned()) }
    };
    credentials.call(attempt, |_| true).await
}

async fn held(credentials: &RenewableCredentials) -> String {
    credentials.current().await.map_or_else(|words| words, |given| given.access_key_id().to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_rejected_key_is_replaced_before_the_next_attempt() {
    let source = Fake::new("one");
    let credentials = RenewableCredentials::given_by(source.clone());
    served(&credentials, "one").await.expect("accepted");
    source.will_give(Ok(key("two")));
    served(&credentials, "two").await.expect("accepted after the renewal");
    assert_eq!(source.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_first_call_of_all_renews_as_well() {
    let source = Fake::new("one");
    let credentials = RenewableCredentials::given_by(source.clone());
    let attempt = || async {
        let used = credentials.current().await?.access_key_id().to_owned();
        source.will_give(Ok(key("two")));
        if used == "two" { Ok(()) } else { Err("rejected".to_owned()) }
    };
    credentials.call(attempt, |_| true).await.expect("accepted after the renewal");
    assert_eq!(source.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_source_of_a_rejected_key_is_asked_at_most_every_30_seconds() {
    let source = Fake::new("one");
    let credentials = RenewableCredentials::given_by(source.clone());
    for _ in 0..10 {
        assert_eq!(served(&credentials, "two").await, Err("rejected".to_owned()));
    }
    assert_eq!(source.asked(), 2, "at first, and once for all rejections");
    advance(Duration::from_millis(29_999)).await;
    source.will_give(Ok(key("two")));
    assert_eq!(served(&credentials, "two").await, Err("rejected".to_owned()));
    advance(Duration::from_millis(1)).await;
    served(&credentials, "two").await.expect("accepted after the renewal");
    assert_eq!(source.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn callers_that_are_rejected_together_cause_one_request_to_the_source() {
    let source = Fake::new("one");
    let credentials = RenewableCredentials::given_by(source.clone());
    served(&credentials, "one").await.expect("accepted");
    source.will_give(Ok(key("two")));
    let calls = (0..64).map(|_| served(&credentials, "two"));
    assert!(futures::future::join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!(source.asked(), 2);
}

/// A check of an endpoint gives up after 5 seconds. A process that takes longer would never end.
#[tokio::test(start_paused = true)]
async fn a_request_to_the_source_outlives_the_caller_that_gave_up() {
    let source = Fake::new("one");
    source.permits.forget_permits(Semaphore::MAX_PERMITS);
    let credentials = RenewableCredentials::given_by(source.clone());
    assert!(timeout(Duration::from_secs(5), credentials.current()).await.is_err());
    source.permits.add_permits(1);
    assert_eq!(held(&credentials).await, "one");
    assert_eq!(source.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_never_answers_is_an_error() {
    let source = Fake::new("one");
    source.permits.forget_permits(Semaphore::MAX_PERMITS);
    let credentials = RenewableCredentials::given_by(source.clone());
    assert_eq!(held(&credentials).await, "the source of the credentials gave none within 60 s");
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_source_is_the_answer_for_30_seconds() {
    let source = Fake::new("one");
    source.will_give(Err("no profile".to_owned()));
    let credentials = RenewableCredentials::given_by(source.clone());
    for _ in 0..3 {
        assert_eq!(served(&credentials, "one").await, Err("no profile".to_owned()));
    }
    assert_eq!(source.asked(), 1);
    source.will_give(Ok(key("one")));
    advance(MIN_INTERVAL).await;
    served(&credentials, "one").await.expect("accepted");
}

#[tokio::test(start_paused = true)]
async fn a_rejected_key_is_not_used_again_while_its_source_fails() {
    let source = Fake::new("one");
    let credentials = RenewableCredentials::given_by(source.clone());
    served(&credentials, "one").await.expect("accepted");
    source.will_give(Err("no profile".to_owned()));
    assert_eq!(served(&credentials, "two").await, Err("rejected".to_owned()), "the store's reason comes first");
    assert_eq!(served(&credentials, "two").await, Err("no profile".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_key_is_renewed_before_it_expires_and_if_the_source_fails_it_is_used_until_it_is_rejected() {
    let source = Fake::new("one");
    source.will_give(Ok(expiring("one", Duration::from_mins(10))));
    let credentials = RenewableCredentials::given_by(source.clone());
    assert_eq!(held(&credentials).await, "one");
    source.will_give(Err("no profile".to_owned()));
    advance(Duration::from_secs(588)).await;
    assert_eq!((held(&credentials).await.as_str(), source.asked()), ("one", 1));
    sleep(Duration::from_secs(3)).await;
    assert_eq!((held(&credentials).await.as_str(), source.asked()), ("one", 2));
    advance(MIN_INTERVAL).await;
    assert_eq!((held(&credentials).await.as_str(), source.asked()), ("one", 3));
    advance(MIN_INTERVAL).await;
    assert_eq!(served(&credentials, "two").await, Err("rejected".to_owned()));
    source.will_give(Ok(key("two")));
    advance(MIN_INTERVAL).await;
    served(&credentials, "two").await.expect("accepted");
}

/// A file of the profile gives no expiry.
#[tokio::test(start_paused = true)]
async fn a_key_without_expiry_is_asked_for_again_after_15_minutes() {
    let source = Fake::new("one");
    let credentials = RenewableCredentials::given_by(source.clone());
    assert_eq!(held(&credentials).await, "one");
    source.will_give(Ok(key("two")));
    advance(Duration::from_secs(899)).await;
    assert_eq!(held(&credentials).await, "one");
    advance(Duration::from_secs(1)).await;
    assert_eq!(held(&credentials).await, "two");
    source.will_give(Err("no profile".to_owned()));
    advance(MAX_AGE * 2).await;
    assert_eq!(held(&credentials).await, "two", "as long as the server accepts it");
}

#[tokio::test(start_paused = true)]
async fn keys_that_never_change_are_asked_for_once() {
    let source = Arc::new(Fake { may_change: false, ..Arc::into_inner(Fake::new("one")).expect("ours alone") });
    let credentials = RenewableCredentials::given_by(source.clone());
    for _ in 0..3 {
        assert_eq!(served(&credentials, "two").await, Err("rejected".to_owned()));
        advance(MAX_AGE).await;
    }
    assert_eq!(source.asked(), 1);
}

#[test]
fn the_codes_of_both_services_reject_credentials_and_missing_permissions_do_not() {
    for code in ["ExpiredToken", "InvalidAccessKeyId", "TokenRefreshRequired", "UnrecognizedClientException", "InvalidSignatureException"] {
        assert!(rejects_credentials(code), "{code}");
    }
    for code in ["AccessDenied", "RequestTimeTooSkewed", "NoSuchBucket", ""] {
        assert!(!rejects_credentials(code), "{code}");
    }
}
