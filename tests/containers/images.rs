//! What the images are: how large, whose, and what stands in them.

use crate::engine::docker;
use crate::stage::image;

/// Above the base. A build with the quick profile is larger than a release.
const MEGABYTES_ABOVE_BASE: u64 = 40;

#[tokio::test(flavor = "multi_thread")]
async fn the_service_image_is_small_unprivileged_labelled_and_checks_itself() {
    let image = image("SYNC_IMAGE");
    let told = docker(&["image", "inspect", &image]).await;
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    let config = &told[0]["Config"];
    assert_eq!(config["User"], "10001:10001");
    assert_eq!(config["Entrypoint"], serde_json::json!(["s3-sync"]));
    assert_eq!(config["Cmd"], serde_json::json!(["daemon"]));
    assert_eq!(config["Healthcheck"]["Test"], serde_json::json!(["CMD", "s3-sync", "health"]));
    assert_eq!(config["Volumes"], serde_json::json!({"/app/data": {}}));
    for label in ["title", "description", "licenses", "version", "revision", "created"] {
        assert!(config["Labels"][format!("org.opencontainers.image.{label}")].is_string(), "{label}");
    }
    let variables: Vec<_> = config["Env"].as_array().expect("a list").iter().filter_map(|one| one.as_str()?.split('=').next()).collect();
    assert_eq!(variables, ["PATH", "DATABASE_PATH"], "no secret, and nothing that settings would say");
    // Every layer but those of the base.
    let sizes = docker(&["history", "--human=false", "--format", "{{.Size}} {{.CreatedBy}}", &image]).await;
    let ours = sizes.lines().take_while(|line| !line.contains("ADD file") && !line.contains("bash") && line.split_once(' ').is_some_and(|(_, by)| !by.trim().is_empty()));
    let bytes: u64 = ours.filter_map(|line| line.split(' ').next()?.parse::<u64>().ok()).sum();
    assert!(bytes <= MEGABYTES_ABOVE_BASE * 1_000_000, "{bytes} bytes above the base:\n{sizes}");
    println!("{image}: {bytes} bytes above its base");
}
