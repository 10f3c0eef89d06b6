//! A day between a customer's bucket and a file manager, in seconds: an S3 server, a file manager and the service in one process,
//! on free ports of 127.0.0.1. Every number shown is read from the two servers.

mod customer;
#[cfg(test)]
mod readme;
mod stage;
mod verdict;

use customer::Customer;
use mock_api::{CallName, Fault, FaultAction};
use mock_s3::{Fault as S3Fault, Matcher};
use s3_sync::state::{RunKind, RunOutcome};
use stage::{Asked, Stage};
use std::collections::BTreeMap;
use verdict::Comparison;

/// In a test, the demo's output is compared with the README.
#[cfg(test)]
fn main() -> anyhow::Result<()> {
    if std::env::args().any(|argument| argument == readme::PLAY) { play() } else { readme::shows_what_the_demo_prints() }
}

#[cfg(not(test))]
fn main() -> anyhow::Result<()> {
    play()
}

#[tokio::main]
async fn play() -> anyhow::Result<()> {
    let data = tempfile::Builder::new().prefix("s3-sync-demo-").tempdir()?;
    let stage = Stage::set(data.path()).await?;
    let mut customer = Customer::default();
    println!("S3 Sync Service, the demo: a day in seconds. Everything runs in this process; nothing leaves this machine.");
    println!(
        "A customer's bucket ({} objects) is synced into a file manager ({} files).",
        customer::keys(&stage).len(),
        stage.file_manager().files().len()
    );
    first_day(&stage, &customer).await?;
    let ids = identities(&stage);
    morning(&stage, &mut customer).await?;
    outage(&stage, &mut customer).await?;
    reconcile(&stage, &customer).await?;
    mistake(&stage).await?;
    evening(&stage, &customer, &ids)?;
    stage.s3.stop().await;
    stage.files.stop().await;
    Ok(())
}

async fn first_day(stage: &Stage, customer: &Customer) -> anyhow::Result<()> {
    stage.scene("08:00", "Initial sync of the bucket, with faults on the way")?;
    println!("  Ordered faults: one wrong byte from S3; one 503 of the file manager, and one stored file whose response is lost.");
    stage.bucket().order(Matcher::operation("GetObject").key("welcome.txt").times(1), S3Fault::WrongByte(3));
    let files = stage.file_manager();
    files.order(Fault::new(FaultAction::status(503)).operation("create").skip(2));
    files.order(Fault::new(FaultAction::EffectThenReset).operation("create").skip(6));
    stage.run(RunKind::Initial, RunOutcome::Done).await?;
    in_sync(stage, customer)
}

async fn morning(stage: &Stage, customer: &mut Customer) -> anyhow::Result<()> {
    stage.scene("09:00", "The customer changes files; the feed reports it: one event is lost, two are repeated")?;
    customer::puts(stage, "invoices/2026-11.pdf", "%PDF, 100.00 EUR\n");
    let created = customer.sends_permissions(stage, "create", ("invoices/2026-11.pdf", "rw-------"));
    customer::puts(stage, "welcome.txt", "A new welcome.\n");
    customer.sends(stage, "create", "welcome.txt");
    customer::removes(stage, "windows-lines.txt");
    let deleted = customer.sends(stage, "delete", "windows-lines.txt");
    customer.renames(stage, "reports/growth 100%.csv", "reports/growth 101%.csv");
    customer.sends_move(stage, "rename", ("reports/growth 100%.csv", "reports/growth 101%.csv"));
    customer.sends_permissions(stage, "change_permission", ("logs/app.log.gz", "rw-r-----"));
    customer.renames(stage, "logs/app.log.gz", "archive/2026/app.log.gz");
    customer.sends_move(stage, "move", ("logs/app.log.gz", "archive/2026/app.log.gz"));
    customer.sends_permissions(stage, "change_permission", ("scripts/hello.py", "rwx------"));
    customer.repeats(created);
    customer.repeats(deleted);
    customer::puts(stage, "notes/event-lost.txt", "The event about this one is lost.\n");
    println!("  New: 2 objects (the event of one is lost). Changed: 1. Deleted: 1. Renamed: 1. Moved: 1. Permissions changed: 2, one of");
    println!("  them of the file that then moves. The feed has {} events.", customer.publishes(stage));
    let (_, asked) = stage.run(RunKind::Incremental, RunOutcome::Done).await?;
    anyhow::ensure!(asked.lists == 0, "a cycle lists nothing");
    println!("  So: no listing, one HEAD per path (and one more before the delete), no byte sent for a rename, a move or permissions.");
    println!("  Only the file of the lost event is missing so far:");
    let compared = Comparison::of(stage, customer);
    compared.show();
    anyhow::ensure!(compared.paths + 1 == compared.objects, "only the file of the lost event is missing");

    stage.scene("09:15", "The feed serves the same list again")?;
    let (report, asked) = stage.run(RunKind::Incremental, RunOutcome::Done).await?;
    anyhow::ensure!(report.quiet && asked == Asked::default(), "the same list again causes nothing");
    Ok(())
}

