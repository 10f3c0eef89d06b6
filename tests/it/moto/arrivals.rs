//! The objects of three pages are synced, once each.

use super::objects::Objects;
use super::server::Moto;
use super::sync::{Sync, calls_about_files, file_manager, held};
use std::collections::BTreeMap;

const KEYS: usize = 2_500;

#[tokio::test]
async fn three_pages_arrive_byte_for_byte_and_a_second_run_sends_nothing() {
    let (moto, file_manager) = (Moto::start().await, file_manager().await);
    // Bodies of every length from 0 on, with keys in another order than their numbers.
    let bodies: BTreeMap<_, _> = (0..KEYS).map(|n| (format!("{}/{n}.bin", n % 7), body(n))).collect();
    Objects::create(&moto).await.put_all(&bodies).await;
    let sync = Sync::new(&moto.endpoint, &file_manager);

    let first = sync.done().await;
    assert_eq!((&first["listing"]["pages"], &first["listing"]["files"]), (&3.into(), &KEYS.into()), "{first}");
    assert_eq!((&first["operations"]["create"], &first["unverified"]), (&KEYS.into(), &0.into()), "{first}");
    assert!(held(&file_manager) == bodies, "every object is there, with its bytes");

    file_manager.api().reset_calls();
    let second = sync.done().await;
    assert_eq!((&second["listing"]["pages"], &second["statistics"]["operations_processed"]), (&3.into(), &0.into()), "{second}");
    assert_eq!(calls_about_files(&file_manager), 0);
}

fn body(n: usize) -> Vec<u8> {
    n.to_le_bytes().into_iter().cycle().take(n).collect()
}
