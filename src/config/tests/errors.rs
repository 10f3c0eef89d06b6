//! The error text of every kind of wrong setting.

use super::{Given, Need, environment};

#[test]
fn every_error_text() {
    const ADDRESS: &str = "an http:// or https:// address with a host, without user, password, query or fragment";
    const BUCKET: &str =
        "the bare name of a bucket (no s3://, no slash), tenant:bucket at a Ceph server, or the ARN or alias of an access point";
    const NOT_SHOWN: &str = "is not valid (its value is not shown)";
    let none = Given::default();
    let check = |given: Given<'_>, expected: &str| assert_eq!(given.problems(), [expected]);
    check(environment(&[("CONCURRENCY", "many")]), "CONCURRENCY is \"many\" (environment): give a whole number from 1 to 256");
    check(
        environment(&[("MOCK_API_URL", "mock:8001"), ("FILE_MANAGER_API_URL", "http://f")]),
        &format!("MOCK_API_URL is \"mock:8001\" (environment): give {ADDRESS}"),
    );
    check(
        environment(&[("EVENTS_API_URL", "http://user:hunter2@host")]),
        &format!("EVENTS_API_URL {NOT_SHOWN} (environment): give {ADDRESS}"),
    );
    check(
        Given { yaml: "service: {max_delete: most}", ..none.clone() },
        "MAX_DELETE is \"most\" (service.yaml, line 1): give a share of the known files from 0% to 100%, or a whole number of files",
    );
    check(
        environment(&[("FILE_MANAGER_API_TOKEN", "two\nlines")]),
        &format!("FILE_MANAGER_API_TOKEN {NOT_SHOWN} (environment): give one line of text without control characters"),
    );
    check(
        environment(&[("LOG_LEVEL", "\u{1b}[2Jloud")]),
        "LOG_LEVEL is \"\\u{1b}[2Jloud\" (environment): give TRACE, DEBUG, INFO, WARN (or WARNING), ERROR (or CRITICAL)",
    );
    check(Given { needs: &[Need::Bucket], ..none.clone() }, &format!("CUSTOMER_S3_BUCKET is missing: give {BUCKET}"));
    check(
        Given { environment: &[("CUSTOMER_S3_BUCKET", "a")], dot_env: "S3_BUCKET_NAME=b", ..none.clone() },
        "CUSTOMER_S3_BUCKET (environment) and its older name S3_BUCKET_NAME (.env) have different values: give one of them",
    );
    check(
        Given { environment: &[("FILE_MANAGER_API_TOKEN", "a"), ("FILE_MANAGER_API_TOKEN_FILE", "f")], ..none.clone() },
        "FILE_MANAGER_API_TOKEN (environment) and FILE_MANAGER_API_TOKEN_FILE (environment) are both given: give one of them",
    );
    check(
        environment(&[("FILE_MANAGER_API_TOKEN_FILE", "/none")]),
        "FILE_MANAGER_API_TOKEN_FILE is \"/none\" (environment), which cannot be used: there is no such file",
    );
    check(
        Given { yaml: "service:\n  concurency: 3\n", ..none.clone() },
        "service.concurency (service.yaml, line 2) is not a setting: did you mean concurrency?",
    );
    check(
        Given { yaml: "service:\n  CONCURRENCY: 3\n", ..none.clone() },
        "service.CONCURRENCY (service.yaml, line 2) is not a setting: did you mean concurrency?",
    );
    check(
        Given { yaml: "service:\n  zzz: 3\n", ..none.clone() },
        "service.zzz (service.yaml, line 2) is not a setting: all settings are listed in docs/configuration.md",
    );
    check(
        Given { yaml: "concurrency: 3\n", ..none.clone() },
        "concurrency (service.yaml) is outside of `service:`: move it under that key",
    );
    check(
        Given { yaml: "service:\n  concurrency: [3]\n", ..none.clone() },
        "service.yaml, line 2 cannot be read: `service:` takes `name: value` lines, no lists and no deeper levels",
    );
    check(Given { yaml: "service:\n  a: 1\n  a: 2\n", ..none.clone() }, "service.yaml, line 3 cannot be read: a key is given twice");
    check(Given { yaml: "service:\n  a: \"hunter2\n", ..none.clone() }, "service.yaml, line 3 cannot be read: not valid YAML from here on");
    check(
        Given { dot_env: "A=1\nFILE_MANAGER_API_TOKEN=hunter2 and more\n", ..none },
        ".env cannot be read: line 2 is not NAME=value (a value with spaces, quotes or # needs single quotes)",
    );
}

