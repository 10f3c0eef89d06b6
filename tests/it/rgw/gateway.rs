//! The gateway that `scripts/soak-rgw.sh` runs: new buckets there, and the settings of a run on one.

use crate::moto::objects::Objects;
use crate::moto::sync::Sync;
use aws_sdk_s3::config::Credentials;
use mock_api::Running;
use uuid::Uuid;

/// A gateway, and a user who may create buckets there.
pub(super) struct Gateway {
    pub(super) endpoint: String,
    pub(super) access_key: String,
    pub(super) secret_key: String,
}

impl Gateway {
    /// The gateway that the script started.
    pub(super) fn running() -> Self {
        Self { endpoint: variable("RGW_ENDPOINT"), access_key: variable("RGW_ACCESS_KEY"), secret_key: variable("RGW_SECRET_KEY") }
    }

    /// A new bucket, whatever earlier runs left.
    pub(super) async fn bucket(&self) -> Objects {
        let owner = Credentials::new(&self.access_key, &self.secret_key, None, None, "test");
        Objects::create_at(&self.endpoint, owner, &format!("soak-{}", Uuid::new_v4())).await
    }

    /// Runs of `s3-sync` from this bucket into a file manager.
    pub(super) fn sync(&self, objects: &Objects, file_manager: &Running) -> Sync {
        Sync::new(&self.endpoint, file_manager)
            .with("CUSTOMER_S3_BUCKET", &objects.bucket)
            .with("CUSTOMER_S3_ACCESS_KEY", &self.access_key)
            .with("CUSTOMER_S3_SECRET_KEY", &self.secret_key)
    }
}

#[expect(clippy::disallowed_methods, reason = "where the gateway runs is known to the script that starts it, and is no setting")]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} describes a running gateway: `make soak-rgw` starts one"))
}