async fn outage(stage: &Stage, customer: &mut Customer) -> anyhow::Result<()> {
    stage.scene("11:00", "The file manager fails for a whole cycle: 503, or it closes the connection")?;
    customer::puts(stage, "NA", "Changed during the outage.\n");
    customer.sends(stage, "create", "NA");
    customer::puts(stage, "reports/q4.csv", "month,growth\n2026-12,102%\n");
    customer.sends(stage, "create", "reports/q4.csv");
    customer::removes(stage, "no-newline-at-the-end.txt");
    customer.sends(stage, "delete", "no-newline-at-the-end.txt");
    customer.sends_permissions(stage, "change_permission", ("site/index.html", "rw-r--r--"));
    customer.publishes(stage);
    let files = stage.file_manager();
    files.order(Fault::new(FaultAction::Reset).operation("update").always());
    files.order(Fault::new(FaultAction::status(503)).call(CallName::SaveToDisk).always());
    files.order(Fault::new(FaultAction::status(503)).call(CallName::UpdatePermissions).always());
    let (report, _) = stage.run(RunKind::Incremental, RunOutcome::Partial).await?;
    anyhow::ensure!(report.pending.parked == 4, "what failed is parked");

    files.clear_faults();
    stage.scene("11:02", "It is reachable again: due operations are completed, once, without further events")?;
    stage.run(RunKind::Incremental, RunOutcome::Done).await?;
    Ok(())
}

async fn reconcile(stage: &Stage, customer: &Customer) -> anyhow::Result<()> {
    stage.scene("14:00", "A reconcile lists the bucket, and finds the change that no event reported")?;
    stage.run(RunKind::Reconcile, RunOutcome::Done).await?;
    in_sync(stage, customer)
}

async fn mistake(stage: &Stage) -> anyhow::Result<()> {
    stage.scene("15:00", "The customer empties the bucket by mistake: the delete guard holds the deletes")?;
    let backup = customer::empties(stage);
    let (report, asked) = stage.run(RunKind::Reconcile, RunOutcome::Partial).await?;
    anyhow::ensure!(report.deletes_held == backup.len() as u64 && asked.effects == 0, "no delete is sent");

    stage.scene("15:30", "The bucket is restored from a backup: nothing differs, so nothing is sent")?;
    customer::restores(stage, backup);
    let (_, asked) = stage.run(RunKind::Reconcile, RunOutcome::Done).await?;
    anyhow::ensure!(asked.calls == 0, "nothing differs");
    Ok(())
}

fn evening(stage: &Stage, customer: &Customer, morning: &BTreeMap<String, String>) -> anyhow::Result<()> {
    stage.scene("18:00", "The verdict: the demo compares both sides itself")?;
    let now = identities(stage);
    let ways = [
        ("welcome.txt", "welcome.txt"),
        ("reports/growth 100%.csv", "reports/growth 101%.csv"),
        ("logs/app.log.gz", "archive/2026/app.log.gz"),
    ];
    let kept = ways.iter().filter(|(then, later)| morning.get(*then).is_some_and(|id| now.get(*later) == Some(id))).count();
    println!("  kept      {kept} of {} files that were changed, renamed or moved still have their id of the morning", ways.len());
    in_sync(stage, customer)?;
    anyhow::ensure!(kept == ways.len(), "a file lost its identity");
    println!("IN SYNC. Next: point it at your own bucket, as the README shows; `s3-sync test` checks every endpoint first.");
    Ok(())
}

/// Compares both sides. A difference ends the demo.
fn in_sync(stage: &Stage, customer: &Customer) -> anyhow::Result<()> {
    let compared = Comparison::of(stage, customer);
    compared.show();
    anyhow::ensure!(compared.in_sync(), "NOT in sync: {compared:?}");
    Ok(())
}

/// The file manager's own ids.
fn identities(stage: &Stage) -> BTreeMap<String, String> {
    stage.file_manager().files().into_iter().map(|(path, file)| (path, file.internal_id.to_string())).collect()
}
