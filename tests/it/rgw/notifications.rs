//! Cycles by the gateway's own notifications: the file manager follows the bucket, and no listing is needed.

use super::arrivals::{bodies, odd_names, put_in_parts, reconciled, two_parts};
use super::gateway::Gateway;
use super::relay::Relay;
use crate::moto::objects::Objects;
use crate::moto::server::Moto;
use crate::moto::sync::{Sync, file_manager, held};
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use mock_api::Running;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A synced bucket whose notifications arrive in a queue.
struct Subscribed {
    gateway: Gateway,
    objects: Objects,
    relay: Relay,
    sync: Sync,
    file_manager: Running,
    _moto: Moto,
}

impl Subscribed {
    async fn with(bodies: &BTreeMap<String, Vec<u8>>) -> Self {
        let (gateway, moto, file_manager) = (Gateway::running(), Moto::start().await, file_manager().await);
        let (objects, relay) = (gateway.bucket().await, Relay::start(&moto).await);
        objects.put_all(bodies).await;
        let sync =
            gateway.sync(&objects, &file_manager).with("EVENTS_SQS_QUEUE_URL", &relay.queue).with("EVENTS_SQS_ENDPOINT", &moto.endpoint);
        sync.done().await;
        assert!(held(&file_manager) == *bodies, "the bucket arrives before it changes");
        relay.subscribe(&gateway, &objects).await;
        Self { gateway, objects, relay, sync, file_manager, _moto: moto }
    }

    /// A cycle that receives all notifications, uses each of them, and lists nothing.
    async fn cycle(&self, notifications: usize) -> Value {
        let report = reconciled(&self.sync, &["incremental-sync", "--json"]).await;
        let queue = &report["queue"];
        assert_eq!((&queue["received"], &queue["dead_letters"]), (&notifications.into(), &0.into()), "{report}");
        assert_eq!((&report["listing"]["pages"], &report["dead_letters"]), (&0.into(), &0.into()), "{report}");
        report
    }

    /// The file manager holds just that.
    fn assert_holds(&self, bodies: &BTreeMap<String, Vec<u8>>) {
        let held = held(&self.file_manager);
        let differ: BTreeSet<_> = bodies.keys().chain(held.keys()).filter(|key| bodies.get(*key) != held.get(*key)).collect();
        assert!(differ.is_empty(), "these differ from the bucket: {differ:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_notifications_of_odd_names_are_enough() {
    let names = || odd_names().into_iter().filter(|name| !name.contains('\0') && name.len() <= 1024);
    // Each name begins three times: one object is replaced, one deleted, one new.
    let begun = |kind: &str| bodies(names().map(|name| format!("{kind}{name}")));
    let mut wanted: BTreeMap<_, _> = begun("").into_iter().chain(begun("gone ")).collect();
    wanted.retain(|name, _| name.len() <= 1024);
    wanted.insert("copied+from.txt".to_owned(), b"a copy".to_vec());
    let subscribed = Subscribed::with(&wanted).await;
    let objects = &subscribed.objects;

    for name in begun("gone ").into_keys().filter(|name| wanted.contains_key(name)).collect::<Vec<_>>() {
        objects.delete(&name).await;
        wanted.remove(&name);
    }
    let replaced: BTreeMap<_, _> = begun("").into_keys().map(|name| (name.clone(), format!("other {name}").into_bytes())).collect();
    let mut created = begun("new ");
    created.retain(|name, _| name.len() <= 1024);
    for bodies in [replaced, created] {
        objects.put_all(&bodies).await;
        wanted.extend(bodies);
    }
    let source = format!("{}/copied%2Bfrom.txt", objects.bucket);
    let copy = objects.client().copy_object().bucket(&objects.bucket).key("copied+to.txt").copy_source(source);
    copy.send().await.expect("the gateway copies an object");
    wanted.insert("copied+to.txt".to_owned(), b"a copy".to_vec());
    put_in_parts(objects, "in parts+.bin", &two_parts()).await;
    wanted.insert("in parts+.bin".to_owned(), two_parts());
    // The gateway notifies of the delete of a missing key, too.
    objects.delete("never+there.txt").await;

    let posted = subscribed.relay.posted();
    println!("a notification as {} posts it: {}", subscribed.gateway.endpoint, posted[0]);
    subscribed.cycle(posted.len()).await;
    subscribed.assert_holds(&wanted);
    assert_eq!(subscribed.cycle(0).await["statistics"]["operations_processed"], 0);
}

/// The gateway reports the delete of a delete marker as the delete of an object, which it is not: the object is back.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_with_versions_goes_and_comes_back() {
    let mut wanted = bodies(["kept+1".to_owned(), "a+b".to_owned()]);
    let subscribed = Subscribed::with(&wanted).await;
    let (objects, client) = (&subscribed.objects, subscribed.objects.client());
    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    client.put_bucket_versioning().bucket(&objects.bucket).versioning_configuration(enabled).send().await.expect("it is enabled");

    let deleted = client.delete_object().bucket(&objects.bucket).key("a+b").send().await.expect("it is deleted");
    let before = wanted.remove("a+b").expect("it is one of them");
    subscribed.cycle(1).await;
    subscribed.assert_holds(&wanted);

    let marker = client.delete_object().bucket(&objects.bucket).key("a+b").set_version_id(deleted.version_id);
    marker.send().await.expect("the marker is deleted");
    wanted.insert("a+b".to_owned(), before);
    subscribed.cycle(1).await;
    subscribed.assert_holds(&wanted);
    let names = |message: &String| serde_json::from_str::<Value>(message).expect("JSON")["Records"][0]["eventName"].clone();
    let names: Vec<_> = subscribed.relay.posted().iter().map(names).collect();
    assert_eq!(names, ["ObjectRemoved:DeleteMarkerCreated", "ObjectRemoved:Delete"]);
}
