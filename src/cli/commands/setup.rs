//! `setup`: waits until every endpoint answers, creates missing buckets, and fills an empty bucket from a directory. It never changes
//! existing content, so running it again changes nothing.

use crate::app::connectivity::{self, CheckResult};
use crate::app::{ExitCode, endpoints};
use crate::cli::Output;
use crate::cli::args::Setup as Arguments;
use crate::cli::failure::fail;
use crate::config::Settings;
use crate::record::{Escaped, ObjectKey, PageCursor};
use crate::s3::{
    AwsBucket, ListObjects as _, ListRequest, PutFile, ReadObjects as _, S3Error, S3ErrorKind, SetUpBucket as _, content_type_of,
};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The wait before unreachable endpoints are checked again. It is short, because a starting server is soon reachable.
const PAUSE: Duration = Duration::from_millis(500);

/// The result of the command.
#[derive(Debug, Serialize)]
struct Setup {
    /// True if everything is as requested.
    success: bool,
    #[serde(rename = "doors")]
    endpoints: Vec<CheckResult>,
    buckets: Vec<Bucket>,
    /// The result of `--seed`; `null` = it was not given.
    seed: Option<Seed>,
}

#[derive(Debug, Serialize)]
struct Bucket {
    bucket: String,
    /// `there` or `created`.
    result: &'static str,
}

#[derive(Debug, Serialize)]
struct Seed {
    directory: String,
    /// `seeded`, or `left alone` if the bucket was not empty.
    result: &'static str,
    objects: u64,
}

/// A configured bucket with its client.
struct BucketEndpoint {
    name: &'static str,
    bucket: String,
    client: AwsBucket,
}

/// Runs the command. The exit code is 0 if everything is as requested, else 1.
pub(crate) async fn run<W: Write>(arguments: &Arguments, settings: &Settings, output: &mut Output<W>) -> ExitCode {
    let setup = match set_up(arguments, settings).await {
        Ok(setup) => setup,
        Err(error) => return fail(ExitCode::Failed, error),
    };
    if let Err(error) = output.print(&setup) {
        return fail(ExitCode::Failed, format!("the result cannot be printed: {error}"));
    }
    if setup.success { ExitCode::Done } else { ExitCode::Failed }
}

async fn set_up(arguments: &Arguments, settings: &Settings) -> anyhow::Result<Setup> {
    let files = arguments.seed.as_deref().map(files_of).transpose()?;
    let buckets = bucket_endpoints(settings).await?;
    let endpoints = wait_for_endpoints(settings, &buckets, Duration::from_secs(arguments.wait)).await;
    let mut setup =
        Setup { success: endpoints.iter().all(|endpoint| endpoint.problem().is_none()), endpoints, buckets: Vec::new(), seed: None };
    if !setup.success {
        return Ok(setup);
    }
    for endpoint in &buckets {
        setup.buckets.push(Bucket { bucket: endpoint.bucket.clone(), result: ensure_bucket(endpoint, arguments.create_buckets).await? });
    }
    if let (Some(files), Some(directory), Some(customer)) = (files, &arguments.seed, buckets.first()) {
        setup.seed = Some(seed_bucket(&customer.client, directory, files).await?);
    }
    Ok(setup)
}

/// The configured buckets, the customer's first.
async fn bucket_endpoints(settings: &Settings) -> anyhow::Result<Vec<BucketEndpoint>> {
    let bucket = settings.require_bucket()?.to_owned();
    let client = endpoints::bucket(settings, &bucket).await?;
    let mut found = vec![BucketEndpoint { name: "S3", bucket, client }];
    if let Some(bucket) = settings.target.bucket.clone() {
        let client = endpoints::target(settings, &bucket).await?;
        found.push(BucketEndpoint { name: "target S3", bucket, client });
    }
    Ok(found)
}

/// Checks the endpoints until all of them answer or `patience` has passed.
async fn wait_for_endpoints(settings: &Settings, buckets: &[BucketEndpoint], patience: Duration) -> Vec<CheckResult> {
    let deadline = Instant::now() + patience;
    let mut logged = Vec::new();
    loop {
        let mut tried = Vec::new();
        for endpoint in buckets {
            tried.push(check_store(endpoint).await);
        }
        tried.extend(connectivity::sinks(settings).await);
        if settings.events_url.is_some() {
            tried.push(connectivity::events(settings).await);
        }
        let unreachable: Vec<_> =
            tried.iter().filter(|endpoint| endpoint.problem().is_some()).map(|endpoint| endpoint.endpoint.clone()).collect();
        if unreachable.is_empty() || Instant::now() + PAUSE > deadline {
            return tried;
        }
        if unreachable != logged {
            tracing::info!(endpoints = unreachable.join(", "), "waiting for unreachable endpoints");
            logged = unreachable;
        }
        sleep(PAUSE).await;
    }
}

