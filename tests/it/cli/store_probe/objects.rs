//! The rows about objects: what HEAD and GET say of them, and of a key that is not there.

use super::super::stage::BUCKET;
use super::{PLAIN, Stage, check, edit, get, head, nothing};
use mock_s3::{Fault, IgnoredHeader, Matcher, NewObject};

const MD5_OF_K0: &str = "159cdd3388f7933ba30240bf2bc2fc5c";

#[tokio::test(flavor = "multi_thread")]
async fn listed_objects_are_there() {
    const NAME: &str = "listed_keys";
    check(&PLAIN, nothing, 0, &[(NAME, "yes", "3 of 3 listed objects are there", "")]).await;
    let on_head = |fault: Fault| {
        move |stage: &mut Stage| {
            stage.s3.server().order(Matcher::operation("HeadObject").key("k1.txt"), fault);
        }
    };
    // Case L6.
    let contradiction = (NAME, "failed", "k1.txt is listed twice, and HEAD says 404", "the store contradicts itself");
    check(&PLAIN, on_head(Fault::no_such_key()), 1, &[contradiction]).await;
    check(&PLAIN, on_head(Fault::Remove), 0, &[(NAME, "yes", "2 of 2 listed objects are there", "")]).await;
    check(&PLAIN, on_head(Fault::access_denied()), 1, &[(NAME, "failed", "s3:GetObject", "grant s3:ListBucket")]).await;
    check(&PLAIN, on_head(Fault::internal_error()), 0, &[(NAME, "not_seen", "500", "")]).await;
    let without_content = |stage: &mut Stage| stage.put("directory/", "");
    check(&[], without_content, 0, &[(NAME, "not_seen", "no listed object with content", ""), ("if_match", "not_seen", "no object", "")])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn etags_and_times_of_a_listing() {
    const ETAG: &str = "listed_etag";
    const TIME: &str = "last_modified";
    check(&PLAIN, nothing, 0, &[(ETAG, "yes", "3 of 3", ""), (TIME, "yes", "5 of 5 listed keys, and for 3 by HEAD", "")]).await;
    check(&PLAIN, edit("ETag>", "NoTag>"), 0, &[(ETAG, "no", "has no ETags", "looks up every object that is already known")]).await;
    let other = head(Fault::header("etag", "\"other\""));
    check(&PLAIN, other, 0, &[(ETAG, "no", "HEAD says other", "looks it up again")]).await;
    let none = head(Fault::Header { name: "etag", values: Vec::new() });
    check(&PLAIN, none, 1, &[(ETAG, "failed", "HEAD of k0.txt has no ETag", "no change of an object can be seen")]).await;
    let about = edit("<LastModified>", "<LastModified>about ");
    check(&PLAIN, about, 0, &[(TIME, "no", "5 of 5 listed keys have none", "nothing is decided by it")]).await;
    let yesterday = head(Fault::header("last-modified", "yesterday"));
    check(&PLAIN, yesterday, 0, &[(TIME, "no", "HEAD of k0.txt has none", "nothing is decided by it")]).await;
}

/// Cases O1 and O2.
#[tokio::test(flavor = "multi_thread")]
async fn lengths_and_ranges() {
    let yes = [
        ("head_length", "yes", "HEAD states the length that is listed", ""),
        ("get_length", "yes", "GET states the length", ""),
        ("range", "yes", "bytes 0-0/17", ""),
    ];
    check(&PLAIN, nothing, 0, &yes).await;
    let without = head(Fault::NoLength);
    check(&PLAIN, without, 0, &[("head_length", "no", "states no length", "costs a second request"), yes[1]]).await;
    let chunked = get(Fault::NoLength);
    check(&PLAIN, chunked, 0, &[("get_length", "no", "states no length", "comes from the listing or from another request"), yes[0]]).await;
    let whole = get(Fault::Ignores(IgnoredHeader::Range));
    check(&PLAIN, whole, 0, &[("range", "no", "the whole object is sent", "counted by reading the whole body")]).await;
    check(&PLAIN, edit("<Size>17</Size>", "<Size>18</Size>"), 0, &[("head_length", "no", "states 17 bytes, the listing 18", "agree")])
        .await;
    check(&PLAIN, get(Fault::access_denied()), 1, &[("get_length", "failed", "s3:GetObject", "grant"), ("range", "not_seen", "403", "")])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn if_match() {
    const NAME: &str = "if_match";
    check(&PLAIN, nothing, 0, &[(NAME, "yes", "another ETag says 412", "")]).await;
    let ignored = get(Fault::Ignores(IgnoredHeader::IfMatch));
    check(&PLAIN, ignored, 0, &[(NAME, "no", "gets the object all the same", "is compared instead")]).await;
    let refused = |stage: &mut Stage| {
        stage.s3.server().order(Matcher::operation("GetObject").skip(2).times(1), Fault::error(412, "PreconditionFailed"));
    };
    check(&PLAIN, refused, 1, &[(NAME, "failed", "with its own ETag says 412", "no object can be read")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checksums() {
    const NAME: &str = "checksum";
    check(&PLAIN, nothing, 0, &[(NAME, "yes", "CRC64NVME; the body of k0.txt matches it", "")]).await;
    let without = get(Fault::Ignores(IgnoredHeader::ChecksumMode));
    check(&PLAIN, without, 0, &[(NAME, "yes", "only the MD5 in the ETag; the body of k0.txt matches it", "")]).await;
    check(&PLAIN, get(Fault::WrongByte(0)), 1, &[(NAME, "failed", "k0.txt announces CRC64NVME", "VERIFY_FILE_INTEGRITY=false")]).await;
    let unverified = |stage: &mut Stage| {
        stage.setting("VERIFY_FILE_INTEGRITY", "false");
        get(Fault::WrongByte(0))(stage);
    };
    check(&PLAIN, unverified, 0, &[(NAME, "no", "k0.txt announces CRC64NVME", "only lengths are verified")]).await;
    let parts = |stage: &mut Stage| {
        let object = NewObject::bytes("two parts").etag("159cdd3388f7933ba30240bf2bc2fc5c-2");
        stage.s3.server().put_object(BUCKET, "parts.bin", object);
    };
    let of_parts = ("checksum_of_parts", "no", "parts.bin has none", "only the length of such an object is verified");
    check(&PLAIN, parts, 0, &[of_parts, (NAME, "yes", "CRC64NVME", "")]).await;
    check(&[], parts, 0, &[of_parts, (NAME, "no", "its ETag is no MD5", "it counts as `unverified`")]).await;
    check(&PLAIN, nothing, 0, &[("checksum_of_parts", "not_seen", "none of the first 5 keys", "")]).await;
    check(&PLAIN, edit("ETag>", "NoTag>"), 0, &[("checksum_of_parts", "not_seen", "no ETag is listed", "")]).await;
    let with_checksum = edit(MD5_OF_K0, "159cdd3388f7933ba30240bf2bc2fc5c-2");
    check(&PLAIN, with_checksum, 0, &[("checksum_of_parts", "yes", "CRC64NVME over the whole body of k0.txt", "")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_key() {
    const NAME: &str = "missing_key";
    check(&PLAIN, nothing, 0, &[(NAME, "yes", "HEAD says 404, and the bucket answers after it", "")]).await;
    // The check of the bucket and three listed objects come before it.
    let forbidden = |stage: &mut Stage| {
        stage.s3.server().order(Matcher::operation("HeadObject").skip(4), Fault::access_denied());
    };
    check(
        &PLAIN,
        forbidden,
        0,
        &[(NAME, "no", "HEAD says 403", "grant s3:ListBucket on the bucket; until then no delete can be confirmed")],
    )
    .await;
    let no_bucket = |stage: &mut Stage| {
        stage.s3.server().order(Matcher::operation("HeadBucket").skip(1), Fault::access_denied());
    };
    check(&PLAIN, no_bucket, 0, &[(NAME, "no", "and then the bucket does not answer", "no delete can be confirmed")]).await;
}
