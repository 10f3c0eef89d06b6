//! The server as a process, for benchmarks and crash tests. The rest is in the library.

use clap::{Parser, ValueEnum};
use mock_s3::{ChecksumAlgorithm, MockS3, Options};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// An S3 server in memory.
///
/// Prints its endpoint as the first line of its output; SIGTERM and SIGINT end it with exit code 0.
/// Log lines go to stderr if `MOCK_S3_LOG` sets a level (`debug`, `mock_s3=debug`, …).
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Address to listen on; port 0 = a free one.
    #[arg(long, default_value = "127.0.0.1:9000")]
    listen: String,
    /// The access key id that clients must use.
    #[arg(long, default_value = "mock-access-key")]
    access_key: String,
    /// Its secret.
    #[arg(long, default_value = "mock-secret-key")]
    secret_key: String,
    /// The bucket to create and fill.
    #[arg(long)]
    bucket: String,
    /// A directory whose files become objects.
    #[arg(long, value_name = "DIR")]
    seed: Vec<PathBuf>,
    /// COUNT objects of SIZE bytes each, such as `10000x4096`, with the keys `4096/00000000.bin`, … They use no memory.
    #[arg(long, value_name = "COUNTxSIZE")]
    generate: Vec<Generated>,
    /// The checksum in addition to the MD5 `ETag`.
    #[arg(long, value_enum, default_value = "crc64nvme")]
    checksum: Checksum,
}

#[derive(Clone, Copy)]
struct Generated {
    count: u64,
    size: u64,
}

impl FromStr for Generated {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('x').and_then(|(count, size)| Some((count.parse().ok()?, size.parse().ok()?)));
        let (count, size) = parsed.ok_or("a count and a size in bytes are needed, such as 10000x4096")?;
        Ok(Self { count, size })
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Checksum {
    None,
    Crc64nvme,
    Crc32,
    Crc32c,
    Sha1,
    Sha256,
}

impl Checksum {
    fn algorithm(self) -> Option<ChecksumAlgorithm> {
        match self {
            Self::None => None,
            Self::Crc64nvme => Some(ChecksumAlgorithm::Crc64Nvme),
            Self::Crc32 => Some(ChecksumAlgorithm::Crc32),
            Self::Crc32c => Some(ChecksumAlgorithm::Crc32c),
            Self::Sha1 => Some(ChecksumAlgorithm::Sha1),
            Self::Sha256 => Some(ChecksumAlgorithm::Sha256),
        }
    }
}

// One thread: in a benchmark the other cores are for the measured program.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::OFF.into()).with_env_var("MOCK_S3_LOG").from_env_lossy();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mock-s3: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> io::Result<()> {
    let server = MockS3::new(Options {
        access_key: arguments.access_key,
        secret_key: arguments.secret_key,
        checksum: arguments.checksum.algorithm(),
        keep_log: false,
        ..Options::default()
    });
    server.create_bucket(&arguments.bucket);
    for directory in &arguments.seed {
        server.put_directory(&arguments.bucket, directory)?;
    }
    for Generated { count, size } in arguments.generate {
        for index in 0..count {
            server.put_generated(&arguments.bucket, &format!("{size}/{index:08}.bin"), size, index);
        }
    }
    let (mut terminated, mut interrupted) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let running = server.start(&arguments.listen).await?;
    writeln!(io::stdout(), "{}", running.endpoint())?;
    io::stdout().flush()?;
    first(&mut terminated, &mut interrupted).await;
    running.stop().await;
    Ok(())
}

async fn first(terminated: &mut Signal, interrupted: &mut Signal) {
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
}
