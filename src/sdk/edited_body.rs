//! A response body that is edited as a whole before the SDK parses it.

use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::{ByteStream, error::Error as ByteStreamError};
use bytes::Bytes;
use http_body::{Body, Frame};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

type Edit = Box<dyn FnOnce(Vec<u8>) -> Vec<u8> + Send + Sync>;

/// Replaces a body that has not arrived yet by one that is edited on arrival. It is collected first, as the SDK's parsers of documents do
/// in any case.
pub(crate) fn edit_body(body: &mut SdkBody, edit: impl FnOnce(Vec<u8>) -> Vec<u8> + Send + Sync + 'static) {
    let inner = ByteStream::new(std::mem::replace(body, SdkBody::taken()));
    *body = SdkBody::from_body_1_x(EditedBody { arriving: Some((inner, Box::new(edit))), received: Vec::new() });
}

struct EditedBody {
    /// `None` = it has arrived or failed.
    arriving: Option<(ByteStream, Edit)>,
    received: Vec<u8>,
}

impl Body for EditedBody {
    type Data = Bytes;
    type Error = ByteStreamError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ByteStreamError>>> {
        while let Some((inner, _)) = self.arriving.as_mut() {
            match ready!(Pin::new(inner).poll_next(context)) {
                Some(Ok(bytes)) => self.received.extend_from_slice(&bytes),
                Some(Err(error)) => {
                    self.arriving = None;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    let received = std::mem::take(&mut self.received);
                    let edited = self.arriving.take().map(|(_, edit)| Bytes::from(edit(received)));
                    return Poll::Ready(edited.map(|edited| Ok(Frame::data(edited))));
                }
            }
        }
        Poll::Ready(None)
    }
}
