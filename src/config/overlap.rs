//! Directories that must not contain each other: what is mirrored would overwrite the state, or be mixed with it.

use super::Settings;
use super::error::{ConfigError, ConfigProblem};
use std::path::{Path, PathBuf};

/// Checks the directories of the settings. Reads the disk, because a path may lead through links.
pub(super) fn check(settings: &Settings) -> Result<(), ConfigError> {
    let Some(mirror) = &settings.local_download_dir else { return Ok(()) };
    let root = real(mirror);
    let log_directory = settings.log_file.as_ref().map(|log| ("LOG_FILE", directory_of(&log.path)));
    let others = [("DATABASE_PATH", settings.data_directory())].into_iter().chain(log_directory);
    // Snapshots have directories of their own beside the state; beside the log there is nothing else.
    let contains_root = |(name, other): &(&str, &Path)| *name == "DATABASE_PATH" && root.starts_with(real(other));
    let overlaps = others.filter(|other| contains_root(other) || real(other.1).starts_with(&root));
    let problems: Vec<_> = overlaps
        .map(|(other, other_path)| ConfigProblem::Overlap {
            name: "LOCAL_DOWNLOAD_DIR",
            path: mirror.clone(),
            other,
            other_path: other_path.to_owned(),
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(ConfigError { problems }) }
}

/// The directory of a file; `.` for a bare name.
pub(super) fn directory_of(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The path without links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let existing = absolute.ancestors().find_map(|ancestor| Some((ancestor, ancestor.canonicalize().ok()?)));
    let Some((ancestor, real)) = existing else { return absolute };
    // What does not exist yet holds no links, but perhaps `..`.
    let rest = absolute.strip_prefix(ancestor).unwrap_or(Path::new(""));
    rest.components().fold(real, |mut path, component| {
        if component == std::path::Component::ParentDir {
            path.pop();
        } else {
            path.push(component);
        }
        path
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_compared_without_its_links() {
        let base = tempfile::tempdir().expect("a directory");
        let base = base.path().canonicalize().expect("it exists");
        std::fs::create_dir(base.join("data")).expect("created");
        std::os::unix::fs::symlink(base.join("data"), base.join("link")).expect("linked");
        for (path, expected) in
            [("link", "data"), ("link/new/deeper", "data/new/deeper"), ("new/../data", "data"), ("data/.", "data"), ("other", "other")]
        {
            assert_eq!(real(&base.join(path)), base.join(expected), "{path}");
        }
    }
}
