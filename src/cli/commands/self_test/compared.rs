//! Compares the state with a current listing of the bucket, for at most the first `MAX_KEYS` keys. Only reads.

use super::{completed_state, named};
use crate::app::connectivity::CheckResult;
use crate::app::endpoints;
use crate::config::Settings;
use crate::record::{FileRow, ObjectFacts, ObjectKey, PageCursor, SinkName};
use crate::s3::{ListObjects as _, ListRequest, S3Error};
use crate::state::{SinkSide, StateError, Views};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

pub(super) const ENDPOINT: &str = "state = bucket";
/// The maximum number of compared keys, because they are held in memory.
const MAX_KEYS: usize = 10_000;
const PAGE_KEYS: u16 = 1_000;
/// The time limit of the listing.
const LIST_TIMEOUT: Duration = Duration::from_secs(30);

/// The listed keys of the bucket.
struct Listed {
    objects: BTreeMap<ObjectKey, ObjectFacts>,
    /// The greatest listed key; `None` = all keys were listed.
    up_to: Option<ObjectKey>,
    /// True if the keys came in byte order. If not, the listing may lack keys below `up_to`.
    in_order: bool,
}

/// The result of the comparison, with an example of each kind of difference.
#[derive(Debug, Default, PartialEq, Eq)]
struct Differences {
    compared: u64,
    /// Keys that the bucket has and the state does not know.
    new: Found,
    /// Keys with another content in the bucket than in the state.
    changed: Found,
    /// Keys that the state knows and the bucket does not have.
    gone: Found,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Found(Option<(u64, ObjectKey)>);

/// The reason to end the walk over the state's rows.
enum Walk {
    /// The following keys were not listed.
    Enough,
    State(StateError),
}

/// Lists the bucket and compares it with what the state knows of each sink.
pub(super) async fn with_bucket(settings: &Settings) -> CheckResult {
    let (Ok(overview), Some(name)) = (completed_state(settings).await, settings.source.bucket.as_deref()) else {
        return CheckResult::skipped(ENDPOINT, "no initial sync has completed yet");
    };
    let listed = match timeout(LIST_TIMEOUT, list(settings, name)).await {
        Ok(Ok(listed)) => listed,
        Ok(Err(error)) => return CheckResult::failed(ENDPOINT, error.to_string(), error.kind.hint()),
        Err(_) => {
            return CheckResult::failed(
                ENDPOINT,
                format!("no listing within {} s", LIST_TIMEOUT.as_secs()),
                "check the network to the bucket",
            );
        }
    };
    if listed.up_to.is_some() && !listed.in_order {
        return CheckResult::skipped(ENDPOINT, format!("the store does not list in byte order, and has more than {MAX_KEYS} keys"));
    }
    let listed = Arc::new(listed);
    let (mut sentences, mut all_the_same) = (Vec::new(), true);
    for sink in overview.sinks {
        match with_sink(listed.clone(), settings.database_path.clone(), sink.name.clone()).await {
            Ok(differences) => {
                all_the_same &= differences.is_empty();
                sentences.push((sink.name, differences.sentence(if listed.up_to.is_some() { "the first " } else { "" })));
            }
            Err(error) => {
                return CheckResult::failed(ENDPOINT, format!("{}: {error}", sink.name), "the state cannot be read: see the message");
            }
        }
    }
    if all_the_same {
        return CheckResult::ok(ENDPOINT, named(sentences));
    }
    let hint = "a change of this moment arrives with the next cycle; what remains was never reported: `s3-sync reconcile` heals it";
    CheckResult::failed(ENDPOINT, named(sentences), hint)
}

/// Compares the listed keys with the rows of one sink.
async fn with_sink(listed: Arc<Listed>, database: PathBuf, sink: SinkName) -> Result<Differences, String> {
    let compare = move || compare(&listed, |visit| Views::open(&database).snapshot_rows((&sink, SinkSide::Known), visit));
    match tokio::task::spawn_blocking(compare).await {
        Ok(compared) => compared.map_err(|error| error.to_string()),
        Err(error) => Err(format!("this is a bug: {error}")),
    }
}

async fn list(settings: &Settings, name: &str) -> Result<Listed, S3Error> {
    let bucket = endpoints::bucket(settings, name).await?;
    let known = Views::open(&settings.database_path).key_encodings().await.unwrap_or_default();
    let mut listed = Listed { objects: BTreeMap::new(), up_to: None, in_order: true };
    let mut from = PageCursor::Start;
    loop {
        let request = ListRequest { prefix: settings.source.prefix.clone(), from, max_keys: PAGE_KEYS };
        let mut page = bucket.list_page(request).await?;
        if let Some(written) = page.written.take() {
            written.rename(&written.explained_by(known.as_ref()).0, &mut page.objects, &mut page.next);
        }
        for (key, _) in &page.objects {
            listed.in_order &= listed.up_to.as_ref().is_none_or(|last| last < key);
            listed.up_to = listed.up_to.take().max(Some(key.clone()));
        }
        listed.objects.extend(page.objects.into_iter().filter(|(key, facts)| !key.is_directory_marker(facts.size)));
        let Some(next) = page.next else {
            return Ok(Listed { up_to: None, ..listed });
        };
        if listed.objects.len() >= MAX_KEYS {
            return Ok(listed);
        }
        from = next;
    }
}

/// Compares the listed keys with the rows that `walk` visits, in the order of their keys.
fn compare(
    listed: &Listed,
    walk: impl FnOnce(&mut dyn FnMut(FileRow<'_>) -> Result<(), Walk>) -> Result<(), Walk>,
) -> Result<Differences, StateError> {
    let mut objects = listed.objects.iter().peekable();
    let mut differences = Differences::default();
    let walked = walk(&mut |file| {
        let key = ObjectKey::new(file.file_path).map_err(StateError::from)?;
        if listed.up_to.as_ref().is_some_and(|up_to| key > *up_to) {
            return Err(Walk::Enough);
        }
        while let Some((new, _)) = objects.next_if(|(listed, _)| **listed < key) {
            differences.compared += 1;
            differences.new.add(new.clone());
        }
        differences.compared += 1;
        match objects.next_if(|(listed, _)| **listed == key) {
            None => differences.gone.add(key),
            Some((_, facts)) if is_same(&file, facts) => {}
            Some(_) => differences.changed.add(key),
        }
        Ok(())
    });
    if let Err(Walk::State(error)) = walked {
        return Err(error);
    }
    for (key, _) in objects {
        differences.compared += 1;
        differences.new.add(key.clone());
    }
    Ok(differences)
}

/// True if size and ETag agree. A listing may have no ETags; then only the size is compared.
fn is_same(file: &FileRow<'_>, facts: &ObjectFacts) -> bool {
    file.size == Some(facts.size) && file.etag.zip(facts.etag.as_ref()).is_none_or(|(known, shown)| known == shown.as_str())
}

impl Found {
    fn add(&mut self, key: ObjectKey) {
        self.0.get_or_insert((0, key)).0 += 1;
    }
}

impl Differences {
    fn kinds(&self) -> [(&Found, &'static str); 3] {
        [(&self.new, "not known yet"), (&self.changed, "of other content"), (&self.gone, "no longer there")]
    }

    fn is_empty(&self) -> bool {
        self.kinds().iter().all(|(found, _)| found.0.is_none())
    }

    fn sentence(&self, part: &str) -> String {
        let kinds = self.kinds();
        let sentences = kinds.iter().filter_map(|(found, what)| {
            let (count, example) = found.0.as_ref()?;
            Some(format!("{count} {what}, for example {example}"))
        });
        let sentences: Vec<_> = sentences.collect();
        let keys = if self.compared == 1 { "key" } else { "keys" };
        if sentences.is_empty() {
            return format!("{part}{} {keys} compared, and all the same", self.compared);
        }
        format!("{part}{} {keys} compared: {}", self.compared, sentences.join("; "))
    }
}

impl From<StateError> for Walk {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ETag;

    fn key(name: &str) -> ObjectKey {
        ObjectKey::new(name).expect("not empty")
    }

    /// `a=1` is the key `a` with the content 1; `a=?` is the key without an ETag.
    fn rows(text: &str) -> Vec<(ObjectKey, Option<ETag>)> {
        let rows = text.split_whitespace().map(|row| row.split_once('=').expect("key=content"));
        rows.map(|(name, content)| (key(name), if content == "?" { None } else { ETag::parse(content) })).collect()
    }

    fn compared(known: &str, shown: &str, up_to: Option<&str>) -> String {
        let facts = |etag| ObjectFacts { size: 1, etag, last_modified: None, storage_class: None, version_id: None };
        let objects = rows(shown).into_iter().map(|(key, etag)| (key, facts(etag))).collect();
        let walk = |visit: &mut dyn FnMut(FileRow<'_>) -> Result<(), Walk>| {
            let mut rows = rows(known).into_iter();
            rows.try_for_each(|(key, etag)| {
                visit(FileRow { size: Some(1), etag: etag.as_ref().map(ETag::as_str), ..FileRow::at(key.as_str()) })
            })
        };
        let differences =
            compare(&Listed { objects, up_to: up_to.map(key), in_order: true }, walk).unwrap_or_else(|error| panic!("{error}"));
        differences.sentence("")
    }

    #[test]
    fn differences_are_counted_by_kind_and_only_among_listed_keys() {
        for (known, shown, up_to, sentences) in [
            ("", "", None, "0 keys compared, and all the same"),
            ("a=1 b=2", "a=1 b=2", None, "2 keys compared, and all the same"),
            ("a=1 b=?", "a=? b=2", None, "2 keys compared, and all the same"),
            ("a=1 b=2 c=3", "a=1 b=2", Some("b"), "2 keys compared, and all the same"),
            ("a=1", "a=2", None, "1 key compared: 1 of other content, for example a"),
            (
                "b=1 c=1 d=1",
                "a=1 b=2 d=1",
                None,
                "4 keys compared: 1 not known yet, for example a; 1 of other content, for example b; 1 no longer there, for example c",
            ),
        ] {
            assert_eq!(compared(known, shown, up_to), sentences, "known {known}, shown {shown}");
        }
    }
}
