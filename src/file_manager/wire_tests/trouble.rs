//! The result of every kind of failure of the server or of our own content.

use super::*;

#[tokio::test]
async fn content_that_breaks_off_is_our_failure_and_the_server_gets_a_truncated_body() {
    const CHUNK_BYTES: u64 = 4 * 1024 * 1024;
    let large = || Ok(Bytes::from(vec![b'x'; 4 * 1024 * 1024]));
    let broken = || Err(io::Error::other("S3 \x1bbroke off"));
    for (size, chunks, words) in [
        (CHUNK_BYTES + 6, vec![large(), broken()], "S3 \\u{1b}broke off"),
        (CHUNK_BYTES + 6, vec![large()], "the content ended 6 bytes before its announced size"),
        (CHUNK_BYTES + 6, vec![large(), Ok(bytes("seven b"))], "the content is longer than its announced size"),
    ] {
        let (base, cut) = server(async |mut stream: TcpStream| {
            let received = Received { head: receive_head(&mut stream).await, body: Vec::new() };
            let mut body = Vec::new();
            // Closing and resetting the connection are both fine.
            let _ = stream.read_to_end(&mut body).await;
            (received.header("content-length").and_then(|length| length.parse().ok()), body.len())
        })
        .await;
        let failed = file_manager(&base).save(create("a", size, chunks)).await.expect_err("no answer");
        assert_eq!((failed.kind, failed.message.as_str()), (FileManagerErrorKind::BodyFailed, words));
        let (announced, came): (Option<usize>, usize) = cut.await.expect("a request");
        assert!(announced.is_some_and(|announced| came < announced), "{came} of {announced:?}");
    }
}

#[tokio::test]
async fn content_that_broke_is_our_failure_also_with_a_response() {
    let (answered, when_answered) = tokio::sync::oneshot::channel::<()>();
    let (base, _) = server(async |mut stream: TcpStream| {
        receive_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 1000\r\n\r\ncut").await.expect("an answer");
        answered.send(()).expect("content that waits for it");
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let breaks_later = stream::once(async {
        when_answered.await.expect("an answer");
        Err(io::Error::other("broken"))
    });
    let content = SaveContent { size: 9, file_type: "text/plain".to_owned(), body: breaks_later.boxed() };
    let request = SaveRequest { content: Some(content), ..request(SaveOperation::Create, "a") };
    let failed = file_manager(&base).save(request).await.expect_err("no answer");
    assert_eq!((failed.kind, failed.message.as_str()), (FileManagerErrorKind::BodyFailed, "broken"));
}

#[tokio::test]
async fn a_refusal_counts_even_if_its_message_is_truncated() {
    let (base, _) = answering("HTTP/1.1 413 Payload Too Large\r\nContent-Length: 100\r\n\r\ntoo mu".to_owned()).await;
    let failed = file_manager(&base).permissions(&key("a")).await.expect_err("a refusal");
    assert_eq!(
        (failed.kind, failed.message.as_str()),
        (FileManagerErrorKind::Refused { status: 413 }, "answered 413 Payload Too Large: too mu")
    );
}

#[tokio::test]
async fn an_early_refusal_wins_over_the_broken_connection_and_ends_the_content() {
    for (answer, kind, words) in [
        ("413 Payload Too Large", FileManagerErrorKind::Refused { status: 413 }, "answered 413 Payload Too Large: too much"),
        ("401 Unauthorized", FileManagerErrorKind::Unauthorised { status: 401 }, "answered 401 Unauthorized: too much"),
    ] {
        let (base, _) = server(async move |mut stream: TcpStream| {
            receive_head(&mut stream).await;
            let answer = format!("HTTP/1.1 {answer}\r\nConnection: close\r\nContent-Length: 8\r\n\r\ntoo much");
            stream.write_all(answer.as_bytes()).await.expect("an answer");
            // Closing with unread bytes resets the connection.
        })
        .await;
        let failed = file_manager(&base).save(endless()).await.expect_err("a refusal");
        assert_eq!(failed.kind, kind, "{failed}");
        // The message may be lost if the reset arrives first; the status is not.
        assert!(words.starts_with(&failed.message), "{failed}");
    }
}

#[tokio::test]
async fn a_refusal_ends_the_content_of_a_server_that_keeps_reading() {
    let (base, served) = server(async |mut stream: TcpStream| {
        receive_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 422 Unprocessable Content\r\nContent-Length: 2\r\n\r\n{}").await.expect("an answer");
        // Ends only because our side stops the endless content.
        let mut sink = tokio::io::sink();
        let _ = tokio::io::copy(&mut stream, &mut sink).await;
    })
    .await;
    let failed = file_manager(&base).save(endless()).await.expect_err("a refusal");
    assert_eq!(failed.kind, FileManagerErrorKind::Refused { status: 422 });
    served.await.expect("the connection ends");
}

#[tokio::test]
async fn a_success_before_the_content_was_sent_is_not_accepted() {
    let (base, _) = server(async |mut stream: TcpStream| {
        receive_head(&mut stream).await;
        stream.write_all(saved("create", "a").as_bytes()).await.expect("an answer");
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let never = SaveContent { size: 3, file_type: String::new(), body: stream::pending().boxed() };
    let request = SaveRequest { content: Some(never), ..request(SaveOperation::Create, "a") };
    let failed = file_manager(&base).save(request).await.expect_err("no promise");
    assert_eq!(
        (failed.kind, failed.message.as_str()),
        (FileManagerErrorKind::BadAnswer, "answered 200 OK before the content was sent whole")
    );
}

#[tokio::test]
async fn missing_responses_are_classified() {
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let unreachable: Url = format!("http://{}", gone.local_addr().expect("an address")).parse().expect("a URL");
    drop(gone);
    let failed = file_manager(&unreachable).permissions(&key("a")).await.expect_err("unreachable");
    assert_eq!(failed.kind, FileManagerErrorKind::Unreachable);
    assert!(failed.message.contains("refused"), "{failed}");

    let (base, _) = server(async |mut stream: TcpStream| drop(receive(&mut stream).await)).await;
    assert_eq!(file_manager(&base).permissions(&key("a")).await.expect_err("a hang-up").kind, FileManagerErrorKind::Interrupted);

    let (base, _) = answering("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_owned()).await;
    assert_eq!(file_manager(&base).permissions(&key("a")).await.expect_err("a cut answer").kind, FileManagerErrorKind::Interrupted);

    let (base, _) = answering(ok("<html>hello</html>")).await;
    assert_eq!(file_manager(&base).permissions(&key("a")).await.expect_err("no JSON").kind, FileManagerErrorKind::BadAnswer);

    let (base, _) = answering(ok(&" ".repeat(2 * 1024 * 1024))).await;
    let failed = file_manager(&base).permissions(&key("a")).await.expect_err("too long");
    let words = "the response has 2097152 bytes: longer than the limit of 1048576 bytes";
    assert_eq!((failed.kind, failed.message.as_str()), (FileManagerErrorKind::TooLong, words));
}

#[tokio::test]
async fn a_hanging_server_times_out() {
    let short = Deadlines { small_call: Duration::from_millis(50), idle: Duration::from_millis(50), ..Deadlines::default() };
    for request in [request(SaveOperation::Delete, "a"), create("a", 3, vec![Ok(bytes("one"))]), endless()] {
        let (base, _served) = server(async |stream: TcpStream| {
            std::future::pending::<()>().await;
            drop(stream);
        })
        .await;
        let failed = file_manager_with(&base, short).save(request).await.expect_err("no answer");
        assert_eq!(failed.kind, FileManagerErrorKind::Timeout, "{failed}");
    }
}
