//! The two processes that are compared, and how long, how much memory and how much processor time each takes.

use crate::servers::{ACCESS_KEY, BUCKET, FileManager, S3, SECRET_KEY};
use anyhow::{Context as _, Result, ensure};
use s3_sync::config::TABLE;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Between two looks at a process's memory. The peak that the kernel keeps can only be missed if it falls into the last of these.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);
/// The unit of processor time in `/proc`: fixed in Linux's interface to programs.
const TICKS_PER_SECOND: f64 = 100.0;

/// Who runs.
#[derive(Clone, Copy)]
pub(crate) enum Contestant {
    /// `s3-sync initial-sync`, with an empty state.
    Product,
    /// `bare_loop.rs`.
    BareLoop,
}

/// What one run took, from the start of its process to its end.
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
        let (ended, (peak_rss_kib, cpu_seconds)) = watched(&mut process);
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

/// Waits for the process and looks at it meanwhile: its peak memory and its processor time.
fn watched(process: &mut Child) -> (std::io::Result<std::process::ExitStatus>, (u64, f64)) {
    let ended = AtomicBool::new(false);
    let id = process.id();
    thread::scope(|scope| {
        let looks = scope.spawn(|| {
            let mut seen = (0, 0.0);
            while !ended.load(Ordering::Relaxed) {
                seen = (peak_rss_kib(id).unwrap_or(seen.0), cpu_seconds(id).unwrap_or(seen.1));
                thread::sleep(LOOK_INTERVAL);
            }
            seen
        });
        let status = process.wait();
        ended.store(true, Ordering::Relaxed);
        (status, looks.join().unwrap_or_default())
    })
}

fn peak_rss_kib(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

fn cpu_seconds(id: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The second field is the program's name in brackets; user and system time are the 14th and the 15th.
    let ticks: Vec<f64> = stat.rsplit(')').next()?.split_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    (ticks.len() == 2).then(|| ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}

/// What `CONCURRENCY` is when nobody says: both sides are measured with it.
pub(crate) fn product_default_concurrency() -> Result<usize> {
    let setting = TABLE.iter().find(|setting| setting.name == "CONCURRENCY").context("CONCURRENCY is a setting")?;
    Ok(setting.default.context("CONCURRENCY has a default")?.parse()?)
}
