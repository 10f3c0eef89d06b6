//! The main job on embedded defaults: an S3 server, a file manager and the real commands in one process, on free ports of
//! 127.0.0.1. It stages and narrates; whatever it shows was asked of the two servers, never assumed.

use mock_api::{Contents, Fault, FaultAction, MockApi};
use mock_s3::{Fault as S3Fault, Matcher, MockS3};
use s3_sync::cli::{self, Cli, ExitCode, Interruption};
use s3_sync::config::{self, Layer, Layers, Place, Settings};
use sha2::{Digest, Sha256};
use std::path::Path;

const BUCKET: &str = "customer-bucket";
const TEST_DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/test-data");

/// The two servers, and the settings that lead to them.
struct Stage {
    s3: mock_s3::Running,
    files: mock_api::Running,
    settings: Settings,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let data = tempfile::Builder::new().prefix("s3-sync-demo-").tempdir()?;
    let stage = Stage::set(data.path()).await?;
    println!("S3 Sync Service, the demo: everything runs in this process, and nothing leaves this machine.\n");
    println!("  a customer's bucket   {} ({BUCKET}: {} objects from test-data/)", stage.s3.endpoint(), stage.objects().len());
    println!("  a file manager        {} ({} files)", stage.files.url(), stage.files.api().files().len());

    scene("1. The bucket arrives, although things go wrong on the way");
    stage.order_trouble();
    println!("  Ordered: S3 sends wrong bytes for welcome.txt, once. The file manager answers 503 once,");
    println!("  and once it stores a file and the connection breaks before we hear of it.\n");
    stage.command(&["initial-sync"], ExitCode::Done).await?;
    stage.prove()?;
    stage.show_some_files();

    scene("2. The same again: nothing differs, so nothing is sent");
    let before = stage.files.api().effects().total;
    stage.command(&["initial-sync"], ExitCode::Done).await?;
    println!("\n  Effects in the file manager: {}.", stage.files.api().effects().total - before);

    scene("3. The customer changes one object, deletes one and adds one");
    println!("  Changed: welcome.txt. Deleted: reports/growth 100%.csv. New: reports/growth 101%.csv.\n");
    let id = stage.id_of("welcome.txt");
    stage.bucket().put(BUCKET, "welcome.txt", "A new welcome.\n", Some("text/plain"));
    stage.bucket().remove(BUCKET, "reports/growth 100%.csv");
    stage.bucket().put(BUCKET, "reports/growth 101%.csv", "month,growth\n2026-11,101%\n", Some("text/csv"));
    stage.command(&["initial-sync"], ExitCode::Done).await?;
    stage.prove()?;
    println!("  welcome.txt has new content under its old id: {}.", yes_or_no(id == stage.id_of("welcome.txt")));

    scene("4. Somebody empties the bucket by mistake: the guard holds the deletes, and exit code 5 says so");
    for object in stage.objects() {
        stage.bucket().remove(BUCKET, &object);
    }
    stage.command(&["initial-sync"], ExitCode::DeletesHeld).await?;
    println!("\n  Files in the file manager: still {}.", stage.files.api().files().len());

    scene("5. What it knows about all this");
    stage.command(&["status"], ExitCode::Done).await?;
    println!("\nNext: point it at your own bucket, as the README shows; `s3-sync test` checks every door first.");
    stage.s3.stop().await;
    stage.files.stop().await;
    Ok(())
}

fn scene(title: &str) {
    println!("\n== {title}\n");
}

fn yes_or_no(holds: bool) -> &'static str {
    if holds { "yes" } else { "NO" }
}

