//! The table of a channel: its fields, the values that are sent in each way of being wrong, and what becomes of each.

use std::fmt;

/// The ways of being wrong, in the order of the columns.
pub(super) const WAYS: [&str; 7] = ["Absent", "Empty", "Twice", "Out of range", "Other case", "Other format", "Not text"];

/// The way, by its column.
pub(super) const ABSENT: usize = 0;
pub(super) const EMPTY: usize = 1;
pub(super) const TWICE: usize = 2;
pub(super) const OUT_OF_RANGE: usize = 3;
pub(super) const OTHER_CASE: usize = 4;
pub(super) const OTHER_FORMAT: usize = 5;
pub(super) const NOT_TEXT: usize = 6;

/// What becomes of an object whose answer or message is wrong in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Synced,
    /// It is refused, with this in the text.
    Refused(&'static str),
    /// The message is a dead letter, for this reason.
    DeadLetter(&'static str),
    /// It is counted, and nothing else.
    Ignored,
}

/// How the bytes of a value are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As they are: XML and headers.
    Plain,
    /// JSON that may hold any byte.
    Json,
    /// JSON within a text.
    JsonText,
}

/// A field, wrong in each way.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    /// What is sent in each way: one item for each occurrence of the field; `None` = there is no such way.
    sent: [Option<Vec<Vec<u8>>>; WAYS.len()],
    fates: [Fate; WAYS.len()],
}

/// One field, wrong in one way.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) field: &'static str,
    pub(super) way: usize,
    pub(super) sent: Vec<Vec<u8>>,
    pub(super) fate: Fate,
}

impl Field {
    /// A field that only describes. `right` is a sound value and `other` another one.
    pub(super) fn new(form: Form, name: &'static str, right: &str, other: &str) -> Self {
        let plain = form == Form::Plain;
        let bytes = |text: &str| vec![text.as_bytes().to_vec()];
        let swapped: String =
            right.chars().map(|c| if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() }).collect();
        let not_text = match form {
            Form::Plain => b"J\xf6rg".to_vec(),
            Form::Json => b"\"J\xf6rg\"".to_vec(),
            Form::JsonText => b"\"J\\ud800rg\"".to_vec(),
        };
        let sent = [
            Some(Vec::new()),
            Some(bytes(if plain { "" } else { "\"\"" })),
            Some([bytes(other), bytes(right)].concat()),
            Some(bytes(if plain { "99999999999999999999" } else { "1e999" })),
            Some(bytes(&swapped)).filter(|_| swapped != right && !right.contains("{id}")),
            Some(bytes(if plain { "nonsense" } else { "{\"no\":[\"text\"]}" })),
            Some(vec![not_text]),
        ];
        Self { name, sent, fates: [Fate::Synced; WAYS.len()] }
    }

    /// Sends this instead, in one way.
    pub(super) fn sends(mut self, way: usize, value: &str) -> Self {
        self.sent[way] = Some(vec![value.as_bytes().to_vec()]);
        self
    }

    /// There is no such way.
    pub(super) fn without(mut self, ways: &[usize]) -> Self {
        for way in ways {
            self.sent[*way] = None;
        }
        self
    }

    /// What becomes of it in these ways.
    pub(super) fn is(mut self, fate: Fate, ways: &[usize]) -> Self {
        for way in ways {
            self.fates[*way] = fate;
        }
        self
    }

    /// It decides: it is refused in these ways, with this in the text.
    pub(super) fn refused(self, text: &'static str, ways: &[usize]) -> Self {
        self.is(Fate::Refused(text), ways)
    }

    /// It decides: the message is a dead letter in these ways, for this reason.
    pub(super) fn dead(self, reason: &'static str, ways: &[usize]) -> Self {
        self.is(Fate::DeadLetter(reason), ways)
    }

    /// The ways that there are.
    pub(super) fn cases(&self) -> impl Iterator<Item = Case> {
        let each = self.sent.iter().zip(&self.fates).enumerate();
        let cases: Vec<_> =
            each.filter_map(|(way, (sent, fate))| Some(Case { field: self.name, way, sent: sent.clone()?, fate: *fate })).collect();
        cases.into_iter()
    }

    fn cells(&self) -> [String; WAYS.len()] {
        std::array::from_fn(|way| match self.fates[way] {
            _ if self.sent[way].is_none() => "–".to_owned(),
            Fate::Refused(text) if text == self.name => "refused by name".to_owned(),
            fate => fate.to_string(),
        })
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Synced => f.write_str("synced"),
            Self::Refused(text) => write!(f, "refused: “{text}”"),
            Self::DeadLetter(reason) => write!(f, "dead letter `{reason}`"),
            Self::Ignored => f.write_str("ignored"),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, WAYS[self.way].to_lowercase())
    }
}

/// All cases of these fields.
pub(super) fn cases(fields: &[Field]) -> Vec<Case> {
    fields.iter().flat_map(Field::cases).collect()
}

/// Compares what was measured with the table. `measured` says what became of a case, and for one that was refused, the text.
pub(super) fn compare(measured: impl Iterator<Item = (Case, Fate, String)>) {
    let differs = |(case, fate, text): (Case, Fate, String)| {
        let same = match (case.fate, fate) {
            (Fate::Refused(expected), Fate::Refused(_)) => text.contains(expected),
            (expected, fate) => expected == fate,
        };
        (!same).then(|| format!("{case}: {fate} {text}, the table says {}", case.fate))
    };
    let different: Vec<_> = measured.filter_map(differs).collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// A Markdown table; fields with equal rows share one.
pub(super) fn markdown(fields: &[Field]) -> String {
    let mut rows: Vec<(String, [String; WAYS.len()])> = Vec::new();
    for field in fields {
        let (name, cells) = (format!("`{}`", field.name), field.cells());
        match rows.iter_mut().find(|(_, others)| *others == cells) {
            Some((names, _)) => *names = format!("{names}, {name}"),
            None => rows.push((name, cells)),
        }
    }
    let line = |first: &str, cells: &[String]| format!("| {first} | {} |\n", cells.join(" | "));
    let head = line("Field", &WAYS.map(str::to_owned)) + &line("---", &WAYS.map(|_| "---".to_owned()));
    rows.iter().fold(head, |table, (names, cells)| table + &line(names, cells))
}
