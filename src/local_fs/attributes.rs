//! Mode, owner, access list and attributes of a file that is replaced: the new one gets them, as far as the system permits.

use super::entry::Entry;
use rustix::fs::{Gid, Mode, Stat, Uid, XattrFlags, fchmod, fchown, fgetxattr, fgetxattr_query, flistxattr, flistxattr_query, fsetxattr};
use std::fs::File;

/// Permissions only. A set-user-id bit vouched for the old content, and not for what a bucket sends.
const PERMISSIONS: u32 = 0o777;

/// Best effort: an attribute that cannot be set is not worth a missing file. The order matters: a new owner resets the mode, and the mode
/// is part of the access list.
pub(super) fn keep_attributes(old: &Entry, stat: &Stat, new: &File) {
    let (owner, group) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
    if fchown(new, Some(owner), Some(group)).is_err() {
        let _ = fchown(new, None, Some(group));
    }
    let _ = fchmod(new, Mode::from_raw_mode(stat.st_mode & PERMISSIONS));
    let _ = copy_attributes(old, new);
}

fn copy_attributes(old: &Entry, new: &File) -> Option<()> {
    let old = old.open().ok()?;
    let mut names = vec![0; flistxattr_query(&old).ok()?];
    let listed = flistxattr(&old, &mut names).ok()?;
    let is_kept = |name: &&[u8]| name.starts_with(b"user.") || *name == b"system.posix_acl_access";
    for name in names[..listed].split(|byte| *byte == 0).filter(is_kept) {
        let _ = copy_attribute(&old, new, name);
    }
    Some(())
}

fn copy_attribute(old: &File, new: &File, name: &[u8]) -> Option<()> {
    let mut value = vec![0; fgetxattr_query(old, name).ok()?];
    let read = fgetxattr(old, name, &mut value).ok()?;
    fsetxattr(new, name, &value[..read], XattrFlags::empty()).ok()
}
