//! Reads fields and content from a body: forms, multipart and plain bytes, streamed. Checks that the request is complete, but not
//! its values.

use crate::body::Inflow;
use crate::call_log::CallName;
use crate::content::Incoming;
use crate::fields::{Fields, Received};
use crate::options::Contents;
use axum::body::{Body, Bytes};
use axum::extract::multipart::Field;
use axum::extract::{Form, FromRequest, Multipart, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use futures::StreamExt;
use std::time::Duration;

/// Limit of a text part and of a form, as in Starlette.
const TEXT_BYTES: usize = 1024 * 1024;
/// Limit of a report.
const REPORT_BYTES: usize = 64 * 1024 * 1024;
/// Starlette's message for an unparsable body.
const UNREADABLE: Unreceived = Unreceived::Malformed("There was an error parsing the body");

/// Why there is no request to handle.
#[derive(Debug)]
pub(crate) enum Unreceived {
    /// The body ended early: the client has gone.
    Cut,
    /// A reset was ordered.
    Aborted,
    /// The body is complete and cannot be parsed.
    Malformed(&'static str),
    /// The body is complete and too large.
    TooLarge,
    /// Its content could not be stored.
    Storage(std::io::Error),
}

/// How the content is read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reading {
    Keep,
    Slowly(Duration),
    /// It is not used, at most hashed.
    Discard,
    /// It is not read at all.
    Abort,
}

/// Called once, as soon as all fields before the content are known.
pub(crate) trait Gate: Send {
    fn open(&mut self, fields: &Fields) -> Reading;
}

/// Reads a request to its end.
pub(crate) async fn receive(
    call: CallName,
    head: &Parts,
    body: Body,
    contents: &Contents,
    gate: &mut impl Gate,
) -> Result<Received, Unreceived> {
    let inflow = Inflow::new(body);
    let content_length = content_length(&head.headers);
    let read = match call {
        CallName::SaveToDisk | CallName::UpdatePermissions if is_multipart(&head.headers) => multipart(head, &inflow, contents, gate).await,
        CallName::SaveToDisk | CallName::UpdatePermissions => form(head, &inflow, gate).await,
        CallName::ReportResults => raw(&inflow, gate).await,
        CallName::Health | CallName::PubSubFullList => opened(Received::default(), gate),
    };
    if matches!(read, Err(Unreceived::Aborted)) {
        return read;
    }
    if !inflow.drained(content_length).await {
        return Err(Unreceived::Cut);
    }
    read
}

/// Reads and discards a request, so that its client is ready for the response. `false` if it was cut short.
pub(crate) async fn drain(head: &Parts, body: Body) -> bool {
    Inflow::new(body).drained(content_length(&head.headers)).await
}

pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn is_multipart(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().to_ascii_lowercase().starts_with(b"multipart/form-data"))
}

/// A request with the original's content type, for axum's extractors; its extensions remove the limit of bodies.
fn request(head: &Parts, body: Body) -> Request {
    let mut request = Request::new(body);
    *request.method_mut() = axum::http::Method::POST;
    *request.extensions_mut() = head.extensions.clone();
    if let Some(value) = head.headers.get(header::CONTENT_TYPE) {
        request.headers_mut().insert(header::CONTENT_TYPE, value.clone());
    }
    request
}

fn opened(received: Received, gate: &mut impl Gate) -> Result<Received, Unreceived> {
    match gate.open(&received.fields) {
        Reading::Abort => Err(Unreceived::Aborted),
        Reading::Keep | Reading::Slowly(_) | Reading::Discard => Ok(received),
    }
}

async fn form(head: &Parts, inflow: &Inflow, gate: &mut impl Gate) -> Result<Received, Unreceived> {
    let body = Body::from(collect(inflow, TEXT_BYTES).await?);
    // A body of another type is not a form: as in FastAPI, all its fields are missing.
    let pairs = Form::<Vec<(String, String)>>::from_request(request(head, body), &()).await.map(|Form(pairs)| pairs);
    let mut received = Received::default();
    for (name, value) in pairs.unwrap_or_default() {
        received.fields.set(&name, value);
        received.fields.arrived.push(name);
    }
    opened(received, gate)
}

async fn raw(inflow: &Inflow, gate: &mut impl Gate) -> Result<Received, Unreceived> {
    let raw = collect(inflow, REPORT_BYTES).await?;
    opened(Received { raw, ..Received::default() }, gate)
}

async fn collect(inflow: &Inflow, limit: usize) -> Result<Bytes, Unreceived> {
    let mut collected = Vec::new();
    let mut inflow = inflow.clone();
    while let Some(chunk) = inflow.next().await {
        let chunk = chunk.map_err(|_| Unreceived::Cut)?;
        if collected.len() + chunk.len() > limit {
            return Err(Unreceived::TooLarge);
        }
        collected.extend_from_slice(&chunk);
    }
    Ok(collected.into())
}

async fn multipart(head: &Parts, inflow: &Inflow, contents: &Contents, gate: &mut impl Gate) -> Result<Received, Unreceived> {
    let body = Body::from_stream(inflow.clone());
    let mut multipart = Multipart::from_request(request(head, body), &()).await.map_err(|_| UNREADABLE)?;
    let mut received = Received::default();
    let mut asked = false;
    while let Some(field) = multipart.next_field().await.map_err(|_| UNREADABLE)? {
        let Some(name) = field.name().map(str::to_owned) else { return Err(UNREADABLE) };
        received.fields.arrived.push(name.clone());
        if name == "file" && is_upload(&field) {
            received.fields.file_name = field.file_name().map(str::to_owned);
            asked = true;
            let reading = gate.open(&received.fields);
            received.content = Some(content(field, contents, reading).await?.finish());
        } else {
            let value = text(field).await?;
            received.fields.set(&name, value);
        }
    }
    if asked { Ok(received) } else { opened(received, gate) }
}

/// Uses the raw header, because the parser loses a file name that ends in a backslash. The name is only information.
fn is_upload(field: &Field<'_>) -> bool {
    let disposition = field.headers().get(header::CONTENT_DISPOSITION).map(axum::http::HeaderValue::as_bytes).unwrap_or_default();
    disposition.windows(b"filename".len()).any(|window| window.eq_ignore_ascii_case(b"filename"))
}

async fn content(mut field: Field<'_>, contents: &Contents, reading: Reading) -> Result<Incoming, Unreceived> {
    let (contents, pause) = match reading {
        Reading::Abort => return Err(Unreceived::Aborted),
        Reading::Discard => (&Contents::Hashed, None),
        Reading::Slowly(pause) => (contents, Some(pause)),
        Reading::Keep => (contents, None),
    };
    let mut incoming = Incoming::new(contents).map_err(Unreceived::Storage)?;
    loop {
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
        let Some(chunk) = field.chunk().await.map_err(|_| UNREADABLE)? else { break };
        incoming.write(&chunk).map_err(Unreceived::Storage)?;
    }
    Ok(incoming)
}

/// The bytes of a text part, which must be UTF-8.
async fn text(mut field: Field<'_>) -> Result<String, Unreceived> {
    let mut value = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|_| UNREADABLE)? {
        if value.len() + chunk.len() > TEXT_BYTES {
            return Err(Unreceived::Malformed("Part exceeded maximum size of 1024KB."));
        }
        value.extend_from_slice(&chunk);
    }
    String::from_utf8(value).map_err(|_| UNREADABLE)
}
