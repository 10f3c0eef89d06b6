//! Servers whose certificates are signed by an authority of their own: `AWS_CA_BUNDLE`, `SSL_CERT_FILE`, and the hint without either.

use super::collector::{Collector, Manner};
use super::stage::Stage;
use crate::tls::{Authority, TlsFront};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::any;

/// A queue's server without messages.
async fn empty_queue() -> String {
    let answer = || async { ([(CONTENT_TYPE, "application/x-amz-json-1.0")], "{}") };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(any(answer))).await.expect("it serves") });
    url
}

/// Every endpoint of a stage behind TLS. The authority's certificate is in `authority.pem`.
struct Secured {
    stage: Stage,
    collector: Collector,
    _fronts: [TlsFront; 4],
}

impl Secured {
    async fn set() -> Self {
        let mut stage = Stage::with(&["a.txt"]).await;
        let collector = Collector::start(Manner::Takes).await;
        let authority = Authority::new();
        std::fs::write(stage.path("authority.pem"), authority.pem()).expect("written");
        let fronts = [
            authority.in_front_of(stage.s3.endpoint()).await,
            authority.in_front_of(&stage.files.url()).await,
            authority.in_front_of(&empty_queue().await).await,
            authority.in_front_of(&collector.url).await,
        ];
        for (name, front) in [("CUSTOMER_S3_ENDPOINT", 0), ("FILE_MANAGER_API_URL", 1), ("EVENTS_API_URL", 1)] {
            stage.setting(name, fronts[front].url.clone());
        }
        stage.setting("EVENTS_SQS_QUEUE_URL", format!("{}/1/events", fronts[2].url));
        stage.setting("OTEL_EXPORTER_OTLP_ENDPOINT", fronts[3].url.clone());
        Self { stage, collector, _fronts: fronts }
    }
}

/// E5: the bundle was ignored without a word.
#[tokio::test(flavor = "multi_thread")]
async fn an_authority_of_a_bundle_is_trusted_by_every_client() {
    for name in ["AWS_CA_BUNDLE", "SSL_CERT_FILE"] {
        let Secured { mut stage, collector, _fronts } = Secured::set().await;
        stage.setting(name, stage.path("authority.pem").display().to_string());
        let ran = stage.expect(&["test"], 0).await;
        ran.prints(&["ok       S3", "ok       file manager", "ok       events API", "ok       queue"]);
        let ran = stage.expect(&["initial-sync"], 0).await;
        assert!(!ran.stderr.contains("the collector accepts no telemetry"), "{name}: {ran:?}");
        assert!(!collector.spans().is_empty(), "{name}");
        collector.until_metrics_arrive(1).await;
        assert_eq!(stage.api().files().len(), 1, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_bundle_every_client_fails_with_a_hint_that_names_the_setting() {
    let Secured { mut stage, collector, _fronts } = Secured::set().await;
    // An authority of the same name with another key.
    std::fs::write(stage.path("other.pem"), Authority::new().pem()).expect("written");
    for (bundle, reason) in [(None, "UnknownIssuer"), (Some("other.pem"), "BadSignature")] {
        if let Some(bundle) = bundle {
            stage.setting("AWS_CA_BUNDLE", bundle);
        }
        let ran = stage.expect(&["test"], 1).await;
        for endpoint in ["S3", "file manager", "events API", "queue"] {
            let line = ran.stdout.lines().skip_while(|line| !line.starts_with(&format!("failed   {endpoint}"))).take(2);
            let said = line.collect::<Vec<_>>().join("\n");
            assert!(said.contains(reason) && said.contains("set AWS_CA_BUNDLE"), "{bundle:?}: {endpoint}: {ran:?}");
        }
        let ran = stage.expect(&["initial-sync"], 1).await;
        ran.prints(&[reason, "set AWS_CA_BUNDLE"]);
    }
    // With the other endpoints within reach, what is left is the collector.
    stage.setting("CUSTOMER_S3_ENDPOINT", stage.s3.endpoint().to_owned());
    stage.setting("FILE_MANAGER_API_URL", stage.files.url());
    stage.setting("EVENTS_API_URL", stage.files.url());
    stage.without("EVENTS_SQS_QUEUE_URL");
    let ran = stage.expect(&["initial-sync"], 0).await;
    let line = ran.stderr.lines().find(|line| line.contains("the collector accepts no telemetry")).unwrap_or_default();
    assert!(line.contains("AWS_CA_BUNDLE"), "{ran:?}");
    assert!(collector.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_holds_no_certificate_is_refused_before_anything_runs() {
    let mut stage = Stage::with(&["a.txt"]).await;
    std::fs::write(stage.path("empty.pem"), "").expect("written");
    std::fs::write(stage.path("text.pem"), "no certificate\n").expect("written");
    std::fs::create_dir(stage.path("directory")).expect("made");
    for name in ["AWS_CA_BUNDLE", "SSL_CERT_FILE"] {
        for (file, reason) in [
            ("missing.pem", "there is no such file"),
            ("empty.pem", "it holds no certificate in PEM form"),
            ("text.pem", "it holds no certificate in PEM form"),
            ("directory", "it is a directory"),
        ] {
            stage.setting(name, file);
            let ran = stage.expect(&["initial-sync"], 2).await;
            ran.says(&[&format!("{name} is {file:?} (environment)"), reason, "give the path of a file with certificates in PEM form"]);
        }
        stage.without(name);
    }
    assert_eq!((stage.s3.server().counters().requests, stage.api().calls_in_all()), (0, 0));
    assert!(!stage.path("data").exists());
}
