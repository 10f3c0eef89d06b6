//! The content type of a file to upload, inferred from its name as S3 clients do.

/// The MIME type of a file name; `application/octet-stream` for an unknown extension.
pub fn content_type_of(name: &str) -> &'static str {
    let extension = name.rsplit('/').next().and_then(|file| file.rsplit_once('.')).map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref().unwrap_or_default() {
        "css" => "text/css",
        "csv" => "text/csv",
        "gif" => "image/gif",
        "gz" => "application/gzip",
        "htm" | "html" => "text/html",
        "jpeg" | "jpg" => "image/jpeg",
        "js" => "text/javascript",
        "json" => "application/json",
        "md" => "text/markdown",
        "mp4" => "video/mp4",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "py" => "text/x-python",
        "svg" => "image/svg+xml",
        "tar" => "application/x-tar",
        "log" | "txt" => "text/plain",
        "webp" => "image/webp",
        "xml" => "application/xml",
        "yaml" | "yml" => "application/yaml",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}

#[test]
fn the_last_extension_of_the_file_counts() {
    for (name, expected) in [
        ("a/b.TXT", "text/plain"),
        ("logs/app.log.gz", "application/gzip"),
        ("v1.2/README", "application/octet-stream"),
        ("008", "application/octet-stream"),
        (".hidden", "application/octet-stream"),
    ] {
        assert_eq!(content_type_of(name), expected, "{name}");
    }
}
