//! Limits the progress of a process to the plan by calls that hang, so that its progress does not depend on speed.

use super::plan::Next;
use crate::crash::scene::{BUCKET, Scene};
use mock_api::{CallName, FaultAction};
use mock_s3::{Fault, Matcher, OrderedFault};

pub(super) struct Fence {
    listing: OrderedFault,
}

impl Fence {
    pub(super) fn put_up(scene: &Scene, next: &Next) -> Self {
        let creates = mock_api::Fault::new(FaultAction::Hang).call(CallName::SaveToDisk).operation("create");
        scene.file_manager().order(creates.skip(next.creates as u64).always());
        let pages = Matcher::operation("ListObjectsV2").bucket(BUCKET).skip(next.pages as u64);
        Self { listing: scene.bucket().order(pages, Fault::Hang) }
    }

    pub(super) fn take_down(self, scene: &Scene) {
        self.listing.withdraw();
        scene.file_manager().clear_faults();
    }
}
