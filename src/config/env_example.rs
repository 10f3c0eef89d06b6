//! `.env.example`, written from the table: every setting, commented out, with its default. It knows no setting by name.

use super::{
    declared::{Declared, Group},
    table::TABLE,
};

const INTRODUCTION: &str = "\
# Written by the program from its own declarations: UPDATE_DOCS=1 cargo test -p s3-sync --lib env_example
#
# Every setting, with its default; described in full in docs/configuration.md. Copy this file to .env and remove the # from
# the settings you change. The program reads it in the directory it is started in. docker-compose.yml reads it as well: it knows
# only the names below (no synonyms, and none that ends in _FILE: a container sees no file of this machine unless it is mounted as in
# docker-compose.production.yml), and its own defaults point at the test doubles. A value with spaces, # or $ needs single
# quotes. An empty value counts as not set.
";

const COMPOSE: &str = "
# ---- Read by the compose files alone ----

# The images to use, and the base images of ours (scripts/offline-images.sh makes all of them without an image registry).
#SYNC_IMAGE=s3-sync:local
#MOCK_API_IMAGE=s3-sync-mock-api:local
#S3_IMAGE=pgsty/silo:RELEASE.2026-09-03T13-18-01Z
#RUST_IMAGE=rust:1.95.0-slim-bookworm
#DEBIAN_IMAGE=debian:12.12-slim
#CARGO_PROFILE=release
#DEV_IMAGE=s3-sync-dev:local
#DEV_SETUP_IMAGE=s3-sync:dev
#DEV_MOCK_API_IMAGE=s3-sync-mock-api:dev

# Time the service has to end before it is killed: longer than SHUTDOWN_TIMEOUT.
#STOP_GRACE_PERIOD=40s

# The ports of the test doubles, on 127.0.0.1.
#MINIO_CUSTOMER_PORT=9001
#MINIO_CUSTOMER_CONSOLE_PORT=9011
#MINIO_TARGET_PORT=9002
#MINIO_TARGET_CONSOLE_PORT=9012
#MOCK_API_PORT=8001

# docker-compose.production.yml: the volume with the state, and the files with the secrets on this machine.
#STATE_VOLUME=s3-sync-data
#CUSTOMER_S3_SECRET_KEY_PATH=./secrets/customer_s3_secret_key
#FILE_MANAGER_API_TOKEN_PATH=./secrets/file_manager_api_token
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
    format!("\n# {}\n# Accepted: {}.\n#{name}={quote}{default}{quote}\n{file}", declared.doc.replace('`', ""), declared.accepted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Asserts that a file has the wanted text. If `UPDATE_DOCS` is set, writes the file first.
    #[expect(clippy::disallowed_methods, reason = "the switch that writes the file is for developers, and not a setting")]
    fn check(name: &str, wanted: impl FnOnce(&str) -> String) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        let wanted = wanted(&committed);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &wanted).expect("the file can be written");
        } else {
            assert!(
                committed == wanted,
                "{name} is out of date; write it again with: UPDATE_DOCS=1 cargo test -p s3-sync --lib env_example"
            );
        }
    }

    /// The file with these names under `x-settings`, in this order. An existing line is kept, because it has the file's own
    /// default.
    fn passing_on(compose: &str, names: &[String]) -> String {
        const HEAD: &str = "x-settings: &settings\n";
        let (before, rest) = compose.split_once(HEAD).expect("the block of settings");
        let end = rest.find("\n\n").expect("a blank line after the block");
        let (block, after) = rest.split_at(end);
        let line = |name: &String| {
            let there = block.lines().find(|line| line.trim_start().starts_with(&format!("{name}:")));
            there.map_or_else(|| format!("  {name}: ${{{name}:-}}"), str::to_owned)
        };
        format!("{before}{HEAD}{}{after}", names.iter().map(line).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn the_committed_env_example_is_the_one_that_the_table_writes() {
        check(".env.example", |_| env_example());
    }

    #[test]
    fn the_compose_file_passes_every_setting_on() {
        let names: Vec<_> = TABLE.iter().map(|declared| declared.name.to_owned()).collect();
        check("docker-compose.yml", |text| passing_on(text, &names));
    }

    /// `make build` sets REVISION and CREATED itself.
    #[test]
    fn the_env_example_has_every_variable_that_a_compose_file_reads() {
        let example = env_example();
        for name in ["docker-compose.yml", "docker-compose.production.yml", "docker-compose.dev.yml"] {
            let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("it can be read");
            for read in text.split("${").skip(1).filter_map(|rest| rest.split([':', '}', '?']).next()) {
                let listed = example.contains(&format!("\n#{read}=")) || ["REVISION", "CREATED"].contains(&read);
                assert!(listed, "{name} reads {read}");
            }
        }
    }

    /// Not among them: temporary credentials, which suit no deployment, and the backup, which comes with the HTTP service.
    #[test]
    fn the_compose_file_for_production_passes_every_setting_on_and_secrets_as_files() {
        let wanted = TABLE.iter().filter(|declared| declared.name != "AWS_SESSION_TOKEN" && declared.group != Group::Target);
        let names: Vec<_> = wanted.map(|declared| declared.file_variable().unwrap_or_else(|| declared.name.to_owned())).collect();
        check("docker-compose.production.yml", |text| passing_on(text, &names));
    }

    #[test]
    fn a_block_keeps_its_own_defaults_and_drops_names_that_are_no_setting() {
        let names = ["A".to_owned(), "NEW".to_owned(), "B".to_owned()];
        let compose = "# top\nx-settings: &settings\n  B: ${B:-b}\n  OLD: x\n  A: ${A:-a}\n\nservices:\n";
        let wanted = "# top\nx-settings: &settings\n  A: ${A:-a}\n  NEW: ${NEW:-}\n  B: ${B:-b}\n\nservices:\n";
        assert_eq!(passing_on(compose, &names), wanted);
    }
}
