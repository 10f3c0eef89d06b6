//! The environment of one test: its own network with an S3 source, an S3 target and mock-api, and a volume for the state.

use crate::bucket::Bucket;
use crate::engine::{docker, print_logs, remove_all};
use crate::file_manager::Files;
use crate::service::Service;
use std::collections::BTreeMap;
use std::path::Path;
use testcontainers::core::{IntoContainerPort, Mount, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt};
use uuid::Uuid;

pub(crate) const SOURCE_BUCKET: &str = "customer-bucket";
pub(crate) const ACCESS_KEY: &str = "test-access-key";
pub(crate) const SECRET_KEY: &str = "test-secret-key";
const LABEL: &str = "s3-sync.test";
const S3_PORT: u16 = 9000;
const FILES_PORT: u16 = 8001;

/// Everything around the service. Removed on drop; if the test fails, the containers' logs are printed first.
pub(crate) struct Stage {
    pub(crate) id: String,
    source: ContainerAsync<GenericImage>,
    _target: ContainerAsync<GenericImage>,
    files: ContainerAsync<GenericImage>,
    settings: BTreeMap<String, String>,
}

impl Stage {
    /// Two empty stores, a file manager and a volume, none of them set up.
    pub(crate) async fn bare(volume_options: &[&str]) -> Self {
        let id = Uuid::new_v4().simple().to_string()[..8].to_owned();
        let label = format!("{LABEL}={id}");
        println!("stage {id}: S3 is {}", image("S3_IMAGE"));
        docker(&["network", "create", "--label", &label, &format!("s3-sync-{id}")]).await;
        docker(&[&["volume", "create", "--label", &label], volume_options, &[&format!("state-{id}")]].concat()).await;
        // It prints its address once it listens, seconds before its first health check.
        let mock = generic("MOCK_API_IMAGE").with_exposed_port(FILES_PORT.tcp()).with_wait_for(WaitFor::message_on_stdout("http://"));
        let (source, target, files) =
            tokio::join!(store(&id, "source", SECRET_KEY), store(&id, "target", SECRET_KEY), placed(mock.into(), &id, "files").start());
        let files = files.expect("mock-api starts");
        let mut stage = Self { id, source, _target: target, files, settings: BTreeMap::new() };
        let (source, target, files) = (stage.name("source"), stage.name("target"), stage.name("files"));
        for (name, value) in [
            ("CUSTOMER_S3_ENDPOINT", format!("http://{source}:{S3_PORT}")),
            ("CUSTOMER_S3_ACCESS_KEY", ACCESS_KEY.to_owned()),
            ("CUSTOMER_S3_SECRET_KEY", SECRET_KEY.to_owned()),
            ("CUSTOMER_S3_BUCKET", SOURCE_BUCKET.to_owned()),
            ("TARGET_S3_ENDPOINT", format!("http://{target}:{S3_PORT}")),
            ("TARGET_S3_ACCESS_KEY", ACCESS_KEY.to_owned()),
            ("TARGET_S3_SECRET_KEY", SECRET_KEY.to_owned()),
            ("TARGET_S3_BUCKET", "target-bucket".to_owned()),
            ("FILE_MANAGER_API_URL", format!("http://{files}:{FILES_PORT}")),
            ("EVENTS_API_URL", format!("http://{files}:{FILES_PORT}")),
        ] {
            stage.setting(name, value);
        }
        stage
    }

    /// The same with its buckets, and this many small objects under `prefix`.
    pub(crate) async fn with(prefix: &str, objects: usize) -> Self {
        Self::on(&[], prefix, objects).await
    }

    /// The same with a volume of this kind.
    pub(crate) async fn on(volume_options: &[&str], prefix: &str, objects: usize) -> Self {
        let stage = Self::bare(volume_options).await;
        stage.run(&["setup", "--create-buckets"]).await.expect(0);
        stage.bucket().await.put_many(prefix, objects).await;
        stage
    }

    pub(crate) fn setting(&mut self, name: &str, value: impl Into<String>) {
        self.settings.insert(name.to_owned(), value.into());
    }

    /// The customer's bucket as its owner sees it. (A restarted store is published on another port.)
    pub(crate) async fn bucket(&self) -> Bucket {
        let port = self.source.get_host_port_ipv4(S3_PORT.tcp()).await.expect("the store is published");
        Bucket::at(&format!("http://127.0.0.1:{port}"))
    }

    /// The file manager from outside.
    pub(crate) async fn files(&self) -> Files {
        let port = self.files.get_host_port_ipv4(FILES_PORT.tcp()).await.expect("mock-api is published");
        Files::at(&format!("http://127.0.0.1:{port}"))
    }

