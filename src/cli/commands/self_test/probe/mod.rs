//! The probe: asks the bucket's store as a run does, and reports what it does and what it does not do. It only reads, within the bounds of
//! `asker.rs`. What the bucket's objects cannot show is `not seen`.

mod asker;
mod row;

mod address;
mod listing;
mod spelling;
mod objects;
mod bodies;
mod absence;

use crate::app::endpoints;
use crate::config::Settings;
use crate::s3::S3Error;
use asker::Asker;
use row::{ProbeRow, RowAnswer};
use serde::Serialize;
use std::fmt;

/// What the store does.
#[derive(Debug, Serialize)]
pub(super) struct Probe {
    /// The number of requests. All were reads.
    requests: u32,
    rows: Vec<ProbeRow>,
}

/// Asks the store of this bucket.
pub(super) async fn run(settings: &Settings, bucket: &str) -> Result<Probe, S3Error> {
    let store = endpoints::bucket(settings, bucket).await?;
    let endpoint = settings.source.endpoint.as_ref();
    let by_path = store.is_addressed_by_path().await?;
    let mut rows = vec![address::tls(endpoint), address::style(endpoint, settings.source.addressing, (bucket, by_path))];
    let asker = Asker::new(store, settings.source.prefix.clone());
    let (mut sample, first_page) = listing::first_page(&asker, u16::try_from(settings.list_page_keys.get()).unwrap_or(u16::MAX)).await;
    rows.push(first_page);
    let (spelling, encoding) = spelling::row(&asker, &sample).await;
    if let Some(encoding) = encoding {
        sample.read_as(encoding);
    }
    rows.extend(listing::rows(&asker, &sample).await);
    rows.push(spelling);
    let (found, of_objects) = objects::look_up(&asker, &sample).await;
    rows.extend(of_objects);
    rows.extend(bodies::rows(&asker, found.as_ref(), settings.verify_integrity).await);
    rows.push(objects::checksum_of_parts(&asker, &sample).await);
    rows.push(absence::row(&asker).await);
    Ok(Probe { requests: asker.requests(), rows })
}

impl Probe {
    /// True if a sync can run.
    pub(super) fn allows_runs(&self) -> bool {
        self.rows.iter().all(|row| row.answer != RowAnswer::Failed)
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "what the store does ({} requests, all of them reads):", self.requests)?;
        self.rows.iter().try_for_each(|row| row.fmt(f))
    }
}
