//! Each field of an answer or a message, wrong in each way: what only describes keeps nothing from being synced, and what decides is refused
//! by name. The tables say what becomes of each; a test of each channel measures that, and `docs/faults.md` shows them.

mod feed;
mod headers;
mod listing;
mod notifications;
mod queue;
mod table;

use std::fmt::Write as _;

const INTRODUCTION: &str = "
## Odd answers and messages

Each field of an answer or a message, wrong in each of these ways. A test sends every one of them, and compares what becomes of it:

- **synced**: the object is in the file manager, with its content. What only describes (times, classes, owners, user metadata, unknown
  fields) never keeps an object, a page or a bucket from being synced. What cannot be read is left out and counted.
- **refused** or **dead letter**: what decides (keys, sizes, checksums, where a listing goes on) is refused, and the text names it.
- **ignored**: counted in the report.

*Twice* means twice with two values; in JSON the last one counts. *Not text* is a latin-1 byte, or in a message from a queue, which is
UTF-8, a lone surrogate. A queue delivers a message that was refused again. (The feed's list is one document: a byte that is no UTF-8 costs the event around it.) \"–\": the field has no
such value.
";

/// The part of `docs/faults.md` that shows the tables.
pub(crate) fn section() -> String {
    let mut section = INTRODUCTION.to_owned();
    let channels = [
        ("Listing: elements of an entry", listing::of_entry()),
        ("Listing: elements of the page", listing::of_page()),
        ("Headers of a HEAD", headers::of_head()),
        ("Headers of a GET", headers::of_get()),
        ("Records of S3's notifications", notifications::of_record()),
        ("Messages of EventBridge", notifications::of_event_bridge()),
        ("SNS's envelope", notifications::of_sns()),
        ("Responses of an SQS queue", queue::of_response()),
        ("Events of the feed", feed::of_event()),
        ("Responses of the feed", feed::of_response()),
    ];
    for (title, fields) in channels {
        write!(section, "\n### {title}\n\n{}", table::markdown(&fields)).expect("invariant: writing to a String never fails");
    }
    section
}
