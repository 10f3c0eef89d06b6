//! Buckets: create, head, list, delete.

use super::{Answer, timestamp};
use crate::mock::Shared;
use crate::store::no_such_bucket;
use s3s::dto::{
    Bucket, CreateBucketInput, CreateBucketOutput, DeleteBucketInput, DeleteBucketOutput, HeadBucketInput, HeadBucketOutput,
    ListBucketsOutput, Owner,
};
use s3s::{S3Response, s3_error};

pub(super) fn list(shared: &Shared) -> S3Response<ListBucketsOutput> {
    let buckets = shared.store.read(|buckets| {
        let bucket = |(name, bucket): (&String, &crate::store::Bucket)| Bucket {
            name: Some(name.clone()),
            creation_date: Some(timestamp(bucket.created)),
            ..Bucket::default()
        };
        buckets.iter().map(bucket).collect()
    });
    let owner = Owner { display_name: None, id: Some("mock-s3".into()) };
    S3Response::new(ListBucketsOutput { buckets: Some(buckets), owner: Some(owner), ..ListBucketsOutput::default() })
}

pub(super) fn create(shared: &Shared, input: &CreateBucketInput) -> Answer<CreateBucketOutput> {
    if !shared.store.create_bucket(&input.bucket) {
        return Err(s3_error!(
            BucketAlreadyOwnedByYou,
            "Your previous request to create the named bucket succeeded and you already own it."
        ));
    }
    Ok(S3Response::new(CreateBucketOutput { location: Some(format!("/{}", input.bucket)) }))
}

pub(super) fn head(shared: &Shared, input: &HeadBucketInput) -> Answer<HeadBucketOutput> {
    shared.store.read_bucket(&input.bucket, |_| Ok(()))?;
    Ok(S3Response::new(HeadBucketOutput { bucket_region: Some(shared.options.region.clone()), ..HeadBucketOutput::default() }))
}

pub(super) fn delete(shared: &Shared, input: &DeleteBucketInput) -> Answer<DeleteBucketOutput> {
    shared.store.write(|buckets| match buckets.get(&input.bucket) {
        None => Err(no_such_bucket()),
        Some(bucket) if !bucket.objects.is_empty() => Err(s3_error!(BucketNotEmpty, "The bucket you tried to delete is not empty")),
        Some(_) => {
            buckets.remove(&input.bucket);
            Ok(S3Response::new(DeleteBucketOutput {}))
        }
    })
}