impl Stage {
    async fn set(data: &Path) -> anyhow::Result<Self> {
        let bucket = MockS3::new(mock_s3::Options::default());
        bucket.create_bucket(BUCKET);
        bucket.put_directory(BUCKET, Path::new(TEST_DATA))?;
        bucket.put(BUCKET, "reports/", "", None);
        let s3 = bucket.start("127.0.0.1:0").await?;
        let files = MockApi::new(mock_api::Options { contents: Contents::Hashed, ..mock_api::Options::default() });
        let files = files.start("127.0.0.1:0").await?;
        let options = s3.server().options();
        let given = [
            ("CUSTOMER_S3_ENDPOINT", s3.endpoint().to_owned()),
            ("CUSTOMER_S3_ACCESS_KEY", options.access_key.clone()),
            ("CUSTOMER_S3_SECRET_KEY", options.secret_key.clone()),
            ("CUSTOMER_S3_BUCKET", BUCKET.to_owned()),
            ("FILE_MANAGER_API_URL", files.url()),
            ("EVENTS_API_URL", files.url()),
            ("DATABASE_PATH", data.join("sync.db").to_string_lossy().into_owned()),
        ];
        let given = Layer::new(&Place::Environment, given.iter().map(|(name, value)| (*name, value.as_str())));
        let no_secret_files = |path: &Path| Err(format!("the demo reads no secret from {}", path.display()));
        let settings = config::resolve(Layers { layers: vec![given], problems: Vec::new() }, &[], &no_secret_files)?;
        Ok(Self { s3, files, settings })
    }

    fn bucket(&self) -> &MockS3 {
        self.s3.server()
    }

    /// The keys of all objects that are files.
    fn objects(&self) -> Vec<String> {
        let objects = self.bucket().objects(BUCKET);
        objects.into_iter().map(|object| object.key).filter(|key| !key.ends_with('/')).collect()
    }

    fn order_trouble(&self) {
        self.bucket().order(Matcher::operation("GetObject").key("welcome.txt").times(1), S3Fault::WrongByte(3));
        let files = self.files.api();
        files.order(Fault::new(FaultAction::status(503)).operation("create").skip(2));
        files.order(Fault::new(FaultAction::EffectThenReset).operation("create").skip(6));
    }

    /// Types a command, as `s3-sync …` would be typed.
    async fn command(&self, arguments: &[&str], expected: ExitCode) -> anyhow::Result<()> {
        println!("$ s3-sync {}", arguments.join(" "));
        let typed = std::iter::once("s3-sync").chain(arguments.iter().copied()).map(Into::into);
        let cli = Cli::from_arguments(typed).map_err(|code| anyhow::anyhow!("not a command: exit code {}", code.number()))?;
        let code = Box::pin(cli::run(cli, self.settings.clone(), &Interruption::default())).await;
        println!("exit code {}", code.number());
        anyhow::ensure!(code == expected, "expected exit code {}", expected.number());
        Ok(())
    }

    /// Holds the file manager against the bucket: every object there, byte for byte, and each effect once.
    fn prove(&self) -> anyhow::Result<()> {
        let files = self.files.api().files();
        let objects = self.objects();
        let equal = objects.iter().filter(|key| {
            let body = self.bucket().body(BUCKET, key).unwrap_or_default();
            files.get(*key).is_some_and(|file| file.sha256 == hex(&body))
        });
        let equal = equal.count();
        let effects = self.files.api().effects();
        let twice = effects.by_key.values().filter(|count| **count > 1).count();
        println!(
            "\n  Compared by SHA-256: {equal} of {} objects are in the file manager, {} files there are not",
            objects.len(),
            files.len() - equal
        );
        println!("  in the bucket; effects that happened twice: {twice}.");
        anyhow::ensure!(equal == objects.len() && files.len() == equal && twice == 0, "the demo did not converge");
        Ok(())
    }

    /// A few of the file manager's rows, as it tells them.
    fn show_some_files(&self) {
        println!("\n  Some of the file manager's files:");
        for (path, file) in self.files.api().files().iter().step_by(4) {
            let id = file.internal_id.to_string();
            let permissions = self.files.api().permissions(path).permissions;
            println!("    {permissions}  {:>6}  {}…  {path}", file.size, id.split('-').next().unwrap_or_default());
        }
    }

    fn id_of(&self, path: &str) -> Option<String> {
        self.files.api().files().get(path).map(|file| file.internal_id.to_string())
    }
}

/// SHA-256 as the file manager tells it.
fn hex(body: &[u8]) -> String {
    Sha256::digest(body).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}