/// E3, E4: a tenant's bucket exists only at an endpoint, an access point only at AWS.
#[test]
fn a_bucket_that_exists_only_at_the_other_kind_of_server_is_refused() {
    const ARN: (&str, &str) = ("CUSTOMER_S3_BUCKET", "arn:aws:s3:eu-west-1:1:accesspoint/x");
    for (given, expected) in [
        (
            &[("CUSTOMER_S3_BUCKET", "tenant:bucket")][..],
            &["CUSTOMER_S3_BUCKET is the bucket of a tenant, which AWS does not have: set CUSTOMER_S3_ENDPOINT"][..],
        ),
        (&[("CUSTOMER_S3_BUCKET", "tenant:bucket"), ("CUSTOMER_S3_ENDPOINT", "http://store")], &[]),
        (&[ARN], &[]),
        (
            &[ARN, ("AWS_ENDPOINT_URL", "http://store")],
            &["CUSTOMER_S3_BUCKET is \"arn:aws:s3:eu-west-1:1:accesspoint/x\", the ARN of an access point, which only AWS has, and \
               CUSTOMER_S3_ENDPOINT (or AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL) names another server: give the bucket's name, or remove the \
               endpoint"],
        ),
    ] {
        let problems: Vec<_> = environment(given).resolve().err().into_iter().flat_map(|error| error.problems).collect();
        assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), expected, "{given:?}");
    }
}

/// Any ARN was accepted as that of an access point, and each request failed with a "dispatch failure".
#[test]
fn an_arn_of_anything_but_an_access_point_is_refused() {
    let problems = |name, value, endpoint: &str| environment(&[(name, value), ("AWS_ENDPOINT_URL_S3", endpoint)]).problems();
    for endpoint in ["", "http://store"] {
        for arn in ["arn:aws:s3:::customer-bucket", "arn:aws-cn:s3:::customer-bucket/", "arn:aws:s3:::customer-bucket/a/*"] {
            for name in ["CUSTOMER_S3_BUCKET", "TARGET_S3_BUCKET"] {
                let expected = format!("{name} is \"{arn}\", the ARN of a bucket: give the bucket's name, customer-bucket");
                assert_eq!(problems(name, arn, endpoint), [expected], "{endpoint}");
            }
        }
        for arn in [
            "arn:aws:s3:us-east-1:1",
            "arn:aws:sns:us-east-1:1:x",
            "arn:aws:s3:us-east-1:1:accesspoint",
            "arn:aws:s3:us-east-1::accesspoint/x",
            "arn:aws:s3:us-east-1:1:accesspoint/x/y",
            "arn:aws:s3-outposts:us-east-1:1:accesspoint/x",
            "arn:aws:s3:::",
        ] {
            let problems = problems("CUSTOMER_S3_BUCKET", arn, endpoint);
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].starts_with(&format!("CUSTOMER_S3_BUCKET is \"{arn}\" (environment): give the bare name")), "{problems:?}");
        }
    }
    for arn in [
        "arn:aws:s3:us-east-1:1:accesspoint:x",
        "arn:aws:s3::1:accesspoint/x.mrap",
        "arn:aws:s3-object-lambda:us-east-1:1:accesspoint/x",
        "arn:aws:s3-outposts:us-east-1:1:outpost/op-1/accesspoint/x",
    ] {
        environment(&[("CUSTOMER_S3_BUCKET", arn)]).resolve().unwrap_or_else(|error| panic!("{error}"));
    }
}

