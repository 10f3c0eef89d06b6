//! The bearer check: on all five calls, before any other check, and never stored in the ledger.

use crate::client::{Save, double_with, said};
use mock_api::Options;

#[tokio::test]
async fn a_request_without_the_token_has_no_effect_and_one_with_it_succeeds() {
    let double = double_with(Options { token: Some("secret".to_owned()), ..Options::default() }).await;
    for target in ["/", "/pubSubFullList"] {
        assert_eq!(double.get(target).await.status, 401, "{target}");
    }
    assert_eq!(double.report("{}").await.status, 401);
    assert_eq!(double.permissions(&[("file_path", "a"), ("owner", "me")], None).await.status, 401);
    let create = Save::new("create", "a").file(b"x").key("k");
    for header in [None, Some("Bearer wrong"), Some("Bearer secret2"), Some("secret"), Some("Basic secret")] {
        let request = double.request(&create);
        let request = if let Some(header) = header { request.header("Authorization", header) } else { request };
        let response = request.send().await.expect("an answer");
        assert_eq!(response.headers()["www-authenticate"], "Bearer", "{header:?}");
        assert_eq!(response.status(), 401, "{header:?}");
    }
    assert!(double.api().files().is_empty());
    let right = double.request(&create).bearer_auth("secret").send().await.expect("an answer");
    let right = said(right).await;
    assert_eq!((right.status, right.replayed), (200, false));
}

#[tokio::test]
async fn a_refusal_waits_for_the_body_so_that_its_client_can_read_it() {
    let double = double_with(Options { token: Some("secret".to_owned()), ..Options::default() }).await;
    let large = vec![7; 8 * 1024 * 1024];
    let said = double.save(Save::new("create", "a").file(&large)).await;
    assert_eq!(said.status, 401);
}
