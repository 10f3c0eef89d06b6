//! Settings in layers that a test passes: never the real environment.

mod errors;
mod secrets;
mod trust;
mod values;

use super::{files, table::RETIRED, *};
use secrecy::ExposeSecret;

/// No setting names a file that exists.
const NO_FILES: ReadFiles<'_> = ReadFiles { secret: &|_| Err(String::new()), bundle: &|_| Err(String::new()), system: &|| None };

const YAML: &str = "service.yaml";

/// The input of a test: pairs of the environment, the texts of both files, and the files of secrets by path.
#[derive(Clone, Debug, Default)]
struct Given<'a> {
    environment: &'a [(&'a str, &'a str)],
    dot_env: &'a str,
    yaml: &'a str,
    secret_files: &'a [(&'a str, &'a str)],
    bundles: &'a [(&'a str, &'a str)],
    needs: &'a [Need],
}

impl Given<'_> {
    fn resolve(&self) -> Result<Settings, ConfigError> {
        let (dot_env, dot_env_problems) = files::dot_env(self.dot_env);
        let (yaml, yaml_problems) = files::yaml(Path::new(YAML), self.yaml);
        let environment = Layer::new(&Location::Environment, self.environment.iter().copied());
        let problems = dot_env_problems.into_iter().chain(yaml_problems).collect();
        let read = |files: &[(&str, &str)], path: &Path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path);
            found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| "there is no such file".to_owned())
        };
        let secret = |path: &Path| read(self.secret_files, path).map(SecretString::from);
        let bundle = |path: &Path| read(self.bundles, path).map(String::into_bytes);
        let files = ReadFiles {
            secret: &secret,
            bundle: &bundle,
            system: &|| read(self.bundles, Path::new("system")).ok().map(String::into_bytes),
        };
        resolve(Layers { layers: vec![environment, dot_env, yaml], problems }, self.needs, files)
    }

    fn settings(&self) -> Settings {
        self.resolve().expect("these settings are right")
    }

    fn problems(&self) -> Vec<String> {
        self.resolve().expect_err("these settings are wrong").problems.iter().map(ToString::to_string).collect()
    }
}

fn environment<'a>(environment: &'a [(&'a str, &'a str)]) -> Given<'a> {
    Given { environment, ..Given::default() }
}

fn effective(settings: &Settings, name: &str) -> (Option<String>, String) {
    let found = settings.effective().iter().find(|effective| effective.name == name).expect("every setting is listed");
    (found.value.clone(), found.origin.to_string())
}

#[test]
fn without_input_every_setting_has_its_default() {
    let settings = environment(&[]).settings();
    assert_eq!(settings.source.bucket, None);
    assert_eq!(settings.source.region, "us-east-1");
    assert_eq!(settings.source.prefix, "");
    assert!(settings.source.credentials.is_none());
    assert_eq!(settings.source.timeout, Duration::from_secs(30));
    assert_eq!((settings.queue_urls.len(), settings.queue_endpoint.as_ref(), settings.inbox_max.get()), (0, None, 100_000));
    assert_eq!(settings.database_path, Path::new("data/sync.db"));
    assert_eq!(settings.data_directory(), Path::new("data"));
    assert_eq!((settings.csv_retention.get(), settings.concurrency.get(), settings.retry_attempts.get()), (10, 64, 4));
    assert_eq!((settings.schedule.interval, &settings.schedule.cron), (Duration::from_mins(5), &None));
    assert_eq!(settings.schedule.reconcile.as_ref().map(Cron::as_str), Some("0 0 3 * * *"));
    assert_eq!(settings.max_delete, MaxDelete::Percent(50));
    assert_eq!(settings.max_file_bytes, None);
    assert_eq!(settings.shutdown_timeout, Duration::from_secs(20));
    assert!(settings.verify_integrity);
    assert_eq!(settings.log, LogSettings { level: Level::INFO, format: LogFormat::Text, no_color: false });
    assert_eq!(settings.log_file, None);
    assert!(settings.otlp.is_none());
    assert!(settings.notices.is_empty());
}

