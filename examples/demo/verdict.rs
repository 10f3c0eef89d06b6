//! The demo's own comparison of bucket and file manager: every path, the SHA-256 of every content, all permissions. It asks only
//! the two servers, not the service.

use crate::customer::{Customer, keys};
use crate::stage::{BUCKET, Stage};
use mock_api::MockApi;
use sha2::{Digest, Sha256};

/// The result of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Comparison {
    /// Files in the bucket.
    pub(crate) objects: usize,
    /// Files that the file manager has under the same path.
    pub(crate) paths: usize,
    /// … with the same content.
    pub(crate) contents: usize,
    /// … with the permissions reported last, or, if none were reported, the file manager's default ones.
    pub(crate) permissions: usize,
    /// Files in the file manager that are not in the bucket.
    pub(crate) strangers: usize,
    /// Effects that happened more than once, by the file manager's ledger.
    pub(crate) twice: usize,
}

impl Comparison {
    pub(crate) fn of(stage: &Stage, customer: &Customer) -> Self {
        let files = stage.file_manager().files();
        let by_itself = MockApi::new(mock_api::Options::default());
        let keys = keys(stage);
        let known: Vec<_> = keys.iter().filter(|key| files.contains_key(*key)).collect();
        let same_content = |key: &str| files[key].sha256 == hex(&stage.bucket().body(BUCKET, key).unwrap_or_default());
        let same_permissions = |key: &str| {
            let now = stage.file_manager().permissions(key).permissions;
            let reported = customer.permissions.get(key);
            now == reported.cloned().unwrap_or_else(|| by_itself.permissions(key).permissions)
        };
        Self {
            objects: keys.len(),
            paths: known.len(),
            contents: known.iter().filter(|key| same_content(key)).count(),
            permissions: known.iter().filter(|key| same_permissions(key)).count(),
            strangers: files.len() - known.len(),
            twice: stage.file_manager().effects().by_key.values().filter(|count| **count > 1).count(),
        }
    }

    pub(crate) fn in_sync(self) -> bool {
        let Self { objects, paths, contents, permissions, strangers, twice } = self;
        [paths, contents, permissions].iter().all(|equal| *equal == objects) && strangers == 0 && twice == 0
    }

    /// One line.
    pub(crate) fn show(self) {
        let Self { objects, paths, contents, permissions, strangers, twice } = self;
        println!(
            "  compared  {objects} objects: {paths} paths, {contents} contents (SHA-256), {permissions} permissions agree; \
             {strangers} extra files, {twice} duplicate effects"
        );
    }
}

/// SHA-256 in the file manager's form.
fn hex(body: &[u8]) -> String {
    Sha256::digest(body).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}
