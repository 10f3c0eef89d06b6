//! The settings of a bucket that depend on each other: its name and its server.

use super::Resolver;
use crate::config::declared::Setting;
use crate::config::error::ConfigProblem;
use crate::config::{SourceSettings, table, values};
use url::Url;

impl Resolver<'_> {
    /// The bucket that is read.
    pub(super) fn source(&mut self) -> SourceSettings {
        let endpoint = self.optional(&table::CUSTOMER_S3_ENDPOINT);
        let addressing = self.with_default(&table::CUSTOMER_S3_ADDRESSING);
        let bucket = self.bucket(&table::CUSTOMER_S3_BUCKET, &table::CUSTOMER_S3_ENDPOINT);
        SourceSettings {
            endpoint,
            addressing,
            bucket,
            prefix: self.optional(&table::CUSTOMER_S3_PREFIX).unwrap_or_default(),
            region: self.with_default(&table::CUSTOMER_S3_REGION),
            credentials: self.credentials(),
            timeout: self.with_default(&table::CUSTOMER_S3_TIMEOUT),
        }
    }

    /// Refuses the ARN of a bucket, a name that exists only at AWS if an endpoint is set, and one that AWS cannot have if none is set.
    pub(super) fn bucket(&mut self, bucket: &Setting<String>, endpoint: &Setting<Url>) -> Option<String> {
        let given = self.optional(bucket)?;
        let (name, endpoint, at_endpoint) = (bucket.declared.name, &endpoint.declared, self.is_given(&endpoint.declared));
        let problem = if let Some(bucket) = values::bucket_of_arn(&given) {
            ConfigProblem::BucketArn { name, arn: given.clone(), bucket: bucket.to_owned() }
        } else if given.starts_with("arn:") && at_endpoint {
            ConfigProblem::OnlyAtAws { name, arn: given.clone(), endpoint: endpoint.name, fallbacks: endpoint.fallbacks }
        } else if !given.starts_with("arn:") && given.contains(':') && !at_endpoint {
            ConfigProblem::NeverAtAws { name, endpoint: endpoint.name }
        } else {
            return Some(given);
        };
        self.problems.push(problem);
        Some(given)
    }
}
