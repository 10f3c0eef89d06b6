//! The volume with the state: full, used by two services, or written by the previous version.

use crate::crashes::in_sync;
use crate::engine::docker;
use crate::file_manager::hanging_creates;
use crate::stage::Stage;
use rusqlite::Connection;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

#[tokio::test(flavor = "multi_thread")]
async fn the_service_reports_a_full_volume_corrupts_nothing_and_goes_on_when_there_is_room() {
    let small = ["--driver", "local", "--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", "o=size=32m,uid=10001,gid=10001"];
    let stage = Stage::on(&small, "a/", 150).await;
    // Keeps the volume, whose content would disappear with the last container, and fills it except for a few pages.
    let holder = stage.shell("head -c 33460000 /dev/zero >/app/data/ballast; exec sleep infinity", Path::new("/tmp")).await;
    let full = stage.run(&["initial-sync"]).await.expect(1);
    full.says(&["/app/data/sync.db", "full"]);
    docker(&["exec", holder.id(), "rm", "/app/data/ballast"]).await;
    stage.run(&["initial-sync"]).await.expect(0);
    in_sync(&stage).await;
    holder.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_service_on_the_same_volume_ends_with_4_and_names_the_first() {
    let stage = Stage::with("a/", 5).await;
    let files = stage.files().await;
    files.order(&hanging_creates()).await;
    let enough = files.calls_in_all().await + 5;
    let first = stage.start(&["initial-sync"]).await;
    files.wait_for_calls(enough).await;
    let second = stage.run(&["initial-sync"]).await.expect(4);
    second.says(&["initial-sync"]);
    first.kill().await;
    files.no_faults().await;
    stage.run(&["initial-sync"]).await.expect(0);
    in_sync(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_of_another_bucket_is_refused_with_2_and_names_the_command_that_resolves_it() {
    let mut stage = Stage::with("a/", 2).await;
    stage.run(&["initial-sync"]).await.expect(0);
    stage.setting("CUSTOMER_S3_PREFIX", "a/");
    let refused = stage.run(&["daemon"]).await.expect(2);
    refused.says(&["--adopt", "--new-source", "docker compose run --rm sync-service initial-sync"]);
    stage.run(&["initial-sync", "--adopt"]).await.expect(0);
    in_sync(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_of_the_previous_schema_is_brought_up_to_date_and_nothing_is_sent_again() {
    let stage = Stage::with("a/", 5).await;
    let service = stage.start(&["initial-sync"]).await;
    service.ended().await.expect(0);
    let host = tempfile::tempdir().expect("a directory");
    fs::set_permissions(host.path(), Permissions::from_mode(0o755)).expect("the service may read it");
    docker(&["cp", &format!("{}:/app/data/.", service.id()), host.path().to_str().expect("a plain path")]).await;
    let newest = write_previous(&host.path().join("sync.db"), &host.path().join("previous.db"));
    let script = "rm /app/data/sync.db* && cp /host/previous.db /app/data/sync.db && chmod 600 /app/data/sync.db";
    stage.shell(script, host.path()).await.ended().await.expect(0);
    stage.bucket().await.put_many("new/", 2).await;
    let files = stage.files().await;
    files.forget_calls().await;
    let service = stage.start(&["initial-sync"]).await;
    service.ended().await.expect(0);
    let creates: Vec<_> = files.arrived().await.into_iter().filter(|call| call.starts_with("create")).collect();
    assert_eq!(creates, ["create new/000.txt", "create new/001.txt"]);
    in_sync(&stage).await;
    docker(&["cp", &format!("{}:/app/data/.", service.id()), host.path().to_str().expect("a plain path")]).await;
    assert_eq!(version(&host.path().join("sync.db")), newest);
}

/// Copies the database into one with the previous schema version, as far as that schema has a place for the data. Returns the
/// number of the newest version.
fn write_previous(database: &Path, previous: &Path) -> u32 {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/src/state/database/migrations");
    let mut migrations: Vec<PathBuf> = fs::read_dir(directory).expect("the migrations").map(|entry| entry.expect("one").path()).collect();
    migrations.sort();
    let older = &migrations[..migrations.len() - 1];
    let connection = Connection::open(previous).expect("a new database");
    connection.pragma_update(None, "foreign_keys", false).expect("a setting");
    for migration in older {
        connection.execute_batch(&fs::read_to_string(migration).expect("its text")).expect("it runs");
    }
    let newest_version = u32::try_from(migrations.len()).expect("a handful");
    connection.pragma_update(None, "user_version", newest_version - 1).expect("a number");
    connection.execute("ATTACH ?1 AS newest", [database.to_str().expect("a plain path")]).expect("the database");
    // These tables count rows while they are written, so the counts are copied, too.
    let triggers = column(&connection, "SELECT sql FROM main.sqlite_schema WHERE type = 'trigger'");
    for name in column(&connection, "SELECT name FROM main.sqlite_schema WHERE type = 'trigger'") {
        connection.execute_batch(&format!("DROP TRIGGER {name}")).expect("it is there");
    }
    for table in column(&connection, "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'") {
        let columns = |schema: &str| column(&connection, &format!("SELECT name FROM pragma_table_info('{table}', '{schema}')"));
        let newest = columns("newest");
        let common = columns("main").into_iter().filter(|column| newest.contains(column)).collect::<Vec<_>>().join(", ");
        if !common.is_empty() {
            // Rows that migrations insert, known by their first column. Rows of the newest migration are not among them.
            let seeded = column(
                &connection,
                &format!("SELECT name FROM pragma_table_info('{table}') WHERE EXISTS (SELECT 1 FROM main.{table}) LIMIT 1"),
            );
            let known = seeded.first().map(|key| format!("WHERE {key} IN (SELECT {key} FROM main.{table})")).unwrap_or_default();
            let copy = format!("INSERT OR REPLACE INTO main.{table} ({common}) SELECT {common} FROM newest.{table} {known}");
            connection.execute_batch(&copy).unwrap_or_else(|error| panic!("{copy}: {error}"));
        }
    }
    triggers.iter().for_each(|trigger| connection.execute_batch(trigger).expect("it was there before"));
    newest_version
}

fn column(connection: &Connection, query: &str) -> Vec<String> {
    let mut statement = connection.prepare(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let rows = statement.query_map([], |row| row.get(0)).expect("rows");
    rows.map(|row| row.expect("text")).collect()
}

fn version(database: &Path) -> u32 {
    let connection = Connection::open(database).expect("a database");
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a number")
}
