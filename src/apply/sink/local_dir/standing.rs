//! Which directory a path leads to.

use crate::local_fs::key_path::OWN_DIRECTORY;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Which directory stands at the path: device and inode, also of our own directory in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing([(u64, u64); 2]);

impl Standing {
    /// `None` = one of the two is not there.
    pub(super) fn of(root: &Path) -> Option<Self> {
        let id = |path: &Path| path.metadata().ok().map(|found| (found.dev(), found.ino()));
        Some(Self([id(root)?, id(&root.join(OWN_DIRECTORY))?]))
    }
}
