//! Tools of the benchmarks: medians, and memory and processor time of another process.

use std::fs;
use std::io;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// The time between two samples of a process. Use after the last sample is not seen.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(5);
/// The unit of processor time in `/proc`, which Linux's ABI fixes.
const TICKS_PER_SECOND: f64 = 100.0;

/// The resources that a process used.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Taken {
    pub(crate) peak_rss_kib: u64,
    pub(crate) cpu_seconds: f64,
}

/// Waits for the process and samples it meanwhile.
pub(crate) fn watched(process: &mut Child) -> (io::Result<ExitStatus>, Taken) {
    let ended = AtomicBool::new(false);
    let id = process.id();
    thread::scope(|scope| {
        let samples = scope.spawn(|| {
            let mut seen = Taken::default();
            while !ended.load(Ordering::Relaxed) {
                seen.peak_rss_kib = peak_rss_kib(id).unwrap_or(seen.peak_rss_kib);
                seen.cpu_seconds = cpu_seconds(id).unwrap_or(seen.cpu_seconds);
                thread::sleep(SAMPLE_INTERVAL);
            }
            seen
        });
        let status = process.wait();
        ended.store(true, Ordering::Relaxed);
        (status, samples.join().unwrap_or_default())
    })
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// The load of the machine in the last minute.
pub(crate) fn load() -> io::Result<String> {
    let load = fs::read_to_string("/proc/loadavg")?;
    Ok(format!("load average {}", load.split(' ').next().unwrap_or_default()))
}

fn peak_rss_kib(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

fn cpu_seconds(id: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The second field is the program's name in brackets; user and system time are fields 14 and 15.
    let ticks: Vec<f64> = stat.rsplit(')').next()?.split_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    (ticks.len() == 2).then(|| ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}