    /// A container's name: of `source`, `target`, `files`.
    pub(crate) fn name(&self, what: &str) -> String {
        format!("{what}-{}", self.id)
    }

    pub(crate) fn network(&self) -> String {
        format!("s3-sync-{}", self.id)
    }

    /// `s3-sync ARGUMENTS` in a container as in production: no capabilities, a read-only root, 128 MiB.
    pub(crate) async fn start(&self, arguments: &[&str]) -> Service {
        self.start_with(arguments, self.request(generic("SYNC_IMAGE").into())).await
    }

    /// The same with the project's test data mounted at `/test-data`.
    pub(crate) async fn start_with_test_data(&self, arguments: &[&str]) -> Service {
        let test_data = concat!(env!("CARGO_MANIFEST_DIR"), "/test-data");
        let request = self.request(generic("SYNC_IMAGE").into()).with_mount(Mount::bind_mount(test_data, "/test-data"));
        self.start_with(arguments, request).await
    }

    /// The same without the image's health check.
    #[cfg(feature = "limits")]
    pub(crate) async fn start_unchecked(&self, arguments: &[&str]) -> Service {
        let request = self.request(generic("SYNC_IMAGE").into()).with_health_check(testcontainers::core::Healthcheck::none());
        self.start_with(arguments, request).await
    }

    /// A shell in the service's image with the same volume, and a directory of this machine mounted at `/host`.
    pub(crate) async fn shell(&self, script: &str, host: &Path) -> Service {
        let host = host.to_str().expect("a plain path");
        let request = self.request(generic("SYNC_IMAGE").with_entrypoint("bash").into()).with_mount(Mount::bind_mount(host, "/host"));
        self.start_with(&["-c", script], request).await
    }

    /// Replaces the S3 source, with all its data, by an empty one with another password.
    pub(crate) async fn replace_source(&mut self, secret_key: &str) {
        docker(&["rm", "--force", "--volumes", &self.name("source")]).await;
        self.source = store(&self.id, "source", secret_key).await;
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> crate::service::Ended {
        self.start(arguments).await.ended().await
    }

    fn request(&self, request: ContainerRequest<GenericImage>) -> ContainerRequest<GenericImage> {
        let request = request
            .with_network(self.network())
            .with_label(LABEL, &self.id)
            .with_readonly_rootfs(true)
            .with_cap_drop("ALL")
            .with_security_opt("no-new-privileges:true")
            .with_mount(Mount::tmpfs_mount("/tmp"))
            .with_mount(Mount::volume_mount(format!("state-{}", self.id), "/app/data"))
            .with_host_config_modifier(|host| {
                host.memory = Some(128 * 1024 * 1024);
                host.memory_swap = host.memory;
            });
        self.settings.iter().fold(request, |request, (name, value)| request.with_env_var(name, value))
    }

    async fn start_with(&self, arguments: &[&str], request: ContainerRequest<GenericImage>) -> Service {
        let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Service::of(request.with_cmd(arguments).start().await.expect("the service starts"))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            print_logs(&format!("label={LABEL}={}", self.id));
        }
        remove_all(&format!("{LABEL}={}", self.id));
    }
}

async fn store(id: &str, what: &str, secret_key: &str) -> ContainerAsync<GenericImage> {
    let image = generic("S3_IMAGE").with_exposed_port(S3_PORT.tcp());
    let request = placed(image.into(), id, what)
        .with_cmd(["server", "/data", "--console-address", ":9001"])
        .with_env_var("MINIO_ROOT_USER", ACCESS_KEY)
        .with_env_var("MINIO_ROOT_PASSWORD", secret_key);
    request.start().await.expect("the S3 server starts")
}

fn placed(request: ContainerRequest<GenericImage>, id: &str, what: &str) -> ContainerRequest<GenericImage> {
    request.with_network(format!("s3-sync-{id}")).with_container_name(format!("{what}-{id}")).with_label(LABEL, id)
}

fn generic(variable: &str) -> GenericImage {
    let image = image(variable);
    let (name, tag) = image.rsplit_once(':').expect("an image is named with its tag");
    GenericImage::new(name, tag)
}

/// The image for a role: `SYNC_IMAGE`, `MOCK_API_IMAGE`, `S3_IMAGE`.
#[expect(clippy::disallowed_methods, reason = "which images are tested is said by the make target, and is no setting")]
pub(crate) fn image(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: run this with `make test-containers`"))
}
