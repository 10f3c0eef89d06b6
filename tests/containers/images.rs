//! The images: their size, their user, and their content.

use crate::engine::docker;
use crate::stage::image;

/// How much larger than its base a release may be. A build with a quicker profile is larger.
const RELEASE_BYTES: u64 = 40_000_000;
const OTHER_BYTES: u64 = 60_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn the_service_image_is_small_unprivileged_labelled_and_checks_itself() {
    let image = image("SYNC_IMAGE");
    let inspected = docker(&["image", "inspect", &image]).await;
    let inspected: serde_json::Value = serde_json::from_str(&inspected).expect("JSON");
    let config = &inspected[0]["Config"];
    assert_eq!(config["User"], "10001:10001");
    assert_eq!(config["Entrypoint"], serde_json::json!(["s3-sync"]));
    assert_eq!(config["Cmd"], serde_json::json!(["daemon"]));
    assert_eq!(config["Healthcheck"]["Test"], serde_json::json!(["CMD", "s3-sync", "health"]));
    assert_eq!(config["Volumes"], serde_json::json!({"/app/data": {}}));
    for label in ["title", "description", "licenses", "version", "revision", "created"] {
        assert!(config["Labels"][format!("org.opencontainers.image.{label}")].is_string(), "{label}");
    }
    assert_eq!(config["Labels"]["org.opencontainers.image.version"], env!("CARGO_PKG_VERSION"));
    let variables: Vec<_> = config["Env"].as_array().expect("a list").iter().filter_map(|one| one.as_str()?.split('=').next()).collect();
    assert_eq!(variables, ["PATH", "DATABASE_PATH"], "no secret, and nothing that settings would say");
    // Every layer above the base, newest first. An imported base has no history, an official one adds files.
    let sizes = docker(&["history", "--no-trunc", "--human=false", "--format", "{{.Size}} {{.CreatedBy}}", &image]).await;
    let of_the_base =
        |line: &str| line.split_once(' ').is_none_or(|(_, by)| by.trim().is_empty() || by.contains("debian.sh") || by.contains("ADD file"));
    let ours = sizes.lines().take_while(|line| !of_the_base(line));
    let bytes: u64 = ours.filter_map(|line| line.split(' ').next()?.parse::<u64>().ok()).sum();
    let profile = config["Labels"]["s3-sync.profile"].as_str().expect("the profile that it was built with");
    let limit = if profile == "release" { RELEASE_BYTES } else { OTHER_BYTES };
    assert!(bytes <= limit, "{bytes} bytes above the base:\n{sizes}");
    println!("{image} ({profile}): {bytes} bytes above its base");
}
