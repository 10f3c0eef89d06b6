//! One TCP connection: hyper below, `s3s` above, and between them the faults in the bytes of a response.

use crate::edit::Edit;
use crate::mock::Shared;
use crate::requests::UnderWay;
use bytes::{Bytes, BytesMut};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_LENGTH, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use s3s::service::S3Service;
use s3s::{Body, StdError};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A change of a response; see `Fault` for the meaning of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tamper {
    Reset,
    ResetAfter(u64),
    CloseAfter(u64),
    Shorten(u64),
    WrongByte(u64),
    NoLength,
    Header { name: &'static str, values: Vec<Vec<u8>> },
}

/// State shared by the layers of one connection. HTTP/1: one request at a time.
#[derive(Default)]
pub(crate) struct Link {
    ordered: Mutex<Option<Tamper>>,
    edit: Mutex<Option<Edit>>,
    /// The body has sent all its bytes: the connection ends as soon as they are flushed.
    ends_when_flushed: AtomicBool,
    /// The end is a reset.
    resets: AtomicBool,
}

impl Link {
    pub(crate) fn order(&self, tamper: Tamper) {
        *self.ordered.lock().unwrap_or_else(PoisonError::into_inner) = Some(tamper);
    }

    pub(crate) fn order_edit(&self, edit: Edit) {
        *self.edit.lock().unwrap_or_else(PoisonError::into_inner) = Some(edit);
    }

    fn take_edit(&self) -> Option<Edit> {
        self.edit.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn take(&self) -> Option<Tamper> {
        self.ordered.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Serves a connection to its end.
pub(crate) async fn serve(stream: TcpStream, service: S3Service, shared: Arc<Shared>) {
    let link = Arc::new(Link::default());
    let io = TokioIo::new(Connection { stream, link: Arc::clone(&link) });
    let handler = service_fn(|request| answer(&service, &shared, &link, request));
    if let Err(error) = http1::Builder::new().serve_connection(io, handler).await {
        tracing::debug!(%error, "connection ended early");
    }
}

async fn answer(
    service: &S3Service,
    shared: &Arc<Shared>,
    link: &Arc<Link>,
    mut request: Request<Incoming>,
) -> Result<Response<WireBody>, StdError> {
    let under_way = shared.journal.arrived();
    link.take();
    link.take_edit();
    request.extensions_mut().insert(Arc::clone(link));
    let mut response = service.call(request.map(Body::from)).await?;
    if let Some(edit) = link.take_edit() {
        response = edit.apply(response);
    }
    let tamper = link.take();
    match &tamper {
        Some(Tamper::Reset) => {
            link.resets.store(true, Ordering::SeqCst);
            return Err("a reset was ordered".into());
        }
        Some(Tamper::Shorten(bytes)) => shorten_content_length(&mut response, *bytes),
        Some(Tamper::NoLength) => drop(response.headers_mut().remove(CONTENT_LENGTH)),
        Some(Tamper::Header { name, values }) => replace_header(&mut response, name, values),
        _ => {}
    }
    Ok(response.map(|inner| WireBody { inner, passed: 0, tamper, link: Arc::clone(link), _under_way: under_way }))
}

fn shorten_content_length(response: &mut Response<Body>, bytes: u64) {
    if let Some(value) = response.headers_mut().get_mut(CONTENT_LENGTH) {
        let promised: u64 = value.to_str().ok().and_then(|text| text.parse().ok()).unwrap_or(bytes);
        *value = HeaderValue::from(promised.min(bytes));
    }
}

fn replace_header(response: &mut Response<Body>, name: &'static str, values: &[Vec<u8>]) {
    let headers = response.headers_mut();
    headers.remove(name);
    for value in values {
        headers.append(name, HeaderValue::from_bytes(value).expect("invariant: an ordered value has no line break"));
    }
}

/// The body of a response, with a fault.
struct WireBody {
    inner: Body,
    passed: u64,
    tamper: Option<Tamper>,
    link: Arc<Link>,
    _under_way: UnderWay,
}

impl WireBody {
    /// How many bytes may still be sent.
    fn allowance(&self) -> Option<u64> {
        match self.tamper.as_ref()? {
            Tamper::ResetAfter(bytes) | Tamper::CloseAfter(bytes) | Tamper::Shorten(bytes) => Some(bytes.saturating_sub(self.passed)),
            Tamper::Reset | Tamper::WrongByte(_) | Tamper::NoLength | Tamper::Header { .. } => None,
        }
    }

    /// The changed bytes of a chunk.
    fn tampered(&mut self, mut data: Bytes) -> Bytes {
        if let Some(allowance) = self.allowance() {
            data.truncate(usize::try_from(allowance).unwrap_or(usize::MAX));
        }
        let start = self.passed;
        self.passed += data.len() as u64;
        match &self.tamper {
            Some(Tamper::WrongByte(offset)) if (start..self.passed).contains(offset) => {
                let mut wrong = BytesMut::from(data);
                let index = usize::try_from(offset - start).expect("invariant: an offset into memory fits");
                wrong[index] ^= 0x01;
                wrong.freeze()
            }
            _ => data,
        }
    }
}

impl HttpBody for WireBody {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        if self.allowance() == Some(0) {
            if matches!(self.tamper, Some(Tamper::Shorten(_))) {
                return Poll::Ready(None);
            }
            // After an error here hyper would drop its unwritten bytes. So the body waits for ever, and the connection ends
            // itself once everything is flushed: the client gets exactly the ordered bytes.
            self.link.resets.store(matches!(self.tamper, Some(Tamper::ResetAfter(_))), Ordering::SeqCst);
            self.link.ends_when_flushed.store(true, Ordering::SeqCst);
            return Poll::Pending;
        }
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context)?);
        Poll::Ready(frame.map(|frame| Ok(frame.map_data(|data| self.tampered(data)))))
    }

    fn is_end_stream(&self) -> bool {
        match self.tamper {
            Some(Tamper::ResetAfter(_) | Tamper::CloseAfter(_)) => false,
            _ => self.inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let hint = self.inner.size_hint();
        match (&self.tamper, self.allowance(), hint.exact()) {
            (Some(Tamper::NoLength), ..) => SizeHint::new(),
            (Some(Tamper::Shorten(_)), Some(allowance), Some(exact)) => SizeHint::with_exact(exact.min(allowance)),
            _ => hint,
        }
    }
}

/// A TCP stream that ends itself when its link requests it.
struct Connection {
    stream: TcpStream,
    link: Arc<Link>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.link.resets.load(Ordering::SeqCst)
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::warn!(%error, "a reset was ordered, but the connection can only be closed");
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.link.ends_when_flushed.load(Ordering::SeqCst) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
