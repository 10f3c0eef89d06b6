//! Changes in the bucket between two runs are applied to the file manager, and nothing else is.

use super::objects::Objects;
use super::server::Moto;
use super::sync::{Sync, file_manager, held};
use std::collections::BTreeMap;

#[tokio::test]
async fn a_replaced_object_keeps_its_identity_and_a_deleted_one_goes() {
    let (moto, file_manager) = (Moto::start().await, file_manager().await);
    let mut bodies: BTreeMap<_, _> = ["kept", "replaced", "deleted"].map(|key| (key.to_owned(), key.as_bytes().to_vec())).into();
    let objects = Objects::create(&moto).await;
    objects.put_all(&bodies).await;
    let sync = Sync::new(&moto.endpoint, &file_manager);
    sync.done().await;
    let before = file_manager.api().files();

    objects.put("replaced", b"other bytes").await;
    bodies.insert("replaced".to_owned(), b"other bytes".to_vec());
    objects.delete("deleted").await;
    bodies.remove("deleted");
    let report = sync.done().await;

    let operations = &report["operations"];
    let counts = ["create", "update", "delete"].map(|kind| operations[kind].as_u64());
    assert_eq!(counts, [Some(0), Some(1), Some(1)], "{report}");
    assert_eq!(held(&file_manager), bodies);
    let after = file_manager.api().files();
    for key in ["kept", "replaced"] {
        assert_eq!(after[key].internal_id, before[key].internal_id, "{key}");
    }
    let effects = file_manager.api().effects();
    let done = |path: &str| ["create", "update", "delete"].map(|operation| effects.of(path, operation));
    assert_eq!([done("kept"), done("replaced"), done("deleted")], [[1, 0, 0], [1, 1, 0], [1, 0, 1]]);
}
