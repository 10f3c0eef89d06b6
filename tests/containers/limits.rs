//! The service under its memory limit of 128 MiB: with many objects, with a large one, and idle. The kernel measures.

use crate::engine::docker;
use crate::service::Service;
use crate::stage::Stage;
use std::fs;
use std::time::{Duration, Instant};

const OBJECTS: usize = 50_000;
const LARGE_BYTES: u64 = 2 << 30;
/// Long enough for every timer to fire several times.
const IDLE: Duration = Duration::from_secs(90);
/// A fraction of one core.
const IDLE_CPU_PERCENT: f64 = 0.1;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_thousand_objects_and_one_of_two_gib_fit_into_the_limit() {
    let stage = Stage::with("a/", 0).await;
    let bucket = stage.bucket().await;
    bucket.put_very_many("many/", OBJECTS).await;
    bucket.put_large("large.bin", LARGE_BYTES).await;
    let began = Instant::now();
    let daemon = stage.start(&["daemon"]).await;
    daemon.healthy().await;
    println!("start to the first healthy answer: {:.1} s", began.elapsed().as_secs_f64());
    // Its first initial sync has begun; this one comes after it.
    daemon.ask("initial-sync").await.well();
    println!("two initial syncs of {OBJECTS} objects and one of {LARGE_BYTES} bytes: {:.0} s", began.elapsed().as_secs_f64());
    assert_eq!(stage.files().await.digests().await.len(), OBJECTS + 1);
    let memory = Memory::of(&daemon).await;
    println!("{memory:#?}");
    assert_eq!(memory.oom_kills, 0);
    assert!(memory.peak_resident_mib < memory.limit_mib, "{memory:#?}");
    daemon.stop(40).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_daemon_stays_within_its_limits() {
    let stage = Stage::with("a/", 20).await;
    let daemon = stage.start_unchecked(&["daemon"]).await;
    daemon.healthy().await;
    daemon.ask("initial-sync").await.well();
    let alone = idle(&daemon).await;
    println!("idle: {alone:.3} % of a core; {:#?}", Memory::of(&daemon).await);
    daemon.stop(40).await.expect(0);
    let daemon = stage.start(&["daemon"]).await;
    daemon.healthy().await;
    println!("idle with the health check of the image: {:.3} % of a core", idle(&daemon).await);
    daemon.stop(40).await.expect(0);
    assert!(alone <= IDLE_CPU_PERCENT, "{alone:.3} % of a core");
}

/// The memory of a container, from the kernel.
#[derive(Debug)]
#[expect(dead_code, reason = "it is printed")]
struct Memory {
    limit_mib: u64,
    /// All accounted memory, including the page cache. It may reach the limit without a kill.
    peak_mib: u64,
    /// Only the memory of the process.
    peak_resident_mib: u64,
    now_resident_mib: u64,
    oom_kills: u64,
}

impl Memory {
    async fn of(daemon: &Service) -> Self {
        let mib = |bytes: u64| bytes >> 20;
        Self {
            limit_mib: mib(of_cgroup(daemon, "cat memory.max", "cat memory/memory.limit_in_bytes").await),
            peak_mib: mib(of_cgroup(daemon, "cat memory.peak", "cat memory/memory.max_usage_in_bytes").await),
            peak_resident_mib: number(daemon, "awk '/VmHWM/ { print int($2 / 1024) }' /proc/1/status").await,
            now_resident_mib: number(daemon, "awk '/VmRSS/ { print int($2 / 1024) }' /proc/1/status").await,
            oom_kills: of_cgroup(daemon, "sed -n 's/^oom_kill //p' memory.events", "sed -n 's/^oom_kill //p' memory/memory.oom_control")
                .await,
        }
    }
}

/// There are two versions of control groups, with different file names.
async fn of_cgroup(daemon: &Service, newer: &str, older: &str) -> u64 {
    number(daemon, &format!("cd /sys/fs/cgroup; {newer} 2>/dev/null || {older}")).await
}

async fn number(daemon: &Service, script: &str) -> u64 {
    let printed = docker(&["exec", daemon.id(), "bash", "-c", script]).await;
    printed.parse().unwrap_or_else(|_| panic!("{script}: {printed:?} is no number"))
}

/// The processor use of its control group, in cores, while no client calls it. Read from outside, because a read from inside
/// would count.
async fn idle(daemon: &Service) -> f64 {
    // The work after a run is done by then.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let pid = docker(&["inspect", "--format", "{{.State.Pid}}", daemon.id()]).await;
    let (began, before) = (Instant::now(), cpu_seconds(&pid));
    tokio::time::sleep(IDLE).await;
    100.0 * (cpu_seconds(&pid) - before) / began.elapsed().as_secs_f64()
}

/// The processor time of a process's control group so far.
fn cpu_seconds(pid: &str) -> f64 {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).expect("the process is one of this machine");
    let older = groups.lines().find_map(|line| line.split_once(":cpuacct:").or_else(|| line.split_once(":cpu,cpuacct:")));
    if let Some((_, path)) = older {
        let nanoseconds = fs::read_to_string(format!("/sys/fs/cgroup/cpuacct{path}/cpuacct.usage")).expect("its usage");
        return nanoseconds.trim().parse::<f64>().expect("a number") / 1e9;
    }
    let path = groups.lines().find_map(|line| line.strip_prefix("0::")).expect("a control group");
    let usage = fs::read_to_string(format!("/sys/fs/cgroup{path}/cpu.stat")).expect("its usage");
    let microseconds = usage.lines().find_map(|line| line.strip_prefix("usage_usec ")).expect("a number");
    microseconds.parse::<f64>().expect("a number") / 1e6
}
