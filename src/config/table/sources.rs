//! The settings of where events come from, beside the events API's feed, and of how many may wait.

use crate::config::declared::{Declared, Group, PLAIN, Setting};
use crate::config::values;
use std::num::NonZeroUsize;
use url::Url;

const SOURCES: Declared = Declared { group: Group::Sources, ..PLAIN };

pub(in crate::config) static EVENTS_SQS_QUEUE_URL: Setting<Vec<Url>> = Setting {
    declared: Declared {
        name: "EVENTS_SQS_QUEUE_URL",
        right: "the address of a standard queue, such as https://sqs.eu-central-1.amazonaws.com/123456789012/events, or several with commas between them",
        doc: "The queues that S3 notifications are received from: those of S3 itself, through SNS or through EventBridge. They are asked with the bucket's credentials, or with the credential chain of AWS. Where these may (`sqs:GetQueueAttributes`), a queue is asked how long it keeps a message, else 4 days are assumed: when it was not heard for longer, or one is named no more while another is, everything is listed again. Not set: none.",
        ..SOURCES
    },
    parse: values::addresses,
};

pub(in crate::config) static EVENTS_SQS_ENDPOINT: Setting<Url> = Setting {
    declared: Declared {
        name: "EVENTS_SQS_ENDPOINT",
        fallbacks: &["AWS_ENDPOINT_URL_SQS"],
        right: "an http:// or https:// address with a host, without user, password, query or fragment",
        doc: "The SQS server of all queues. Not set: AWS, or where a queue's own address points when that is not AWS.",
        ..SOURCES
    },
    parse: values::address,
};

pub(in crate::config) static INBOX_MAX: Setting<NonZeroUsize> = Setting {
    declared: Declared {
        name: "INBOX_MAX",
        default: Some("100000"),
        right: "a whole number from 1 to 10000000",
        doc: "While as many events wait in the state, no more are received: they wait where they are.",
        ..SOURCES
    },
    parse: values::count::<1, 10_000_000>,
};
