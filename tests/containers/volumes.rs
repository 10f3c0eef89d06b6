//! The volume with the state: full, or wanted by two.

use crate::crashes::in_sync;
use crate::engine::docker;
use crate::file_manager::hanging_creates;
use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_volume_is_told_corrupts_nothing_and_it_goes_on_when_there_is_room() {
    let small = ["--driver", "local", "--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", "o=size=4m,uid=10001,gid=10001"];
    let stage = Stage::on(&small, "a/", 150).await;
    // Holds the volume, whose content would else go with the last container, and fills it up to the size of a few pages.
    let holder = stage.shell("head -c 4100000 /dev/zero >/app/data/ballast; exec sleep infinity").await;
    let full = stage.run(&["initial-sync"]).await.expect(1);
    full.says(&["/app/data/sync.db", "full"]);
    docker(&["exec", holder.id(), "rm", "/app/data/ballast"]).await;
    stage.run(&["initial-sync"]).await.expect(0);
    in_sync(&stage).await;
    holder.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_service_on_the_same_volume_ends_with_4_and_names_the_first() {
    let stage = Stage::with("a/", 5).await;
    let files = stage.files().await;
    files.order(&hanging_creates()).await;
    let first = stage.start(&["initial-sync"]).await;
    files.wait_for_calls(files.calls_in_all().await + 5).await;
    let second = stage.run(&["initial-sync"]).await.expect(4);
    second.says(&["initial-sync"]);
    first.kill().await;
    files.no_faults().await;
    stage.run(&["initial-sync"]).await.expect(0);
    in_sync(&stage).await;
}
