//! Credentials that are replaced while the program runs: the store rejects the earlier ones, and their source has others at once.

use super::stage::{BUCKET, SECRET_KEY, Stage};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::any;
use mock_s3::{AccessKey, Fault, Gate, Matcher};
use serde_json::json;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Where the program has its credentials from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// `credential_process` of a profile.
    Process,
    /// The shared credentials file.
    File,
    /// The address that containers have.
    Container,
    /// The secret of a key in a file.
    SecretFile,
    /// A session token in a file.
    TokenFile,
}

/// A stage whose program has its credentials from a source that a test may change.
struct Rotating {
    stage: Stage,
    source: Source,
    /// What the container's address answers.
    container: Arc<Mutex<String>>,
}

impl Rotating {
    async fn set(source: Source, keys: &[&str]) -> Self {
        let stage = Stage::with(keys).await;
        let container = Arc::new(Mutex::new(String::new()));
        let mut rotating = Self { stage, source, container };
        rotating.point_to_the_source().await;
        rotating
    }

    async fn point_to_the_source(&mut self) {
        let access_key = self.stage.s3.server().options().access_key.clone();
        let (config, credentials) = (self.stage.path("config"), self.stage.path("credentials"));
        let key = match self.source {
            Source::TokenFile => AccessKey::new(&access_key, SECRET_KEY).session_token("token-1"),
            _ => AccessKey::new(&access_key, SECRET_KEY),
        };
        if !matches!(self.source, Source::SecretFile | Source::TokenFile) {
            self.stage.without("CUSTOMER_S3_ACCESS_KEY");
        }
        self.stage.without("CUSTOMER_S3_SECRET_KEY");
        for (name, value) in [("AWS_CONFIG_FILE", config.display()), ("AWS_SHARED_CREDENTIALS_FILE", credentials.display())] {
            self.stage.setting(name, value.to_string());
        }
        self.stage.setting("AWS_EC2_METADATA_DISABLED", "true");
        match self.source {
            Source::Process => {
                let (script, directory) = (self.stage.path("give.sh"), self.stage.path(""));
                let commands = format!("cd '{}' && echo once >>asked && cat given.json", directory.display());
                std::fs::write(&script, commands).expect("written");
                std::fs::write(config, format!("[default]\ncredential_process = /bin/sh {}\n", script.display())).expect("written");
            }
            Source::Container => {
                let answer = self.container.clone();
                let answer = move || {
                    let answer = answer.lock().expect("sound").clone();
                    async move { ([(CONTENT_TYPE, "application/json")], answer) }
                };
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                let url = format!("http://{}/credentials", listener.local_addr().expect("an address"));
                tokio::spawn(async move { axum::serve(listener, Router::new().fallback(any(answer))).await.expect("it serves") });
                self.stage.setting("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
            }
            Source::SecretFile => self.stage.setting("CUSTOMER_S3_SECRET_KEY_FILE", "secret"),
            Source::TokenFile => {
                self.stage.without("CUSTOMER_S3_ACCESS_KEY");
                self.stage.setting("AWS_ACCESS_KEY_ID", access_key);
                self.stage.setting("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
                self.stage.setting("AWS_SESSION_TOKEN_FILE", "token");
            }
            Source::File => {}
        }
        self.stage.s3.server().replace_key(key.clone(), 400, "ExpiredToken");
        self.source_gives(&key);
    }

    /// The key after the first one.
    fn next_key(&self) -> AccessKey {
        let access_key = &self.stage.s3.server().options().access_key;
        match self.source {
            Source::SecretFile => AccessKey::new(access_key, "another-secret"),
            Source::TokenFile => AccessKey::new(access_key, SECRET_KEY).session_token("token-2"),
            _ => AccessKey::new("another-key", "another-secret").session_token("token-2"),
        }
    }

    /// Another key is the only valid one from now on.
    fn store_takes(&self, key: &AccessKey, status: u16, code: &str) {
        self.stage.s3.server().replace_key(key.clone(), status, code);
    }

    /// Replaces files by renaming: a half-written file is not what this is about.
    fn source_gives(&self, key: &AccessKey) {
        let write = |name: &str, text: String| {
            let (draft, path) = (self.stage.path("draft"), self.stage.path(name));
            std::fs::write(&draft, text).and_then(|()| std::fs::rename(&draft, path)).expect("written");
        };
        let AccessKey { id, secret, session_token } = key;
        let token = session_token.clone().unwrap_or_default();
        let expiry = "2099-01-01T00:00:00Z";
        match self.source {
            Source::Process => {
                let mut given = json!({ "Version": 1, "AccessKeyId": id, "SecretAccessKey": secret, "Expiration": expiry });
                if !token.is_empty() {
                    given["SessionToken"] = token.into();
                }
                write("given.json", given.to_string());
            }
            Source::File => {
                let token = if token.is_empty() { token } else { format!("aws_session_token = {token}\n") };
                write("credentials", format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n{token}"));
            }
            Source::Container => {
                let given = json!({ "AccessKeyId": id, "SecretAccessKey": secret, "Token": token, "Expiration": expiry });
                *self.container.lock().expect("sound") = given.to_string();
            }
            Source::SecretFile => write("secret", format!("{secret}\n")),
            Source::TokenFile => write("token", format!("{token}\n")),
        }
    }

    fn asked_file(&self) -> PathBuf {
        self.stage.path("asked")
    }

    /// How often the process was started.
    fn asked(&self) -> usize {
        std::fs::read_to_string(self.asked_file()).expect("it was asked").lines().count()
    }
}

/// E6: the daemon kept the old token for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_uses_the_credentials_that_their_source_has_now() {
    for (source, status, code) in [
        (Source::Process, 400, "ExpiredToken"),
        (Source::Process, 403, "InvalidAccessKeyId"),
        (Source::File, 403, "ExpiredToken"),
        (Source::Container, 400, "TokenRefreshRequired"),
        (Source::SecretFile, 400, "ExpiredToken"),
        (Source::TokenFile, 400, "InvalidToken"),
    ] {
        let rotating = Rotating::set(source, &["a.txt"]).await;
        let stage = &rotating.stage;
        let daemon = stage.daemon_at_rest().await;
        let key = rotating.next_key();
        rotating.store_takes(&key, status, code);
        rotating.source_gives(&key);
        // The cycle begins with a HEAD, whose response has no body that could name the reason.
        stage.put("b.txt", "new");
        stage.api().set_feed(vec![json!({ "event_type": "create", "file_path": "/b.txt" })]);
        let ran = stage.run(&["incremental-sync"]).await;
        assert_eq!(ran.code, Some(0), "{source:?} {code}: {ran:?}");
        assert_eq!(stage.api().files().len(), 2, "{source:?} {code}");
        if source == Source::Process {
            assert_eq!(rotating.asked(), 2, "{source:?} {code}");
        }
        daemon.signal("TERM").await;
        assert_eq!(daemon.end().await.code, Some(0), "{source:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_uploads_that_are_rejected_together_ask_the_process_once() {
    let keys: Vec<_> = (0..192).map(|number| format!("{number:03}.txt")).collect();
    let mut rotating = Rotating::set(Source::Process, &keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
    rotating.stage.setting("CONCURRENCY", "64");
    let (stage, gate) = (&rotating.stage, Gate::new());
    stage.s3.server().order(Matcher::operation("GetObject").bucket(BUCKET).times(64), Fault::Hold(gate.clone()));
    let running = stage.start(&["initial-sync"]);
    gate.arrived(64).await;
    let key = rotating.next_key();
    rotating.store_takes(&key, 400, "ExpiredToken");
    rotating.source_gives(&key);
    gate.open();
    let ran = super::stage::ended(running).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!((stage.api().files().len(), rotating.asked()), (192, 2));
    assert!(stage.s3.server().rejected_requests() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_the_source_does_not_replace_make_the_store_unreachable() {
    let rotating = Rotating::set(Source::Process, &["a.txt"]).await;
    rotating.store_takes(&rotating.next_key(), 400, "ExpiredToken");
    let ran = rotating.stage.expect(&["test"], 1).await;
    ran.prints(&["failed   S3", "ExpiredToken", "-> check CUSTOMER_S3_ACCESS_KEY"]);
    assert_eq!(rotating.asked(), 2, "at first, and after the rejection");
    std::fs::remove_file(rotating.asked_file()).expect("removed");
    let ran = rotating.stage.expect(&["initial-sync"], 1).await;
    ran.prints(&["ExpiredToken"]);
    assert_eq!(rotating.asked(), 2);
}

/// A source that fails is named, and its last words are shown.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_is_reported() {
    let rotating = Rotating::set(Source::Process, &["a.txt"]).await;
    std::fs::remove_file(rotating.stage.path("given.json")).expect("removed");
    let ran = rotating.stage.expect(&["test"], 1).await;
    ran.prints(&["failed   S3", "the AWS credential chain has no credentials"]);
}
