//! `POST /saveToDisk`: the request's effect on the files, and the response. `save_request.rs` validates the request.

use super::Done;
use super::save_request::{Operation, SaveRequest, read};
use crate::answer::Answer;
use crate::api::{MockApi, lock};
use crate::content::{Content, discard};
use crate::fields::Received;
use crate::files::{Files, NewContent, Refusal, StoredFile};
use crate::options::{Contents, Options};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use std::io;
use uuid::Uuid;

#[derive(Serialize)]
struct Body<'a> {
    internal_id: Option<Uuid>,
    file_path: &'a str,
    operation: &'a str,
    size: Option<u64>,
    saved_at: Timestamp,
    status: &'a str,
    new_path: Option<&'a str>,
    metadata: Option<&'a Map<String, Value>>,
}

/// Why the request has no effect.
enum Failure {
    Refused(Refusal),
    Storage(io::Error),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Storage(error)
    }
}

pub(super) fn handle(api: &MockApi, received: &mut Received) -> Done {
    let request = match read(received) {
        Ok(request) => request,
        Err(refusal) => return Done::unchanged(refusal),
    };
    let content = received.content.take();
    let mut files = lock(&api.shared.files);
    let outcome = apply(&mut files, &request, content, &api.shared.options);
    let operation = received.fields.get("operation").unwrap_or_default();
    match outcome {
        Ok(file) => {
            let answer = success(&request, operation, file.as_ref());
            if request.operation == Operation::Get { Done::unchanged(answer) } else { Done::changed(answer) }
        }
        Err(Failure::Refused(Refusal::NotFound)) => Done::unchanged(Answer::detail(404, "File not found")),
        Err(Failure::Refused(Refusal::Taken)) => Done::unchanged(Answer::detail(409, "Path is taken")),
        Err(Failure::Storage(error)) => {
            tracing::error!(%error, "cannot keep a content");
            Done::unchanged(Answer::detail(500, "Internal Server Error"))
        }
    }
}

/// The file after the operation; for a delete, the file before it; `None` if a lenient operation had nothing to do. Stores the
/// bytes first, so that a failure changes nothing.
fn apply(files: &mut Files, request: &SaveRequest, content: Option<Content>, options: &Options) -> Result<Option<StoredFile>, Failure> {
    let path = request.file_path.as_str();
    let known = files.get(path).ok().map(|known| known.internal_id);
    let file = match request.operation {
        Operation::Rename | Operation::Move | Operation::Delete if options.lenient && known.is_none() => return Ok(None),
        Operation::Create => {
            let id = known.filter(|_| !options.lenient).unwrap_or_else(Uuid::new_v4);
            let new = stored(content, request, id)?;
            if let Some(known) = known.filter(|known| *known != id) {
                let_go(known, &options.contents);
            }
            files.create(path, id, new)
        }
        Operation::Update if options.lenient && known.is_none() => {
            let id = Uuid::new_v4();
            files.create(path, id, stored(content, request, id)?)
        }
        Operation::Update => {
            let id = files.get(path)?.internal_id;
            files.update(path, stored(content, request, id)?)?
        }
        Operation::Rename | Operation::Move => {
            let new_path = request.new_path.as_deref().expect("invariant: a rename without a target is no request");
            if options.lenient && new_path != path && files.get(new_path).is_ok() {
                delete(files, new_path, &options.contents)?;
            }
            files.rename(path, new_path, request.metadata.clone())?
        }
        Operation::Delete => {
            return Ok(Some(delete(files, path, &options.contents)?));
        }
        Operation::Get => files.get(path)?,
    };
    Ok(Some(file.clone()))
}

fn delete(files: &mut Files, path: &str, contents: &Contents) -> Result<StoredFile, Refusal> {
    let file = files.delete(path)?;
    let_go(file.internal_id, contents);
    Ok(file)
}

fn let_go(internal_id: Uuid, contents: &Contents) {
    if let Err(error) = discard(contents, internal_id) {
        tracing::warn!(%error, %internal_id, "the content of a deleted file cannot be removed");
    }
}

fn stored(content: Option<Content>, request: &SaveRequest, internal_id: Uuid) -> io::Result<NewContent> {
    let content = content.expect("invariant: a create or an update without content is no request");
    Ok(NewContent {
        size: content.size,
        sha256: content.sha256.clone(),
        file_type: request.file_type.clone(),
        metadata: request.metadata.clone(),
        bytes: content.keep(internal_id)?,
    })
}

fn success(request: &SaveRequest, operation: &str, file: Option<&StoredFile>) -> Answer {
    let left = file.filter(|_| request.operation != Operation::Delete);
    let body = Body {
        internal_id: file.map(|file| file.internal_id),
        file_path: &request.file_path,
        operation,
        size: left.map(|file| file.size),
        saved_at: Timestamp::now(),
        status: "success",
        new_path: request.new_path.as_deref(),
        metadata: left.and_then(|file| file.metadata.as_ref()),
    };
    Answer::json(200, &body)
}
