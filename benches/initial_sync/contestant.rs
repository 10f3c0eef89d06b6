//! The two processes that are compared, with their duration, memory and processor time.

use crate::measuring::{self, Taken};
use crate::servers::{ACCESS_KEY, BUCKET, FileManager, S3, SECRET_KEY};
use anyhow::{Context as _, Result, ensure};
use s3_sync::config::TABLE;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// The process to run.
#[derive(Clone, Copy)]
pub(crate) enum Contestant {
    /// `s3-sync initial-sync`, with an empty state.
    Product,
    /// `bare_loop.rs`.
    BareLoop,
}

/// The cost of one run, from the start of its process to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_rss_kib: u64,
}

impl Contestant {
    pub(crate) fn run(self, programs: &Path, directory: &Path, (s3, file_manager): (&S3, &FileManager), concurrency: usize) -> Result<Run> {
        let mut command = match self {
            Self::Product => product(programs, directory, s3, file_manager, concurrency),
            Self::BareLoop => bare_loop(s3, file_manager, concurrency)?,
        };
        let output = fs::File::create(directory.join("output"))?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let began = Instant::now();
        let mut process = command.spawn()?;
        let (ended, Taken { peak_rss_kib, cpu_seconds }) = measuring::watched(&mut process);
        let seconds = began.elapsed().as_secs_f64();
        let words = fs::read_to_string(directory.join("output"))?;
        ensure!(ended?.success(), "it failed:\n{words}");
        ensure!(peak_rss_kib > 0, "its memory was never seen");
        Ok(Run { seconds, cpu_seconds, peak_rss_kib })
    }
}

fn product(programs: &Path, directory: &Path, s3: &S3, file_manager: &FileManager, concurrency: usize) -> Command {
    let mut command = Command::new(programs.join("s3-sync"));
    command.args(["initial-sync", "--json"]).current_dir(directory).env_clear().envs([
        ("CUSTOMER_S3_ENDPOINT", s3.endpoint()),
        ("CUSTOMER_S3_BUCKET", BUCKET),
        ("CUSTOMER_S3_ACCESS_KEY", ACCESS_KEY),
        ("CUSTOMER_S3_SECRET_KEY", SECRET_KEY),
        ("FILE_MANAGER_API_URL", file_manager.address()),
        ("EVENTS_API_URL", file_manager.address()),
        ("DATABASE_PATH", "data/sync.db"),
        ("CONCURRENCY", &concurrency.to_string()),
    ]);
    command
}

fn bare_loop(s3: &S3, file_manager: &FileManager, concurrency: usize) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    let addresses = ["bare-loop", "--endpoint", s3.endpoint(), "--file-manager", file_manager.address()];
    command.args(addresses).args(["--at-a-time", &concurrency.to_string()]).env_clear();
    Ok(command)
}

/// The default of `CONCURRENCY`, which both processes use.
pub(crate) fn product_default_concurrency() -> Result<usize> {
    let setting = TABLE.iter().find(|setting| setting.name == "CONCURRENCY").context("CONCURRENCY is a setting")?;
    Ok(setting.default.context("CONCURRENCY has a default")?.parse()?)
}
