//! Wrong and right keys, with a moto that checks them.

use super::objects::Objects;
use super::server::Moto;
use super::sync::{Ended, Sync, calls_about_files, file_manager, held};
use mock_api::Running;

/// The hint for wrong keys.
const HINT: &str = "check CUSTOMER_S3_ACCESS_KEY and CUSTOMER_S3_SECRET_KEY, the region, and this machine's clock";
const SECRET: &str = "a secret that is nobody's";

#[tokio::test]
async fn a_run_with_wrong_keys_reports_it_and_sends_nothing_and_right_keys_work() {
    let (moto, file_manager) = (Moto::start().await, file_manager().await);
    Objects::create(&moto).await.put("a b/ü+.txt", b"bytes").await;
    let reader = user(&moto, "reader").await;
    allow(&moto, "reader").await;
    let stranger = user(&moto, "stranger").await;
    moto.check_signatures_from_now_on().await;

    for (access, secret, code, hint) in [
        ("AKIAUNKNOWN000000000", SECRET, "InvalidAccessKeyId", HINT),
        (&*reader.0, SECRET, "SignatureDoesNotMatch", HINT),
        (&*stranger.0, &*stranger.1, "AccessDenied", "grant s3:ListBucket on the bucket"),
    ] {
        let run = run(&moto, &file_manager, access, secret).await;
        assert_eq!(run.code, Some(1), "{code}: {}", run.output());
        run.assert_prints(code);
        run.assert_prints(hint);
        assert!(!run.output().contains(secret), "{}", run.output());
        assert_eq!(calls_about_files(&file_manager), 0, "{code}");
    }
    let run = run(&moto, &file_manager, &reader.0, &reader.1).await;
    assert_eq!(run.code, Some(0), "{}", run.output());
    assert_eq!(held(&file_manager), [("a b/ü+.txt".to_owned(), b"bytes".to_vec())].into());
}

async fn run(moto: &Moto, file_manager: &Running, access: &str, secret: &str) -> Ended {
    let sync = Sync::new(&moto.endpoint, file_manager).with("CUSTOMER_S3_ACCESS_KEY", access).with("CUSTOMER_S3_SECRET_KEY", secret);
    sync.run(&["initial-sync"]).await
}

/// A new user's access key and its secret.
async fn user(moto: &Moto, name: &str) -> (String, String) {
    iam(moto, &[("Action", "CreateUser"), ("UserName", name)]).await;
    let answer = iam(moto, &[("Action", "CreateAccessKey"), ("UserName", name)]).await;
    let element = |name: &str| {
        let (_, rest) = answer.split_once(&format!("<{name}>"))?;
        Some(rest.split_once("</")?.0.to_owned())
    };
    (element("AccessKeyId").expect("a key"), element("SecretAccessKey").expect("a secret"))
}

/// Allows the user everything in S3.
async fn allow(moto: &Moto, name: &str) {
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    iam(moto, &[("Action", "PutUserPolicy"), ("UserName", name), ("PolicyName", "all"), ("PolicyDocument", policy)]).await;
}

async fn iam(moto: &Moto, form: &[(&str, &str)]) -> String {
    let request = reqwest::Client::new()
        .post(&moto.endpoint)
        // moto selects its service by the one that the request was signed for.
        .header("Authorization", "AWS4-HMAC-SHA256 Credential=owner/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=any")
        .form(form);
    let answer = request.send().await.and_then(reqwest::Response::error_for_status).expect("moto's IAM does it");
    answer.text().await.expect("an answer in text")
}
