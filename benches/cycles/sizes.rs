//! The same hundred events in states of every size: the cost of a cycle must grow with the changes, not with the rows. The sizes
//! alternate.

use crate::changes::{Changes, ToDo};
use crate::endpoints::{Scene, must_have_done};
use crate::measuring::median;
use crate::plot::{Plot, Point};
use crate::{Bench, verdict};
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Rows of the states.
const SIZES: [u64; 6] = [10_000, 50_000, 200_000, 1_000_000, 2_000_000, 5_000_000];
/// Events of one cycle.
const EVENTS: u64 = 100;
/// Cycles of one round, for each size.
const CYCLES: usize = 5;
/// The target: the largest state's median divided by the smallest one's.
const RATIO: f64 = 1.5;

struct Subject {
    rows: u64,
    scene: Scene,
    changes: Changes,
    directory: PathBuf,
    milliseconds: Vec<f64>,
}

pub(crate) async fn run(bench: &Bench) -> Result<()> {
    let mut subjects = Vec::new();
    for rows in SIZES.into_iter().filter(|rows| *rows <= bench.most_rows) {
        let database = bench.state_of(rows).await?;
        let directory = database.parent().context("a file lies in a directory")?.to_owned();
        subjects.push(Subject {
            rows,
            scene: Scene::open(&database).await?,
            changes: Changes::of(rows),
            directory,
            milliseconds: Vec::new(),
        });
    }
    for subject in &mut subjects {
        // The first cycle warms the caches.
        subject.cycle().await?;
        subject.milliseconds.clear();
    }
    for _ in 0..CYCLES * bench.rounds {
        for subject in &mut subjects {
            subject.cycle().await?;
        }
    }
    println!("A cycle with {EVENTS} events and CSV_SNAPSHOTS=changed, {} cycles of each size in turns:", CYCLES * bench.rounds);
    let mut points = Vec::new();
    for subject in &subjects {
        let milliseconds = median(subject.milliseconds.clone());
        println!("  {:>9} rows: median {milliseconds:.1} ms", subject.rows);
        points.push(Point { rows: subject.rows, milliseconds });
    }
    let (Some(smallest), Some(largest)) = (points.first(), points.last()) else { return Ok(()) };
    let ratio = largest.milliseconds / smallest.milliseconds;
    println!("  {} rows take {ratio:.2} times what {} rows take, wanted {RATIO}: {}", largest.rows, smallest.rows, verdict(ratio <= RATIO));
    if let Some(path) = &bench.plot {
        fs::write(path, Plot { points: &points, bound: RATIO, events: EVENTS }.to_string())?;
    }
    Ok(())
}

impl Subject {
    async fn cycle(&mut self) -> Result<()> {
        let (events, to_do) = self.changes.make(EVENTS, &self.scene.bucket);
        self.scene.feed.publish(&events);
        let began = Instant::now();
        let ended = self.scene.cycle().await?;
        self.milliseconds.push(began.elapsed().as_secs_f64() * 1000.0);
        must_have_done(&ended, to_do)?;
        ensure!(self.scene.bucket.calls().lists == 0, "the bucket was listed");
        must_show(&self.directory, ended.report.run, to_do)
    }
}

/// Fails unless both snapshots of the run contain exactly the rows that differ.
fn must_show(directory: &Path, run: u64, to_do: ToDo) -> Result<()> {
    let kept = to_do.updated + to_do.permissions_set;
    let expected = [("old", kept + to_do.deleted + to_do.renamed), ("new", kept + to_do.created + to_do.renamed)];
    for (side, rows) in expected {
        let mut found = fs::read_dir(directory)?.filter_map(|entry| Some(entry.ok()?.path()));
        let ours = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with(&format!("sync_changes_{side}_")) && name.ends_with(&format!("_r{run}.csv"))
        };
        let path = found.find(ours).with_context(|| format!("run {run} wrote no snapshot of the {side} side"))?;
        let lines = fs::read_to_string(&path)?.lines().count() as u64;
        ensure!(lines == rows + 1, "{} has {lines} lines instead of {}", path.display(), rows + 1);
    }
    Ok(())
}
