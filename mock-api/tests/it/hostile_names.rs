//! Names that no file system should hold arrive byte for byte, as parts and as form fields, whatever file name the part has.

use crate::client::{Save, double, double_with, head, multipart, rest, send};
use mock_api::{Contents, Options};
use std::collections::BTreeSet;

fn hostile_names() -> Vec<String> {
    let mut names: Vec<String> = serde_json::from_str(include_str!("hostile-keys.json")).expect("a list of names");
    names.extend(
        [
            "line\nbreak",
            "a\r\nContent-Length: 0\r\n\r\n",
            "\"quoted\"; filename=\"x",
            "--\r\n------boundary",
            "\\",
            "a\\",
            "tab\t",
            "100%",
            "a+b c&d=e",
        ]
        .map(str::to_owned),
    );
    names.retain(|name| !name.is_empty());
    names
}

#[tokio::test]
async fn every_name_arrives_as_it_was_sent() {
    let directory = tempfile::tempdir().expect("a directory");
    let double = double_with(Options { contents: Contents::Directory(directory.path().to_owned()), ..Options::default() }).await;
    let names = hostile_names();
    assert!(names.len() > 40);
    for name in &names {
        let created = double.save(Save::new("create", name).with("size", "1").file(b"x")).await;
        assert_eq!((created.status, created.body["file_path"].as_str()), (200, Some(name.as_str())));
        let got = double.save(Save::new("get", name)).await;
        assert_eq!((got.status, &got.body["internal_id"]), (200, &created.body["internal_id"]), "{name:?}");
        let permissions = double.permissions(&[("file_path", name)], None).await;
        assert_eq!(permissions.body["file_path"].as_str(), Some(name.as_str()));
    }
    let expected: BTreeSet<_> = names.iter().cloned().collect();
    assert_eq!(double.api().files().into_keys().collect::<BTreeSet<_>>(), expected);
    assert_eq!(std::fs::read_dir(directory.path()).expect("readable").count(), expected.len());
}

#[tokio::test]
async fn the_file_name_is_informative_only() {
    for file_name in ["a\\", "; name=\\\"file_path\\\"", "", "../../x", "ü\u{202e}"] {
        let double = double().await;
        let disposition = format!("name=\"file\"; filename=\"{file_name}\"");
        let body = multipart(&[("name=\"operation\"", "create"), ("name=\"file_path\"", "a"), (&disposition, "content")]);
        let mut stream = double.connect().await;
        send(&mut stream, head(body.len()).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").as_bytes()).await;
        send(&mut stream, body.as_bytes()).await;
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{file_name:?}: {}", String::from_utf8_lossy(&answer));
        assert_eq!(double.contents(), [("a".to_owned(), "content".to_owned())]);
    }
}