#[test]
fn a_log_file_and_a_collector_are_configured_if_they_are_set() {
    let others = [("LOG_FILE_MAX_MB", "2"), ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=x"), ("OTEL_SERVICE_NAME", "blue")];
    let unnamed = environment(&others).settings();
    assert!(unnamed.log_file.is_none() && unnamed.otlp.is_none());
    let named = [&others[..], &[("LOG_FILE", "logs/s.log"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/")]].concat();
    let settings = environment(&named).settings();
    let file = LogFileSettings { path: "logs/s.log".into(), max_bytes: 2 * 1024 * 1024, kept: NonZeroUsize::new(5).expect("not zero") };
    assert_eq!(settings.log_file, Some(file));
    let otlp = settings.otlp.expect("it is named");
    assert_eq!((otlp.endpoint.as_str(), otlp.service_name.as_str()), ("http://collector:4318/", "blue"));
    assert_eq!((otlp.headers[0].0.as_str(), otlp.headers[0].1.expose_secret()), ("authorization", "x"));
    let disabled = [&named[..], &[("OTEL_SDK_DISABLED", "true")]].concat();
    assert!(environment(&disabled).settings().otlp.is_none());
}

#[test]
fn every_declared_setting_is_read_and_listed_in_the_order_of_the_table() {
    let listed: Vec<_> = environment(&[]).settings().effective().iter().map(|effective| effective.name).collect();
    let declared: Vec<_> = TABLE.iter().map(|declared| declared.name).collect();
    assert_eq!(listed, declared);
}

#[test]
fn the_bounds_in_an_error_text_are_the_accepted_ones() {
    let mut ranges = 0;
    for declared in TABLE {
        let numbers: Vec<u64> = declared.accepted.split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
        let &[least, most] = numbers.as_slice() else { continue };
        ranges += 1;
        for (number, right) in [(least, true), (most, true), (least - 1, false), (most + 1, false)] {
            let text = number.to_string();
            let outcome = environment(&[(declared.name, &text)]).resolve();
            assert_eq!(outcome.is_ok(), right, "{} = {number}", declared.name);
        }
    }
    assert_eq!(ranges, 11, "the texts say from where to where");
}

#[test]
fn the_first_layer_that_has_a_value_wins_and_an_empty_one_is_none() {
    let all = Given {
        environment: &[("CUSTOMER_S3_BUCKET", "e"), ("CONCURRENCY", "")],
        dot_env: "CUSTOMER_S3_BUCKET=d\nCONCURRENCY=2\nCSV_RETENTION=\n",
        yaml: "service:\n  customer_s3_bucket: y\n  concurrency: 3\n  csv_retention: 4\n",
        ..Given::default()
    };
    let settings = all.settings();
    for (name, value, origin) in [
        ("CUSTOMER_S3_BUCKET", "e", "environment"),
        ("CONCURRENCY", "2", ".env"),
        ("CSV_RETENTION", "4", "service.yaml, line 4"),
        ("MAX_DELETE", "50%", "default"),
    ] {
        assert_eq!(effective(&settings, name), (Some(value.to_owned()), origin.to_owned()));
    }
    assert_eq!((settings.concurrency.get(), settings.csv_retention.get()), (2, 4));

    let flags = Layer::new(&Location::Flag("--log-level"), [("LOG_LEVEL", "debug")]);
    let layers = vec![flags, Layer::new(&Location::Environment, [("LOG_LEVEL", "error")])];
    let settings = resolve(Layers { layers, problems: Vec::new() }, &[], NO_FILES).expect("right");
    assert_eq!(settings.log.level, Level::DEBUG);
    assert_eq!(effective(&settings, "LOG_LEVEL").1, "--log-level");
}

#[test]
fn yaml_scalars_are_the_text_that_they_were_written_as() {
    for (written, expected) in [
        ("on", Some("on")),
        ("007", Some("007")),
        ("0x10", Some("0x10")),
        ("1e3", Some("1e3")),
        ("2026-01-01", Some("2026-01-01")),
        ("\"quoted \\u00fc\"", Some("quoted ü")),
        ("~", None),
        ("", None),
        ("null", None),
    ] {
        let yaml = format!("aws: {{region: x}}\nservice:\n  customer_s3_prefix: {written}\n");
        let settings = Given { yaml: &yaml, ..Given::default() }.settings();
        assert_eq!(settings.source.prefix, expected.unwrap_or_default(), "{written}");
        assert_eq!(effective(&settings, "CUSTOMER_S3_PREFIX").0.as_deref(), expected, "{written}");
    }
    for nothing in ["", "# only a comment\n", "service:\n", "sync: {}\n"] {
        assert!(Given { yaml: nothing, ..Given::default() }.resolve().is_ok(), "{nothing:?}");
    }
}

#[test]
fn dot_env_knows_quotes_comments_and_a_byte_order_mark() {
    let dot_env = "\u{feff}# ours\nexport CUSTOMER_S3_BUCKET='b-1' # the bucket\r\nCUSTOMER_S3_PREFIX=\"a b/\"\nPATH=/nowhere\n";
    let settings = Given { dot_env, ..Given::default() }.settings();
    assert_eq!(settings.source.bucket.as_deref(), Some("b-1"));
    assert_eq!(settings.source.prefix, "a b/");
}

#[test]
fn older_names_and_fallbacks() {
    let settings = environment(&[("MOCK_API_URL", "http://mock:8001"), ("S3_BUCKET_NAME", "b"), ("AWS_DEFAULT_REGION", "eu")]).settings();
    assert_eq!(settings.events_url.as_ref().map(Url::as_str), Some("http://mock:8001/"));
    assert_eq!(settings.file_manager_url.as_ref().map(Url::as_str), Some("http://mock:8001/"));
    assert_eq!((settings.source.bucket.as_deref(), settings.source.region.as_str()), (Some("b"), "eu"));
    assert_eq!(effective(&settings, "FILE_MANAGER_API_URL").1, "environment: MOCK_API_URL");

    let both = environment(&[
        ("EVENTS_API_URL", "http://e/"),
        ("MOCK_API_URL", "http://e"),
        ("FILE_MANAGER_API_URL", "http://f"),
        ("CUSTOMER_S3_REGION", "r"),
        ("AWS_REGION", "other"),
    ]);
    let settings = both.settings();
    assert_eq!(settings.file_manager_url.as_ref().map(Url::as_str), Some("http://f/"));
    assert_eq!(settings.source.region, "r");
    let events_alone = environment(&[("EVENTS_API_URL", "http://e")]).settings();
    assert_eq!(events_alone.file_manager_url, None);
}

#[test]
fn keys_go_in_pairs_and_the_pairs_are_never_mixed() {
    let credentials = |pairs| environment(pairs).settings().source.credentials.expect("there are keys");
    let aws = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_SESSION_TOKEN", "c")];
    let from_aws = credentials(&aws);
    assert_eq!((from_aws.access_key.as_str(), from_aws.secret_key.expose_secret()), ("a", "b"));
    assert_eq!(from_aws.session_token.as_ref().map(ExposeSecret::expose_secret), Some("c"));

    let ours = [&aws[..], &[("CUSTOMER_S3_ACCESS_KEY", "x"), ("CUSTOMER_S3_SECRET_KEY", "y")]].concat();
    let from_ours = credentials(&ours);
    assert_eq!((from_ours.access_key.as_str(), from_ours.secret_key.expose_secret()), ("x", "y"));
    assert!(from_ours.session_token.is_none(), "the token belongs to the other pair");

    let mixed = [&aws[..], &[("CUSTOMER_S3_ACCESS_KEY", "x")]].concat();
    let half = "is given without";
    assert_eq!(
        environment(&mixed).problems(),
        [format!("CUSTOMER_S3_ACCESS_KEY {half} CUSTOMER_S3_SECRET_KEY: give both, or neither for the credential chain of AWS")]
    );
    let reverse = environment(&[("CUSTOMER_S3_SECRET_KEY", "y")]).problems();
    assert!(reverse[0].starts_with(&format!("CUSTOMER_S3_SECRET_KEY {half} CUSTOMER_S3_ACCESS_KEY")), "{reverse:?}");
    let half_of_aws = environment(&[("AWS_ACCESS_KEY_ID", "y")]).problems();
    assert!(half_of_aws[0].starts_with(&format!("AWS_ACCESS_KEY_ID {half} AWS_SECRET_ACCESS_KEY")), "{half_of_aws:?}");
}

#[test]
fn replaced_settings_and_typos_become_notices() {
    let given = Given { environment: &[("CUSTOMER_S3_BUKET", "b"), ("HOME", "/")], dot_env: "LIVE_RELOAD=true", ..Given::default() };
    let notices = given.settings().notices;
    assert_eq!(
        notices,
        [RETIRED[0].1, "CUSTOMER_S3_BUKET (environment) is not a setting and is not read: did you mean CUSTOMER_S3_BUCKET?"]
    );
    let dot_env = Given { dot_env: "DATABSE_PATH=x\nSOMEBODY_ELSES=y\n", ..Given::default() };
    assert_eq!(dot_env.settings().notices, ["DATABSE_PATH (.env) is not a setting and is not read: did you mean DATABASE_PATH?"]);
    let yaml = Given { yaml: "servce: {max_delete: 3}\naws: {region: x}\n", ..Given::default() };
    assert_eq!(
        yaml.settings().notices,
        ["aws (service.yaml) is not read: settings belong under `service:`", "servce (service.yaml) is not read: did you mean service?"]
    );
    assert!(Given { yaml: "service: {live_reload: true}", ..Given::default() }.settings().notices[0].contains("start it again"));
}

#[test]
fn the_accessor_reports_a_missing_required_setting_too() {
    let settings = environment(&[("FILE_MANAGER_API_URL", "http://f")]).settings();
    assert!(settings.require_bucket().expect_err("missing").to_string().contains("CUSTOMER_S3_BUCKET is missing"));
    assert!(Need::AnySink.error().to_string().contains("FILE_MANAGER_API_URL or LOCAL_DOWNLOAD_DIR is missing"));
}