/// The setting had no effect there: the bucket stood in the path.
#[test]
fn virtual_addressing_is_refused_where_the_bucket_has_no_host_name() {
    for (endpoint, bucket, expected) in [
        (
            "http://127.0.0.1:9000",
            "b",
            &[
                "CUSTOMER_S3_ADDRESSING is virtual, and CUSTOMER_S3_ENDPOINT is http://127.0.0.1:9000/: no bucket has a host name below an IP \
               address: give the server's host name, or set CUSTOMER_S3_ADDRESSING=path",
            ][..],
        ),
        (
            "https://[::1]/s3",
            "b",
            &["CUSTOMER_S3_ADDRESSING is virtual, and CUSTOMER_S3_ENDPOINT is https://[::1]/s3: no bucket has a host name below an IP \
               address: give the server's host name, or set CUSTOMER_S3_ADDRESSING=path"],
        ),
        (
            "http://store",
            "tenant:bucket",
            &["CUSTOMER_S3_ADDRESSING is virtual, and CUSTOMER_S3_BUCKET is \"tenant:bucket\", which cannot be part of a host name: set \
               CUSTOMER_S3_ADDRESSING=path"],
        ),
        (
            "",
            "Old_Bucket",
            &["CUSTOMER_S3_ADDRESSING is virtual, and CUSTOMER_S3_BUCKET is \"Old_Bucket\", which cannot be part of a host name: set \
               CUSTOMER_S3_ADDRESSING=path"],
        ),
        ("http://store", "my-bucket.1", &[]),
        ("", "arn:aws:s3:eu-west-1:1:accesspoint/x", &[]),
    ] {
        let settings = [("CUSTOMER_S3_ADDRESSING", "virtual"), ("CUSTOMER_S3_ENDPOINT", endpoint), ("CUSTOMER_S3_BUCKET", bucket)];
        let problems: Vec<_> = environment(&settings).resolve().err().into_iter().flat_map(|error| error.problems).collect();
        assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), expected, "{endpoint} {bucket}");
    }
}

/// A FIFO queue was accepted, although a standard queue is demanded.
#[test]
fn a_fifo_queue_is_refused() {
    let problems = environment(&[("EVENTS_SQS_QUEUE_URL", "https://sqs.eu-central-1.amazonaws.com/1/a,http://host/1/b.fifo")]).problems();
    let words = "EVENTS_SQS_QUEUE_URL is \"https://sqs.eu-central-1.amazonaws.com/1/a,http://host/1/b.fifo\" (environment): give the address of a \
                 standard queue (not a FIFO queue, whose name ends with .fifo), such as";
    assert!(problems.len() == 1 && problems[0].starts_with(words), "{problems:?}");
}

#[test]
fn all_problems_are_reported_together() {
    let given = Given {
        environment: &[("CONCURRENCY", "0"), ("LOG_FORMAT", "xml"), ("CUSTOMER_S3_SECRET_KEY", "hunter2"), ("FILE_MANAGER_API_URL", "x")],
        yaml: "service: {colour: red}",
        needs: &[Need::Bucket, Need::AnySink],
        ..Given::default()
    };
    let error = given.resolve().expect_err("wrong").to_string();
    let lines: Vec<_> = error.lines().map(|line| line.split(" (").next().unwrap_or_default()).collect();
    assert_eq!(
        lines,
        [
            "the configuration has 6 problems:",
            "  - CUSTOMER_S3_SECRET_KEY is given without CUSTOMER_S3_ACCESS_KEY: give both, or neither for the credential chain of AWS",
            "  - FILE_MANAGER_API_URL is \"x\"",
            "  - CONCURRENCY is \"0\"",
            "  - LOG_FORMAT is \"xml\"",
            "  - CUSTOMER_S3_BUCKET is missing: give the bare name of a bucket",
            "  - service.colour",
        ]
    );
}

#[test]
fn a_setting_that_an_unreadable_file_may_hold_is_not_reported_as_missing() {
    let problems = Given { yaml: "service: [", needs: &[Need::Bucket], ..Given::default() }.problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
}

#[test]
fn the_broken_line_of_dot_env_is_found() {
    for (dot_env, line) in [
        ("no equals sign\n", 1),
        ("A=1\n# A=b c\nA=b c\nA=2\nA=b c\n", 3),
        ("A='two\nlines'\n1=2\n", 3),
        ("A=1\nB='never closed\nC=3\n", 2),
        ("A=1\nB=\\", 2),
    ] {
        let problems = Given { dot_env, ..Given::default() }.problems();
        assert!(problems[0].contains(&format!(": line {line} is not")), "{dot_env:?}: {problems:?}");
    }
}
