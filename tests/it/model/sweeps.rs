//! Identities under trouble: a file that was told to have another name keeps its identifier, whatever point of the run
//! the trouble strikes at. Every point is tried.

use super::machine::play;
use super::op::{ApiTrouble, Change, History, Op, S3Trouble, Setup, Tell, Told, Trouble};
use super::runner;
use s3_sync::state::RunKind;

const PLAIN: Setup =
    Setup { seed: 0, page_keys: 1000, concurrency: 2, attempts: 1, max_delete: 100, prefix: "", heeds_if_match: true, cursor: false };

const CYCLE: Op = Op::Run(RunKind::Incremental, None);

fn told(what: Told) -> Op {
    Op::Tell(Tell { what, ago: Some(0), notified: false })
}

/// Renamed in the bucket, and told.
fn renamed(from: usize, to: usize) -> [Op; 2] {
    [Op::Change(Change::Rename(from, to)), told(Told::Rename(from, to))]
}

/// Plays a rename with this trouble at every point of the run that brings it, and looks at whose file is where in the end.
fn keeps_identity(trouble: Trouble, renames: &[(usize, usize)], then: &[Op]) {
    let directory = runner::directory();
    let first = [Op::Change(Change::Put(0, 1)), told(Told::Create(0)), told(Told::Permissions(0, 2)), CYCLE];
    for point in 0.. {
        let mut ops = first.to_vec();
        ops.extend(renames.iter().flat_map(|(from, to)| renamed(*from, *to)));
        ops.extend([Op::At(point, trouble), CYCLE]);
        ops.extend(then);
        ops.extend([Op::Wait { minutes: 600 }, CYCLE]);
        let played = play(&History { setup: PLAIN, ops }, directory.path());
        if !played.trace.iter().any(|line| line.contains("! ")) {
            // The run has no such point any more.
            return assert!(point > 10, "hardly a run");
        }
        let told = || format!("{trouble:?} at point {point}:\n{}", played.trace.join("\n"));
        assert!(played.violations.is_empty(), "{}", told());
        assert_eq!(played.ids.len(), 1, "{}", told());
        assert!(played.ids.values().all(|id| *id == 1), "the file lost its identity: {:?}, {}", played.ids, told());
    }
}

/// What leaves no doubt in the end: with the ledger, every effect has happened once.
const TROUBLES: [Trouble; 8] = [
    Trouble::Crash,
    Trouble::Stop,
    Trouble::Api(ApiTrouble::Busy),
    Trouble::Api(ApiTrouble::Timeout),
    Trouble::Api(ApiTrouble::EffectThenReset),
    Trouble::Api(ApiTrouble::EffectThenServerError),
    Trouble::S3(S3Trouble::Server),
    Trouble::S3(S3Trouble::Unreachable),
];

#[test]
fn a_renamed_file_keeps_its_identity_whatever_strikes() {
    for trouble in TROUBLES {
        keeps_identity(trouble, &[(0, 1)], &[]);
    }
}

#[test]
fn a_file_renamed_twice_keeps_its_identity_whatever_strikes() {
    for trouble in [Trouble::Crash, Trouble::Api(ApiTrouble::EffectThenReset)] {
        keeps_identity(trouble, &[(0, 1), (1, 3)], &[]);
    }
}

#[test]
fn a_file_renamed_again_before_the_first_rename_was_done_keeps_its_identity() {
    let again = [renamed(1, 3).to_vec(), vec![CYCLE]].concat();
    // (Where the first rename was sent and not answered, its paths are in doubt, and the design gives the identity up.)
    keeps_identity(Trouble::Stop, &[(0, 1)], &again);
}
