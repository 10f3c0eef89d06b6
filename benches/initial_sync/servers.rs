//! The S3 server and the file manager, each in its own process that ends when its handle is dropped.

use crate::case::Case;
use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The bucket's name.
pub(crate) const BUCKET: &str = "bench";
/// An arbitrary value.
pub(crate) const ACCESS_KEY: &str = "bench-access-key";
/// An arbitrary value.
pub(crate) const SECRET_KEY: &str = "bench-secret-key";

/// A server process that prints its address first.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(program: &Path, arguments: &[&str]) -> Result<Self> {
        let started = Command::new(program).args(arguments).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let process = started.with_context(|| format!("{} does not start: `make bench` builds it first", program.display()))?;
        let mut server = Self { process, address: String::new() };
        let stdout = server.process.stdout.take().context("its output is piped")?;
        BufReader::new(stdout).read_line(&mut server.address)?;
        server.address.truncate(server.address.trim_end().len());
        ensure!(server.address.starts_with("http://"), "{} printed no address", program.display());
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that no process is left to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The bucket of a case.
pub(crate) struct S3(Server);

impl S3 {
    pub(crate) fn start(programs: &Path, case: &Case) -> Result<Self> {
        let generate = format!("{}x{}", case.objects, case.object_bytes);
        let keys = ["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY];
        let bucket = ["--listen", "127.0.0.1:0", "--bucket", BUCKET, "--generate", &generate, "--checksum", case.checksum];
        Server::start(&programs.join("mock-s3"), &[&keys[..], &bucket[..]].concat()).map(Self)
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.0.address
    }
}

/// A file manager that counts and hashes its content and records no calls.
pub(crate) struct FileManager(Server);

#[derive(Deserialize)]
struct Held {
    size: u64,
}

impl FileManager {
    pub(crate) fn start(programs: &Path) -> Result<Self> {
        Server::start(&programs.join("mock-api"), &["--listen", "127.0.0.1:0", "--recorded-calls", "0"]).map(Self)
    }

    pub(crate) fn address(&self) -> &str {
        &self.0.address
    }

    /// Fails unless everything arrived: only then does a run count.
    pub(crate) fn must_hold(&self, files: u64, bytes: u64) -> Result<()> {
        let looking = async { reqwest::get(format!("{}/_mock/files", self.address())).await?.json::<HashMap<String, Held>>().await };
        let held = tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(looking)?;
        let found = (held.len() as u64, held.values().map(|file| file.size).sum::<u64>());
        ensure!(found == (files, bytes), "{found:?} files and bytes arrived instead of {:?}", (files, bytes));
        Ok(())
    }
}
