//! The row about a key that is not there: only a 404 is evidence of absence.

use super::asker::Asker;
use super::row::ProbeRow;
use crate::record::ObjectKey;
use crate::s3::S3ErrorKind;
use uuid::Uuid;

/// Asks for a key that does not exist.
pub(super) async fn row(asker: &Asker) -> ProbeRow {
    const NAME: &str = "missing_key";
    const NO_DELETE: &str = "no delete can be confirmed: the files of objects that are gone stay";
    let key = ObjectKey::new(format!("{}s3-sync-test-{}", asker.prefix, Uuid::new_v4())).expect("invariant: it has a name");
    match asker.head(&key).await {
        Ok(_) => ProbeRow::failed(
            NAME,
            format!("{key} was never written, and HEAD finds it"),
            "is this an S3 server? Check CUSTOMER_S3_ENDPOINT",
        ),
        Err(error) if error.is(&S3ErrorKind::NoSuchKey) => match asker.head_bucket().await {
            Ok(()) => ProbeRow::yes(NAME, "HEAD says 404, and the bucket answers after it"),
            Err(error) => ProbeRow::no(NAME, format!("HEAD says 404, and then the bucket does not answer: {error}"), NO_DELETE),
        },
        Err(error) if error.is(&S3ErrorKind::AccessDenied) => {
            ProbeRow::no(NAME, "HEAD says 403", format!("grant s3:ListBucket on the bucket; until then {NO_DELETE}"))
        }
        Err(error) => ProbeRow::unanswered(NAME, &error),
    }
}
