//! `.env.example`, written from the table: every setting, commented out, with its default. It knows no setting by name.

use super::{
    declared::{Declared, Group},
    table::TABLE,
};

const INTRODUCTION: &str = "\
# Written by the program from its own declarations: UPDATE_DOCS=1 cargo test -p s3-sync --lib env_example
#
# Every setting, with its default; what each does at length: docs/configuration.md. Copy this file to .env and take the # away
# from what you set. Both read it: the program, in the directory that it is started in, and docker-compose.yml, whose own
# defaults lead to the test doubles. A value with spaces, # or $ stands in single quotes. An empty value counts as not set.
";

const COMPOSE: &str = "
# ---- Read by the compose files alone ----

# The images to use, and what ours are built from (scripts/offline-images.sh makes all of them without an image registry).
#SYNC_IMAGE=s3-sync:local
#MOCK_API_IMAGE=s3-sync-mock-api:local
#S3_IMAGE=pgsty/silo:RELEASE.2026-09-03T13-18-01Z
#RUST_IMAGE=rust:1.95.0-slim-bookworm
#DEBIAN_IMAGE=debian:12.12-slim
#CARGO_PROFILE=release

# Where the test doubles are published, on 127.0.0.1.
#MINIO_CUSTOMER_PORT=9001
#MINIO_CUSTOMER_CONSOLE_PORT=9011
#MINIO_TARGET_PORT=9002
#MINIO_TARGET_CONSOLE_PORT=9012
#MOCK_API_PORT=8001
";

/// The file, as it is committed.
pub fn env_example() -> String {
    let chapters = Group::ALL.into_iter().map(chapter).collect::<String>();
    format!("{INTRODUCTION}{chapters}{COMPOSE}")
}

fn chapter(group: Group) -> String {
    let settings = TABLE.iter().filter(|declared| declared.group == group).map(|declared| setting(declared));
    format!("\n# ---- {} ----\n{}", group.title(), settings.collect::<String>())
}

fn setting(declared: &Declared) -> String {
    let name = declared.name;
    let file = declared.file_variable().map(|file| format!("#{file}=\n")).unwrap_or_default();
    let default = declared.default.unwrap_or_default();
    let quote = if default.contains(' ') { "'" } else { "" };
    format!("\n# {}\n# Right is {}.\n#{name}={quote}{default}{quote}\n{file}", declared.doc.replace('`', ""), declared.right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn committed(name: &str) -> String {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap_or_default()
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the switch that writes the file is for people who work on it, and no setting")]
    fn the_committed_env_example_is_the_one_that_the_table_writes() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".env.example");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, env_example()).expect("the file can be written");
        }
        assert!(
            committed(".env.example") == env_example(),
            ".env.example is out of date; write it again with: UPDATE_DOCS=1 cargo test -p s3-sync --lib env_example"
        );
    }

    /// The names under `x-settings`, in their order.
    fn passed_on_by(compose: &str) -> Vec<String> {
        let text = committed(compose);
        let block = text.split_once("x-settings: &settings\n").expect("the block of settings").1;
        block.lines().map_while(|line| line.strip_prefix("  ")?.split_once(':').map(|(name, _)| name.to_owned())).collect()
    }

    #[test]
    fn the_compose_file_passes_every_setting_on() {
        let declared: Vec<_> = TABLE.iter().map(|declared| declared.name).collect();
        assert_eq!(passed_on_by("docker-compose.yml"), declared);
    }

    /// Temporary credentials are no setting of a deployment.
    #[test]
    fn the_compose_file_for_production_passes_every_setting_on_and_secrets_as_files() {
        let wanted = TABLE.iter().filter(|declared| declared.name != "AWS_SESSION_TOKEN" && declared.group != Group::Target);
        let names: Vec<_> = wanted.map(|declared| declared.file_variable().unwrap_or_else(|| declared.name.to_owned())).collect();
        assert_eq!(passed_on_by("docker-compose.production.yml"), names);
    }
}
