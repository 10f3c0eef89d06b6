//! `updatePermissions`: the rule by suffix, set permissions, and when they are dropped.

use crate::client::{Save, double};
use serde_json::json;

#[tokio::test]
async fn a_get_returns_the_permissions_of_any_path_by_its_suffix() {
    let double = double().await;
    let user = ["rw-r--r--", "user", "users"];
    let developer = ["rwxr-xr-x", "developer", "dev"];
    let content = ["rw-r-----", "content", "media"];
    let system = ["rw-rw-r--", "system", "system"];
    let rows = [
        ("a.txt", user),
        ("README.md", user),
        ("x/y.log", user),
        ("a.py", developer),
        ("a.js", developer),
        ("a.sh", developer),
        ("a.jpg", content),
        ("a.png", content),
        ("a.pdf", content),
        ("a.TXT", system),
        ("txt", system),
        ("a.txt/b", system),
        ("a.tar.gz", system),
        (".txt", user),
    ];
    for (path, [permissions, owner, group]) in rows {
        let said = double.permissions(&[("file_path", path)], None).await;
        let mut body = said.body;
        assert!(body["last_updated"].take().as_str().expect("a time").parse::<jiff::Timestamp>().is_ok());
        let expected = json!({ "file_path": path, "permissions": permissions, "owner": owner, "group": group, "last_updated": null });
        assert_eq!((said.status, body), (200, expected));
    }
    assert_eq!(double.api().effects().total, 0);
}

#[tokio::test]
async fn permissions_keep_the_fields_that_a_request_leaves_out() {
    let double = double().await;
    let shown = async |fields: &[(&str, &str)]| {
        let body = double.permissions(fields, None).await.body;
        ["permissions", "owner", "group"].map(|name| body[name].as_str().expect("text").to_owned())
    };
    assert_eq!(shown(&[("file_path", "a.txt"), ("permissions", "0755")]).await, ["0755", "user", "users"]);
    assert_eq!(shown(&[("file_path", "a.txt"), ("owner", "me"), ("group", "")]).await, ["0755", "me", "users"]);
    assert_eq!(shown(&[("file_path", "a.txt"), ("group", "us"), ("permissions", "NA")]).await, ["NA", "me", "us"]);
    assert_eq!(shown(&[("file_path", "a.txt")]).await, ["NA", "me", "us"]);
    assert_eq!(shown(&[("file_path", "b.txt")]).await, ["rw-r--r--", "user", "users"]);
    assert_eq!(double.api().effects().of("a.txt", "set"), 3);
}

#[tokio::test]
async fn a_path_is_required() {
    let double = double().await;
    for fields in [&[("permissions", "0644")][..], &[], &[("file_path", "")]] {
        let said = double.permissions(fields, None).await;
        assert_eq!((said.status, said.problems()), (422, vec![("file_path".to_owned(), "missing".to_owned())]));
    }
}

#[tokio::test]
async fn permissions_follow_a_rename_and_are_removed_by_a_delete() {
    let double = double().await;
    double.permissions(&[("file_path", "a.txt"), ("permissions", "0600")], None).await;
    double.create("a.txt", "x").await;
    assert_eq!(double.api().permissions("a.txt").permissions, "0600", "set before the create, and there after it");
    double.save(Save::new("rename", "a.txt").with("new_path", "b.txt")).await;
    assert_eq!(["a.txt", "b.txt"].map(|path| double.api().permissions(path).permissions), ["rw-r--r--", "0600"]);
    double.save(Save::new("delete", "b.txt")).await;
    assert_eq!(double.api().permissions("b.txt").permissions, "rw-r--r--");
}
