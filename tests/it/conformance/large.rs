//! Objects in parts over HTTP: with lost connections, in several attempts, copied by the server.

use super::s3::{key, over_http};
use futures::{FutureExt as _, StreamExt as _, stream};
use mock_s3::{Fault, Matcher, MockS3, Options, Running, generated};
use s3_sync::endpoint::{ByteStream, EffectCertainty, EndpointError, EndpointErrorKind};
use s3_sync::record::ETag;
use s3_sync::retry::RetryPolicy;
use s3_sync::s3::{CopySource, CreateUploadRequest, ListUploadsRequest, ObjectMetadata, UploadParts, WriteCondition};
use s3_sync::transfer::{LargeObject, MultipartLimits, MultipartUpload};
use std::sync::{Arc, Mutex};

/// S3's least length of a part.
const PART_BYTES: u64 = 5 << 20;
/// Three parts.
const SIZE: u64 = 2 * PART_BYTES + 77;

struct Scene {
    server: Running,
    bucket: Arc<dyn UploadParts>,
    limits: MultipartLimits,
}

impl Scene {
    async fn new(memory_bytes: u64) -> Self {
        let server = MockS3::new(Options::default()).start("127.0.0.1:0").await.expect("a free port");
        server.server().create_bucket("the-bucket");
        let bucket: Arc<dyn UploadParts> = Arc::new(over_http(&server, "the-bucket").await);
        let retry = RetryPolicy { attempts: 1, ..RetryPolicy::default() };
        let limits =
            MultipartLimits { part_bytes: PART_BYTES, copy_part_bytes: PART_BYTES, memory_bytes, retry, ..MultipartLimits::default() };
        Self { server, bucket, limits }
    }

    async fn begin(&self, object: LargeObject) -> (MultipartUpload, String) {
        let stored = Mutex::new(String::new());
        let store = |text: String| {
            *stored.lock().expect("no test panics with it") = text;
            async { Ok(()) }.boxed()
        };
        let upload = MultipartUpload::begin(&self.bucket, (object, PART_BYTES), self.limits, &store).await.expect("begun");
        (upload, stored.into_inner().expect("no test panics with it"))
    }

    async fn resume(&self, object: LargeObject, checkpoint: &str) -> Option<MultipartUpload> {
        MultipartUpload::resume(&self.bucket, object, self.limits, checkpoint).await.expect("an answer")
    }

    fn arrived(&self) -> bool {
        self.server.server().body("the-bucket", "k").is_some_and(|body| body == content())
    }

    async fn open_uploads(&self) -> usize {
        let request = ListUploadsRequest { prefix: String::new(), from: None, max_uploads: 9 };
        self.bucket.list_uploads(request).await.expect("a page").uploads.len()
    }
}

fn object(condition: Option<WriteCondition>) -> LargeObject {
    let create = CreateUploadRequest { key: key("k"), metadata: ObjectMetadata::of_type("text/x"), storage_class: None };
    LargeObject { create, size: SIZE, content: ETag::parse("e").expect("a tag"), condition }
}

fn content() -> Vec<u8> {
    generated(SIZE, 7).flatten().collect()
}

fn body() -> ByteStream {
    stream::iter(generated(SIZE, 7).map(Ok::<_, EndpointError>)).boxed()
}

#[tokio::test]
async fn an_upload_goes_on_after_a_broken_connection() {
    for memory_bytes in [4 * PART_BYTES, PART_BYTES - 1] {
        let scene = Scene::new(memory_bytes).await;
        let (upload, checkpoint) = scene.begin(object(None)).await;
        scene.server.server().order(Matcher::operation("UploadPart").skip(2).times(1), Fault::error(503, "SlowDown"));
        let error = tokio::spawn(upload.send(body())).await.expect("no panic").expect_err("a part fails");
        assert_eq!((&*error.reason, error.effect), ("s3_throttled", EffectCertainty::None));
        assert!(!scene.arrived());

        let before = scene.server.server().counters().operations["UploadPart"];
        // The response to the completion is lost.
        scene.server.server().order(Matcher::operation("CompleteMultipartUpload").times(1), Fault::Reset);
        let resumed = scene.resume(object(None), &checkpoint).await.expect("it is there");
        let error = resumed.send(body()).await.expect_err("the response is lost");
        assert_eq!(error.effect, EffectCertainty::Unknown, "{error:?}");
        let sent = scene.server.server().counters().operations["UploadPart"] - before;
        assert_eq!(sent, 1, "only the part that failed is sent again");
        assert!(scene.resume(object(None), &checkpoint).await.is_none(), "the caller inspects the key");
        assert!(scene.arrived());
        assert_eq!(scene.server.server().objects("the-bucket")[0].content_type, "text/x");
        scene.server.stop().await;
    }
}

#[tokio::test]
async fn a_foreign_object_is_not_overwritten_by_a_completion() {
    let scene = Scene::new(4 * PART_BYTES).await;
    let (upload, _) = scene.begin(object(Some(WriteCondition::IfAbsent))).await;
    scene.server.server().put("the-bucket", "k", "foreign", None);
    let error = upload.send(body()).await.expect_err("there is another object");
    assert_eq!((error.kind, error.is_refusal()), (EndpointErrorKind::Taken, true));
    assert_eq!((scene.server.server().body("the-bucket", "k").expect("it stays"), scene.open_uploads().await), ("foreign".into(), 0));
    scene.server.stop().await;
}

#[tokio::test]
async fn a_large_object_is_copied_by_the_server_in_parts() {
    let scene = Scene::new(4 * PART_BYTES).await;
    let etag = scene.server.server().put("source", "a+b/%", content(), None);
    let source = CopySource { bucket: "source".to_owned(), key: key("a+b/%"), if_match: ETag::parse(&etag) };
    let (upload, _) = scene.begin(object(None)).await;
    upload.copy(&source).await.expect("copied");
    assert!(scene.arrived());
    assert!(!scene.server.server().counters().operations.contains_key("GetObject"), "no byte passed through this process");

    scene.server.server().order(Matcher::operation("UploadPartCopy").times(1), Fault::access_denied());
    let (upload, _) = scene.begin(object(None)).await;
    let error = upload.copy(&source).await.expect_err("there is no right to copy");
    assert_eq!((&*error.reason, scene.open_uploads().await), ("s3_access_denied", 0));
    scene.server.stop().await;
}
