//! The lower bound: lists, and for each object does one GET, one read of the permissions and one `saveToDisk`, with the product's
//! own clients. It keeps no state, verifies nothing and retries nothing: the benchmark measures what the product does in
//! addition.

use crate::servers::{ACCESS_KEY, BUCKET, SECRET_KEY};
use anyhow::{Context as _, Result};
use futures::TryStreamExt as _;
use s3_sync::file_manager::{Deadlines, FileManager, HttpClient, HttpFileManager, IdempotencyKey, SaveContent, SaveOperation, SaveRequest};
use s3_sync::record::{ObjectFacts, ObjectKey, PageCursor};
use s3_sync::s3::{AwsBucket, AwsOptions, GetRequest, ListObjects as _, ListRequest, ReadObjects as _};
use s3_sync::sdk::AccessKeys;
use std::io;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use url::Url;
use uuid::Uuid;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    endpoint: Url,
    #[arg(long)]
    file_manager: Url,
    #[arg(long)]
    at_a_time: usize,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(copy_all(arguments))
}

async fn copy_all(arguments: Arguments) -> Result<()> {
    let mut options = AwsOptions::for_bucket(BUCKET);
    options.endpoint = Some(arguments.endpoint);
    options.credentials = AccessKeys::new(ACCESS_KEY, SECRET_KEY).into();
    let bucket = AwsBucket::connect(options).await?;
    let client = HttpClient::new(arguments.at_a_time)?;
    let file_manager = Arc::new(HttpFileManager::new(&client, &arguments.file_manager, None, Deadlines::default())?);

    let (pages, mut listed) = mpsc::channel(1);
    let mut tasks = JoinSet::new();
    tasks.spawn(list(bucket.clone(), pages));
    let places = Arc::new(Semaphore::new(arguments.at_a_time));
    while let Some(page) = listed.recv().await {
        for (key, facts) in page {
            let place = places.clone().acquire_owned().await?;
            let (bucket, file_manager) = (bucket.clone(), file_manager.clone());
            tasks.spawn(async move {
                copy(&bucket, file_manager.as_ref(), key, facts).await?;
                drop(place);
                Ok(())
            });
            while let Some(done) = tasks.try_join_next() {
                done??;
            }
        }
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

/// Lists page after page, while the objects of the last page are being sent.
async fn list(bucket: AwsBucket, pages: mpsc::Sender<Vec<(ObjectKey, ObjectFacts)>>) -> Result<()> {
    let mut request = ListRequest { prefix: String::new(), from: PageCursor::Start, max_keys: 1000 };
    loop {
        let page = bucket.list_page(request.clone()).await?;
        pages.send(page.objects).await.context("no task takes the pages")?;
        let Some(next) = page.next else { return Ok(()) };
        request.from = next;
    }
}

async fn copy(bucket: &AwsBucket, file_manager: &dyn FileManager, key: ObjectKey, facts: ObjectFacts) -> Result<()> {
    let object = bucket.get_object(GetRequest { key: key.clone(), if_match: facts.etag, size: None, range: None }).await?;
    file_manager.permissions(&key).await?;
    let content = SaveContent {
        size: object.head.facts.size,
        file_type: object.head.metadata.content_type.unwrap_or_default(),
        body: Box::pin(object.body.map_err(io::Error::other)),
    };
    let request = SaveRequest {
        operation: SaveOperation::Create,
        path: key,
        new_path: None,
        content: Some(content),
        metadata: serde_json::Map::new(),
        idempotency_key: Some(IdempotencyKey(Uuid::new_v4())),
    };
    file_manager.save(request).await?;
    Ok(())
}
