//! Fills a bucket from a directory or with generated objects, before the server listens.

use crate::mock::MockS3;
use crate::object::NewObject;
use std::io;
use std::path::{Path, PathBuf};

pub(crate) fn put_directory(server: &MockS3, bucket: &str, root: &Path) -> io::Result<usize> {
    let mut count = 0;
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).map_err(|error| naming(&directory, &error))? {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let body = std::fs::read(&path).map_err(|error| naming(&path, &error))?;
            server.put_object(bucket, &key(root, &path)?, NewObject::bytes(body).content_type(content_type(&path)));
            count += 1;
        }
    }
    Ok(count)
}

fn key(root: &Path, path: &Path) -> io::Result<String> {
    let relative: PathBuf = path.strip_prefix(root).expect("invariant: the walk stays below its root").into();
    let components: Option<Vec<&str>> = relative.iter().map(|component| component.to_str()).collect();
    let components = components.ok_or_else(|| naming(path, &io::Error::new(io::ErrorKind::InvalidData, "the name is not UTF-8")))?;
    Ok(components.join("/"))
}

/// The type that S3 clients guess.
fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "css" => "text/css",
        "csv" => "text/csv",
        "gif" => "image/gif",
        "html" => "text/html",
        "jpeg" | "jpg" => "image/jpeg",
        "json" => "application/json",
        "md" => "text/markdown",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" => "text/plain",
        "xml" => "application/xml",
        "yaml" | "yml" => "application/yaml",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}

fn naming(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
