//! The declaration of a setting: name, default, accepted values, documentation. The settings themselves are in `table`.

/// A setting's declaration with its parser; `None` = the text is not accepted.
pub(super) struct Setting<T: 'static> {
    pub(super) declared: Declared,
    pub(super) parse: fn(&str) -> Option<T>,
}

/// A setting's declaration, without its value.
#[derive(Clone, Copy, Debug)]
pub struct Declared {
    /// The name of the environment variable; in lower case, the key in the YAML file.
    pub name: &'static str,
    /// Older names of the same setting. Two names with different values are an error.
    pub synonyms: &'static [&'static str],
    /// Names of other settings or programs, read in this order while the setting is not given; never an error.
    pub fallbacks: &'static [&'static str],
    /// The value when nothing is given, as it would be typed.
    pub default: Option<&'static str>,
    /// The value is never shown. A secret can also be given as the path of a file, in `NAME_FILE`.
    pub secret: bool,
    /// The setting names a sink: a service needs at least one such setting, any.
    pub names_sink: bool,
    /// The flag that overrides everything else.
    pub flag: Option<&'static str>,
    /// The accepted values; continues a sentence after "give".
    pub accepted: &'static str,
    /// Describes the setting.
    pub doc: &'static str,
    /// The chapter of the documentation page.
    pub group: Group,
}

impl Declared {
    /// The variable that holds the path of a secret's file.
    pub fn file_variable(&self) -> Option<String> {
        self.secret.then(|| format!("{}_FILE", self.name))
    }

    /// Every name that may be given, in any layer.
    pub fn names(&self) -> impl Iterator<Item = String> + use<'_> {
        let fixed = std::iter::once(&self.name).chain(self.synonyms).chain(self.fallbacks);
        fixed.map(|name| (*name).to_owned()).chain(self.file_variable())
    }
}

/// The chapters of the documentation page, in reading order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The source bucket.
    Source,
    /// The file manager and the events API.
    FileManager,
    /// The bucket as files.
    Mirror,
    /// The event queues.
    Sources,
    /// The bucket for the backup.
    Target,
    /// The trusted certificate authorities.
    Trust,
    /// The state and the snapshots on disk.
    State,
    /// The daemon's schedule.
    Schedule,
    /// Concurrency, limits, retries.
    Work,
    /// Log lines, on stderr and in a file.
    Logs,
    /// Spans and metrics, sent to a collector.
    Collector,
}

impl Group {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Source,
        Self::FileManager,
        Self::Mirror,
        Self::Sources,
        Self::Target,
        Self::Trust,
        Self::State,
        Self::Schedule,
        Self::Work,
        Self::Logs,
        Self::Collector,
    ];

    /// The chapter's heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Source => "The bucket",
            Self::FileManager => "The file manager and the events API",
            Self::Mirror => "The bucket as files",
            Self::Sources => "Where events come from",
            Self::Target => "The bucket for the backup",
            Self::Trust => "Which certificates are trusted",
            Self::State => "What is kept on disk",
            Self::Schedule => "When the daemon works",
            Self::Work => "How the work is done",
            Self::Logs => "Logs",
            Self::Collector => "Spans and metrics",
        }
    }
}

/// The default for the fields that a declaration leaves out.
pub(super) const PLAIN: Declared = Declared {
    name: "",
    synonyms: &[],
    fallbacks: &[],
    default: None,
    secret: false,
    names_sink: false,
    flag: None,
    accepted: "",
    doc: "",
    group: Group::Source,
};
