//! The faults around one process, in addition to its kill.

use super::super::random::Random;
use super::super::scene::BUCKET;
use crate::crash::Scene;
use mock_api::{CallName, Fault, FaultAction};
use mock_s3::Matcher;
use std::collections::BTreeMap;

/// Orders some faults, which may never apply.
pub(super) fn order(scene: &Scene, random: &mut Random, ordered: &mut BTreeMap<&'static str, usize>) {
    for _ in 0..random.below(3) {
        let name = if random.percent(70) { at_the_file_manager(scene, random) } else { at_the_bucket(scene, random) };
        *ordered.entry(name).or_default() += 1;
    }
}

pub(super) fn clear(scene: &Scene) {
    scene.bucket().clear_faults();
    scene.file_manager().clear_faults();
    scene.file_manager().release_hanging();
}

fn at_the_file_manager(scene: &Scene, random: &mut Random) -> &'static str {
    let (name, action) = match random.below(7) {
        0 => ("503", FaultAction::status(503)),
        1 => ("reset", FaultAction::Reset),
        2 => ("effect, then reset", FaultAction::EffectThenReset),
        3 => ("effect, then 500", FaultAction::effect_then_status(500)),
        4 => ("effect, then hang", FaultAction::EffectThenHang),
        5 => ("hang", FaultAction::Hang),
        _ => ("late", FaultAction::Delay { millis: 20 }),
    };
    let operations = ["create", "update", "delete", "rename", "move", "set", "get"];
    let fault = Fault::new(action);
    // Half of the faults apply to the next call of any kind.
    let fault = match random.below(2 * operations.len()) {
        one if one < operations.len() => fault.operation(operations[one]),
        _ if random.percent(30) => fault.call(CallName::UpdatePermissions),
        _ => fault.call(CallName::SaveToDisk),
    };
    scene.file_manager().order(fault.skip(random.below(2) as u64).times(1 + random.below(2) as u64));
    name
}

fn at_the_bucket(scene: &Scene, random: &mut Random) -> &'static str {
    let (name, fault) = match random.below(4) {
        0 => ("S3: 500", mock_s3::Fault::internal_error()),
        1 => ("S3: slow down", mock_s3::Fault::slow_down(None)),
        2 => ("S3: reset", mock_s3::Fault::Reset),
        _ => ("S3: cut off", mock_s3::Fault::CloseAfter(5)),
    };
    let operation = if random.percent(50) { "HeadObject" } else { "GetObject" };
    scene.bucket().order(Matcher::operation(operation).bucket(BUCKET).skip(random.below(2) as u64).times(1), fault);
    name
}
