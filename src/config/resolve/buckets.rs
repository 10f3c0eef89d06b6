//! The settings of a bucket that depend on each other: its name, its server, and where its name stands in an address.

use super::Resolver;
use crate::config::declared::Setting;
use crate::config::error::ConfigProblem;
use crate::config::values::{self, Addressing};
use crate::config::{SourceSettings, table};
use url::{Host, Url};

impl Resolver<'_> {
    /// The bucket that is read.
    pub(super) fn source(&mut self) -> SourceSettings {
        let endpoint = self.optional(&table::CUSTOMER_S3_ENDPOINT);
        let addressing = self.with_default(&table::CUSTOMER_S3_ADDRESSING);
        let bucket = self.bucket(&table::CUSTOMER_S3_BUCKET, &table::CUSTOMER_S3_ENDPOINT);
        if addressing == Addressing::Virtual {
            self.require_host_name(endpoint.as_ref(), bucket.as_deref());
        }
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

    /// Refuses a bucket that the SDK would call by its path, although a host name of its own is demanded. The host name of an access point
    /// is made from its ARN.
    fn require_host_name(&mut self, endpoint: Option<&Url>, bucket: Option<&str>) {
        let addressing = table::CUSTOMER_S3_ADDRESSING.declared.name;
        if let Some(address) = endpoint.filter(|url| matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)))) {
            let (endpoint, address) = (table::CUSTOMER_S3_ENDPOINT.declared.name, address.clone());
            self.problems.push(ConfigProblem::HostNameAtIpAddress { addressing, endpoint, address });
        }
        let fits = |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-'));
        if let Some(bucket) = bucket.filter(|name| !name.starts_with("arn:") && !fits(name)) {
            let (name, bucket) = (table::CUSTOMER_S3_BUCKET.declared.name, bucket.to_owned());
            self.problems.push(ConfigProblem::NoHostName { addressing, name, bucket });
        }
    }
}
