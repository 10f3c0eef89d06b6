//! Reads the keys of a listing: some sources encode them, some do not, and not all say what they do. Where a text can be two keys, a lookup
//! shows which of them is there, and so what the source means. The answer counts for all later pages and runs.

use super::{Source, SourcePage};
use crate::endpoint::EndpointError;
use crate::record::{KeyEncoding, KnownEncodings, ObjectFacts, ObjectKey, readings};
use crate::retry::{Disposed as _, Disposition, RetryPolicy};
use std::collections::BTreeSet;

/// The maximum number of texts that one listing looks up. Usually one is enough; at a source that shows objects and does not find them, none
/// is.
const MAX_EXAMINED: usize = 100;

/// The reader of one listing.
pub struct KeyReader<'a> {
    source: &'a dyn Source,
    retry: RetryPolicy,
    known: Option<KnownEncodings>,
    examined: usize,
    /// True after the known encodings were refuted: once is enough for a listing.
    refuted: bool,
    /// True after a lookup confirmed or refuted them: what is doubted in this listing is no question of its spelling any more.
    settled: bool,
}

/// What a page has shown of the spelling of the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// Nothing new.
    Known,
    /// These encodings, which agree with all earlier pages.
    Learned(KnownEncodings),
    /// These encodings. Earlier pages were read wrongly: the listing starts over.
    Refuted(KnownEncodings),
}

impl<'a> KeyReader<'a> {
    /// A reader that knows what earlier listings have shown.
    pub fn new(source: &'a dyn Source, retry: RetryPolicy, known: Option<KnownEncodings>) -> Self {
        Self { source, retry, known, examined: 0, refuted: false, settled: false }
    }

    /// Gives the objects of a page the keys that they have by all that is known. Returns those that can be read otherwise: the caller is to
    /// find out which of them are doubted, that is, were listed before and not found.
    pub fn assume(&self, page: &mut SourcePage) -> Vec<ObjectKey> {
        let Some(written) = page.written.take() else { return Vec::new() };
        let (possible, _) = written.explained_by(self.known.as_ref());
        written.rename(&possible, &mut page.objects, &mut page.next);
        let objects = written.texts.iter().zip(&page.objects);
        let ambiguous = objects.filter(|(text, _)| readings(text, &written.encodings).len() > 1).map(|(_, (key, _))| key.clone()).collect();
        page.written = Some(written);
        ambiguous
    }

    /// Looks up what is open or doubted, and gives the objects of the page the right keys. An error means that the source is unreachable.
    pub async fn examine(&mut self, page: &mut SourcePage, doubted: &BTreeSet<ObjectKey>) -> Result<Spelling, EndpointError> {
        let Some(written) = page.written.take() else { return Ok(Spelling::Known) };
        let (mut possible, mut refuted) = written.explained_by(self.known.as_ref());
        for (text, (key, facts)) in written.texts.iter().zip(&page.objects) {
            let is_doubted = !self.settled && doubted.contains(key);
            let among = if is_doubted { &written.encodings } else { &possible };
            let mut readings = readings(text, among);
            if readings.len() < 2 || self.examined == MAX_EXAMINED {
                continue;
            }
            self.examined += 1;
            // What is known comes first: an equal object at another key refutes nothing.
            readings.sort_by_key(|(reading, _)| reading != key);
            let Some(found) = self.find(readings, facts).await? else { continue };
            self.settled |= is_doubted;
            let agreeing: Vec<_> = possible.iter().copied().filter(|encoding| found.contains(encoding)).collect();
            refuted |= agreeing.is_empty();
            possible = if agreeing.is_empty() { found } else { agreeing };
        }
        written.rename(&possible, &mut page.objects, &mut page.next);
        let shown = KnownEncodings { declared: written.declared, encodings: possible };
        if self.known.as_ref() == Some(&shown) || (refuted && self.refuted) {
            return Ok(Spelling::Known);
        }
        self.refuted |= refuted;
        self.known = Some(shown.clone());
        tracing::info!(encodings = shown.words(), refuted, "the spelling of the listed keys");
        Ok(if refuted { Spelling::Refuted(shown) } else { Spelling::Learned(shown) })
    }

    /// The encodings by which the listed object is there. One lookup is enough if the most likely key has this content. `None` = it is not
    /// clear: the object is at no key, or equal objects are at several.
    async fn find(
        &self,
        readings: Vec<(ObjectKey, Vec<KeyEncoding>)>,
        listed: &ObjectFacts,
    ) -> Result<Option<Vec<KeyEncoding>>, EndpointError> {
        let (mut alike, mut others, mut failed) = (Vec::new(), Vec::new(), false);
        for (key, encodings) in readings {
            match self.retry.run(|| self.source.stat(&key)).await {
                Ok(Some(found)) if is_the_listed(&found, listed) => return Ok(Some(encodings)),
                Ok(Some(found)) if may_be_the_listed(&found, listed) => alike.push(encodings),
                Ok(Some(_)) => others.push(encodings),
                Ok(None) => {}
                Err(error) if matches!(error.disposition(), Disposition::Stop { .. }) => return Err(error),
                Err(_) => failed = true,
            }
        }
        // If no object is like the listed one, it was replaced after it was listed.
        let candidates = if alike.is_empty() { &mut others } else { &mut alike };
        let found = candidates.pop();
        Ok(found.filter(|_| candidates.is_empty() && !failed))
    }
}

fn may_be_the_listed(found: &ObjectFacts, listed: &ObjectFacts) -> bool {
    found.size == listed.size && (found.etag == listed.etag || found.etag.is_none() || listed.etag.is_none())
}

/// Empty objects are all alike.
fn is_the_listed(found: &ObjectFacts, listed: &ObjectFacts) -> bool {
    found.size == listed.size && found.size > 0 && found.etag.is_some() && found.etag == listed.etag
}
