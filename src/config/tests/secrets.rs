//! Secrets: where they may be given, and that no output contains them.

use super::{super::read, Given, Layer, Location, TABLE, effective, environment};
use proptest::prelude::*;
use secrecy::ExposeSecret;

#[test]
fn a_secret_may_be_given_in_a_file() {
    let given = Given {
        environment: &[("FILE_MANAGER_API_TOKEN_FILE", "/run/token"), ("CUSTOMER_S3_ACCESS_KEY", "x")],
        yaml: "service:\n  customer_s3_secret_key_file: /run/key\n",
        secret_files: &[("/run/token", "t0ken"), ("/run/key", "k3y")],
        ..Given::default()
    };
    let settings = given.settings();
    assert_eq!(settings.file_manager_token.as_ref().map(ExposeSecret::expose_secret), Some("t0ken"));
    assert_eq!(settings.source.credentials.as_ref().map(|keys| keys.secret_key.expose_secret()), Some("k3y"));
    let token = effective(&settings, "FILE_MANAGER_API_TOKEN");
    assert_eq!(token, (Some("***".to_owned()), "file /run/token: FILE_MANAGER_API_TOKEN_FILE".to_owned()));
}

#[test]
fn a_collectors_headers_show_only_their_names() {
    let given = environment(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20hunter2,b=hunter2"),
    ]);
    let shown = printed(&given);
    assert!(shown.contains("authorization") && !shown.contains("hunter2"), "{shown}");
}

/// All output about a configuration.
fn printed(given: &Given<'_>) -> String {
    match given.resolve() {
        Ok(settings) => format!("{settings:?} {settings:#?} {:?} {:?}", settings.effective(), settings.notices),
        Err(error) => format!("{error} {error:?}"),
    }
}

proptest! {
    /// Every secret in every layer, valid and invalid, alone and given twice, and in an invalid file: none appears in the output.
    #[test]
    fn no_secret_is_ever_shown(secret in "Q[A-Za-z0-9/+=]{8,20}Z", end in "(\n|\u{0}| x|)", quote in "['\" ]", layer in 0..5usize, which in 0..4usize) {
        let names: Vec<_> = TABLE.iter().filter(|declared| declared.secret).map(|declared| declared.name).collect();
        let name = names[which];
        let value = format!("{secret}{end}");
        let dot_env = format!("{name}={quote}{value}\n");
        let yaml = format!("service:\n  {}: {quote}{value}\n", name.to_lowercase());
        let nested = format!("service:\n  {}: [{value}]\nx: {value}\n", name.to_lowercase());
        let file = format!("{name}_FILE");
        let none = Given::default();
        let by_value = [(name, value.as_str()), ("CUSTOMER_S3_ACCESS_KEY", "AKIA")];
        let by_file = [(file.as_str(), "/run/s"), ("CUSTOMER_S3_ACCESS_KEY", "AKIA")];
        let given = match layer {
            0 => environment(&by_value),
            1 => Given { environment: &by_file, secret_files: &[("/run/s", &value)], ..none },
            2 => Given { dot_env: &dot_env, ..none },
            3 => Given { yaml: &yaml, ..none },
            _ => Given { environment: &by_value, yaml: &nested, ..none },
        };
        let shown = printed(&given);
        prop_assert!(!shown.contains(&secret), "{shown}");
    }

    /// No text makes the parser panic.
    #[test]
    fn any_text_gives_settings_or_problems(yaml in any::<String>(), dot_env in any::<String>(), value in any::<String>(), which in 0..TABLE.len()) {
        let environment = [(TABLE[which].name, value.as_str())];
        let _ = printed(&Given { environment: &environment, yaml: &yaml, dot_env: &dot_env, ..Given::default() });
    }
}

#[test]
fn a_layer_shows_only_its_names() {
    let layer = Layer::new(&Location::Environment, [("CUSTOMER_S3_SECRET_KEY", "hunter2")]);
    let shown = format!("{layer:?}");
    assert!(shown.contains("CUSTOMER_S3_SECRET_KEY") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_secret_file_loses_one_line_break_and_nothing_else() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("secret");
    for (text, expected) in
        [("k\n", Ok("k")), ("k\r\n", Ok("k")), ("k", Ok("k")), ("k\n\n", Ok("k\n")), (" k", Ok(" k")), ("\n", Err("it is empty"))]
    {
        std::fs::write(&path, text).expect("the file can be written");
        let read = read::secret_file(&path);
        assert_eq!(read.as_ref().map(ExposeSecret::expose_secret).map_err(String::as_str), expected, "{text:?}");
    }
    std::fs::write(&path, [0xff, 0xfe]).expect("the file can be written");
    assert_eq!(read::secret_file(&path).err().as_deref(), Some("it is not valid UTF-8"));
    assert_eq!(read::secret_file(directory.path()).err().as_deref(), Some("it is a directory"));
    assert_eq!(read::secret_file(&directory.path().join("none")).err().as_deref(), Some("there is no such file"));
}
