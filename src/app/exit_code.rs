//! The exit codes and their meanings, and which one counts if several apply.

/// The exit code of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// All done. Dead letters and skips are reported and are not failures.
    Done = 0,
    /// The command failed, for example because an endpoint was unreachable.
    Failed = 1,
    /// Wrong usage or configuration, or a state of another source or sink.
    Usage = 2,
    /// Done, but some operations failed or the report was not accepted.
    SomeFailed = 3,
    /// Another instance has locked the database.
    Locked = 4,
    /// The guard holds deletes.
    DeletesHeld = 5,
    /// Ended by SIGINT.
    Interrupted = 130,
    /// Ended by SIGTERM.
    Terminated = 143,
}

impl ExitCode {
    /// All codes. If several apply, the first one in this order counts.
    const BY_WEIGHT: [Self; 8] =
        [Self::Terminated, Self::Interrupted, Self::Usage, Self::Locked, Self::Failed, Self::DeletesHeld, Self::SomeFailed, Self::Done];

    /// The code that counts if several apply; [`ExitCode::Done`] if none does.
    pub fn of_several(earned: impl IntoIterator<Item = Self>) -> Self {
        let earned: Vec<_> = earned.into_iter().collect();
        Self::BY_WEIGHT.into_iter().find(|code| earned.contains(code)).unwrap_or(Self::Done)
    }

    /// The code of a number; [`ExitCode::Failed`] for an unknown number.
    pub(crate) fn of_number(number: u8) -> Self {
        Self::BY_WEIGHT.into_iter().find(|code| code.number() == number).unwrap_or(Self::Failed)
    }

    /// The number of the code.
    pub fn number(self) -> u8 {
        self as u8
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Done => "all done",
            Self::Failed => "the command failed (an endpoint was unreachable; the rest was done)",
            Self::Usage => "wrong usage or configuration, or a state that describes another source or sink",
            Self::SomeFailed => "done, but some operations failed, or the report was not taken",
            Self::Locked => "another instance holds the database",
            Self::DeletesHeld => "deletes are held by the guard (MAX_DELETE, --allow-deletes)",
            Self::Interrupted => "ended by SIGINT (the daemon: 0)",
            Self::Terminated => "ended by SIGTERM (the daemon: 0)",
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        code.number().into()
    }
}

/// The last section of `--help`.
pub(crate) fn help() -> String {
    let mut codes = ExitCode::BY_WEIGHT;
    codes.sort_unstable_by_key(|code| code.number());
    let lines = codes.map(|code| format!("  {:>3}  {}\n", code.number(), code.meaning())).concat();
    format!(
        "Exit codes (of several, 1 before 5 before 3):\n{lines}\nSettings come from the environment, .env and --config FILE: see docs/configuration.md."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_severe_outcome_decides_the_exit_code() {
        use ExitCode::{DeletesHeld, Done, Failed, Interrupted, Locked, SomeFailed, Terminated, Usage};
        for (earned, expected) in [
            (&[][..], Done),
            (&[Done, Done], Done),
            (&[Done, SomeFailed], SomeFailed),
            (&[SomeFailed, DeletesHeld], DeletesHeld),
            (&[SomeFailed, DeletesHeld, Failed], Failed),
            (&[DeletesHeld, Failed], Failed),
            (&[Failed, Locked], Locked),
            (&[Failed, Usage], Usage),
            (&[Failed, Interrupted], Interrupted),
            (&[Interrupted, Terminated, SomeFailed], Terminated),
        ] {
            assert_eq!(ExitCode::of_several(earned.iter().copied()), expected, "{earned:?}");
        }
    }

    #[test]
    fn exit_codes_have_the_documented_numbers_and_help_lists_them_all() {
        let mut numbers = ExitCode::BY_WEIGHT.map(ExitCode::number);
        numbers.sort_unstable();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 130, 143]);
        assert_eq!(numbers.map(|number| ExitCode::of_number(number).number()), numbers);
        assert_eq!(ExitCode::of_number(77), ExitCode::Failed);
        let help = help();
        for code in ExitCode::BY_WEIGHT {
            assert!(help.contains(&format!("{:>3}  {}\n", code.number(), code.meaning())), "{code:?}");
        }
    }
}