/// Checks that a store answers and accepts our credentials. The bucket need not exist.
async fn check_store(endpoint: &BucketEndpoint) -> CheckResult {
    let call = async {
        match has_objects(&endpoint.client).await {
            Ok(_) => Ok(format!("the store of bucket {} answers", endpoint.bucket)),
            Err(error) if error.kind == S3ErrorKind::NoSuchBucket => Ok("the store answers".to_owned()),
            Err(error) => Err(error),
        }
    };
    let hint = |error: &S3Error| error.kind.hint().replace("CUSTOMER_S3_", prefix(endpoint));
    connectivity::check_endpoint(endpoint.name, call, hint, (connectivity::no_answer(), "check the address and the network to it")).await
}

/// True if the bucket has any object. Lists instead of a HEAD, because the response to a HEAD has no body that could name the error.
async fn has_objects(client: &AwsBucket) -> Result<bool, S3Error> {
    let page = client.list_page(ListRequest { prefix: String::new(), from: PageCursor::Start, max_keys: 1 }).await?;
    Ok(!page.objects.is_empty())
}

fn prefix(endpoint: &BucketEndpoint) -> &'static str {
    if endpoint.name == "S3" { "CUSTOMER_S3_" } else { "TARGET_S3_" }
}

/// Ensures that the bucket exists.
async fn ensure_bucket(endpoint: &BucketEndpoint, create: bool) -> anyhow::Result<&'static str> {
    match endpoint.client.head_bucket().await {
        Ok(()) => return Ok("there"),
        Err(error) if error.kind != S3ErrorKind::NoSuchBucket => return Err(error.into()),
        Err(_) if create => {}
        Err(_) => anyhow::bail!("there is no bucket {}: --create-buckets makes it, or correct {}BUCKET", endpoint.bucket, prefix(endpoint)),
    }
    let Err(error) = endpoint.client.create_bucket().await else { return Ok("created") };
    // Another process may have created it at the same time.
    if endpoint.client.head_bucket().await.is_ok() { Ok("there") } else { Err(error.into()) }
}

async fn seed_bucket(client: &AwsBucket, directory: &Path, files: BTreeMap<ObjectKey, PathBuf>) -> anyhow::Result<Seed> {
    let directory = Escaped(&directory.display().to_string()).to_string();
    if has_objects(client).await? {
        return Ok(Seed { directory, result: "left alone", objects: 0 });
    }
    let mut objects = 0;
    for (key, file) in files {
        let content_type = content_type_of(key.as_str());
        client.put_file(PutFile { key, file, content_type }).await?;
        objects += 1;
    }
    Ok(Seed { directory, result: "seeded", objects })
}

/// The files below the directory, by their keys. Links to directories are not followed, because they may form a cycle.
fn files_of(root: &Path) -> io::Result<BTreeMap<ObjectKey, PathBuf>> {
    let with_path = |path: &Path, error: &dyn fmt::Display| io::Error::other(format!("--seed: {}: {error}", path.display()));
    let mut files = BTreeMap::new();
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).map_err(|error| with_path(&directory, &error))? {
            let entry = entry.map_err(|error| with_path(&directory, &error))?;
            let path = entry.path();
            if entry.file_type().map_err(|error| with_path(&path, &error))?.is_dir() {
                directories.push(path);
                continue;
            }
            if !path.is_file() {
                continue;
            }
            let relative = path.strip_prefix(root).unwrap_or(&path);
            let parts: Option<Vec<_>> = relative.iter().map(|part| part.to_str()).collect();
            let key = parts.ok_or_else(|| with_path(&path, &"the name is not UTF-8"))?.join("/");
            let key = ObjectKey::new(key).map_err(|error| with_path(&path, &error))?;
            files.insert(key, path);
        }
    }
    Ok(files)
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for endpoint in &self.endpoints {
            writeln!(f, "{:<10} {:<14} {}", endpoint.result, endpoint.endpoint, endpoint.message)?;
            if let Some(hint) = &endpoint.hint {
                writeln!(f, "{:<10} {:<14} -> {hint}", "", "")?;
            }
        }
        for bucket in &self.buckets {
            writeln!(f, "{:<10} {:<14} {}", bucket.result, "bucket", bucket.bucket)?;
        }
        if let Some(Seed { directory, result, objects }) = &self.seed {
            let what = if *result == "seeded" { format!("{objects} objects from {directory}") } else { "it is not empty".to_owned() };
            writeln!(f, "{result:<10} {:<14} {what}", "bucket")?;
        }
        f.write_str(if self.success {
            "everything is set up"
        } else {
            "not every endpoint is reachable: follow the hints (->), then run this again"
        })
    }
}
