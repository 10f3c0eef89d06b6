//! The settings of the event queues and of the inbox. The event feed belongs to the events API.

use crate::config::declared::{Declared, Group, PLAIN, Setting};
use crate::config::values;
use std::num::NonZeroUsize;
use url::Url;

const SOURCES: Declared = Declared { group: Group::Sources, ..PLAIN };

pub(in crate::config) static EVENTS_SQS_QUEUE_URL: Setting<Vec<Url>> = Setting {
    declared: Declared {
        name: "EVENTS_SQS_QUEUE_URL",
        accepted: "the address of a standard queue (not a FIFO queue, whose name ends with .fifo), such as https://sqs.eu-central-1.amazonaws.com/123456789012/events, or several with commas between them",
        doc: "The queues that S3 notifications are received from: sent by S3 itself, through SNS or through EventBridge. They are polled with the bucket's credentials, or with the credential chain of AWS. The retention time of a queue is read from it if the credentials allow that (`sqs:GetQueueAttributes`), else 4 days are assumed. When a queue was not polled for longer than that, or was removed from this list while another stays, the whole bucket is listed again. Not set: none.",
        ..SOURCES
    },
    parse: values::queue_addresses,
};

pub(in crate::config) static EVENTS_SQS_ENDPOINT: Setting<Url> = Setting {
    declared: Declared {
        name: "EVENTS_SQS_ENDPOINT",
        fallbacks: &["AWS_ENDPOINT_URL_SQS"],
        accepted: "an http:// or https:// address with a host, without user, password, query or fragment",
        doc: "The SQS server of all queues. Not set: AWS, or where a queue's own address points when that is not AWS.",
        ..SOURCES
    },
    parse: values::address,
};

pub(in crate::config) static INBOX_MAX: Setting<NonZeroUsize> = Setting {
    declared: Declared {
        name: "INBOX_MAX",
        default: Some("100000"),
        accepted: "a whole number from 1 to 10000000",
        doc: "While this many events wait in the inbox, no more are received: they stay in their queue or feed.",
        ..SOURCES
    },
    parse: values::count::<1, 10_000_000>,
};
