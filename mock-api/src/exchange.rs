//! One call from its head to its response: token, ledger, faults, log. `calls/` implements the calls; this file uses no field's
//! value.

use crate::answer::{Answer, value_error};
use crate::api::{MockApi, lock};
use crate::call_log::{Call, CallName, CallState};
use crate::calls;
use crate::faults::FaultAction;
use crate::fields::{Fields, Received};
use crate::ledger::{Reservation, Standing};
use crate::receive::{Gate, Reading, Unreceived, content_length, drain, receive};
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use std::io;
use std::time::Duration;
use tokio::sync::watch;

const LONGEST_KEY: usize = 255;

/// The end of a call, as its client sees it.
enum Ending {
    Answered(Answer),
    Reset,
    /// It hangs until the hanging calls are released.
    Hanging(watch::Receiver<()>),
}

/// Handles a request in a separate task, so that it finishes even if the client closes the connection and so ends the
/// connection's task.
pub(crate) async fn run(api: MockApi, call: CallName, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let exchange = Exchange::open(api, call, head);
    match tokio::spawn(exchange.run(body)).await {
        Ok(Ending::Answered(answer)) => answer.into_response(),
        Ok(Ending::Reset) => reset(),
        Ok(Ending::Hanging(mut released)) => {
            // An error means that the test double was dropped, which also releases the call.
            let _ = released.changed().await;
            reset()
        }
        Err(_) => Answer::detail(500, "Internal Server Error").into_response(),
    }
}

/// A body that fails before its first byte: the server closes the connection before it sends the head, so the client gets no response.
fn reset() -> Response {
    let broken = futures::stream::once(async { Err::<Bytes, _>(io::Error::from(io::ErrorKind::ConnectionReset)) });
    Response::new(Body::from_stream(broken))
}

struct Exchange {
    api: MockApi,
    call: CallName,
    head: Parts,
    /// `Idempotency-Key` of a POST, as received.
    key: Option<String>,
    /// The call's number in the log.
    number: Option<u64>,
}

impl Exchange {
    fn open(api: MockApi, call: CallName, head: Parts) -> Self {
        let text = |name: &str| head.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let is_post = head.method == axum::http::Method::POST;
        let key = is_post.then(|| text("idempotency-key")).flatten();
        let number = api.log_open(|| Call {
            number: 0,
            call,
            operation: None,
            path: None,
            new_path: None,
            idempotency_key: key.clone(),
            request_id: text("x-request-id"),
            user_agent: text("user-agent"),
            content_length: content_length(&head.headers),
            parts: Vec::new(),
            file_name: None,
            status: None,
            state: CallState::Open,
            replayed: false,
            effect: false,
            fault: None,
        });
        Self { api, call, head, key, number }
    }

    async fn run(self, body: Body) -> Ending {
        if let Some(refusal) = self.refusal() {
            let whole = drain(&self.head, body).await;
            return if whole { self.answered(refusal) } else { self.unanswered() };
        }
        let (standing, reservation) = match &self.key {
            Some(key) => {
                let (standing, reservation) = Reservation::start(&self.api.shared.ledger, key);
                (Some(standing), reservation)
            }
            None => (None, None),
        };
        let mut meeting =
            Meeting { exchange: &self, is_new: !matches!(standing, Some(Standing::InProgress | Standing::Finished(_))), fault: None };
        let received = receive(self.call, &self.head, body, &self.api.shared.options.contents, &mut meeting).await;
        let fault = meeting.fault;
        let received = match received {
            Ok(received) => received,
            Err(error) => {
                // Free the key before the log shows that the call has ended; the same below.
                drop(reservation);
                return self.unreceived(error);
            }
        };
        match &fault {
            Some(FaultAction::Delay { millis }) => tokio::time::sleep(Duration::from_millis(*millis)).await,
            Some(FaultAction::Hang) => {
                drop(reservation);
                return self.hanging();
            }
            Some(ordered @ FaultAction::Answer { .. }) => {
                drop(reservation);
                return self.answered(ordered.answer().expect("invariant: it orders one"));
            }
            _ => {}
        }
        let answer = self.settle(standing, reservation, received);
        match &fault {
            Some(FaultAction::EffectThenReset) => self.unanswered(),
            Some(FaultAction::EffectThenHang) => self.hanging(),
            Some(ordered) => self.answered(ordered.answer().unwrap_or(answer)),
            None => self.answered(answer),
        }
    }

    /// Refusals by the head alone. They do not reserve the key.
    fn refusal(&self) -> Option<Answer> {
        if let Some(token) = &self.api.shared.options.token {
            let said = self.head.headers.get(header::AUTHORIZATION).map(axum::http::HeaderValue::as_bytes);
            if said.and_then(|said| said.strip_prefix(b"Bearer ")) != Some(token.as_bytes()) {
                return Some(Answer::detail(401, "Not authenticated"));
            }
        }
        let key = self.key.as_ref()?;
        let readable = (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        (!readable).then(|| Answer::invalid(&[value_error("header", "idempotency-key", "expected 1 to 255 visible ASCII characters", key)]))
    }

    /// The ledger's response, or else the call's own. Nothing is awaited from here on, so the effect happens completely.
    fn settle(&self, standing: Option<Standing>, reservation: Option<Reservation>, mut received: Received) -> Answer {
        let payload = self.key.is_some().then(|| received.payload(self.call));
        match (standing, payload) {
            (Some(Standing::InProgress), _) => return Answer::in_progress(),
            (Some(Standing::Finished(finished)), Some(payload)) => return finished.answer_to(payload),
            _ => {}
        }
        let done = calls::handle(&self.api, self.call, &self.head, &mut received);
        if done.effect {
            self.api.log_update(self.number, |call| call.effect = true);
            if let (Some(path), Some(operation)) = (received.fields.get("file_path"), received.fields.operation(self.call)) {
                lock(&self.api.shared.effects).count(self.key.as_deref(), path, operation);
            }
        }
        if let (Some(reservation), Some(payload)) = (reservation, payload) {
            reservation.finish(payload, &done.answer);
        }
        done.answer
    }

    fn unreceived(&self, error: Unreceived) -> Ending {
        match error {
            Unreceived::Cut | Unreceived::Aborted => self.unanswered(),
            Unreceived::Malformed(detail) => self.answered(Answer::detail(400, detail)),
            Unreceived::TooLarge => self.answered(Answer::detail(413, "Request body is too large")),
            Unreceived::Storage(error) => {
                tracing::error!(%error, "cannot store a content");
                self.answered(Answer::detail(500, "Internal Server Error"))
            }
        }
    }

    fn answered(&self, answer: Answer) -> Ending {
        self.api.log_update(self.number, |call| {
            call.state = CallState::Answered;
            call.status = Some(answer.status);
            call.replayed = answer.replayed;
        });
        Ending::Answered(answer)
    }

    fn unanswered(&self) -> Ending {
        self.api.log_update(self.number, |call| call.state = CallState::Unanswered);
        Ending::Reset
    }

    fn hanging(&self) -> Ending {
        // Subscribe before the log shows the call, so that a test that reads the log can release it.
        let released = self.api.next_release();
        self.api.log_update(self.number, |call| call.state = CallState::Hanging);
        Ending::Hanging(released)
    }
}

/// Selects a fault as soon as the call's operation and path are known.
struct Meeting<'a> {
    exchange: &'a Exchange,
    /// The ledger has no response yet, so the content is needed.
    is_new: bool,
    fault: Option<FaultAction>,
}

impl Gate for Meeting<'_> {
    fn open(&mut self, fields: &Fields) -> Reading {
        let Exchange { api, call, number, .. } = self.exchange;
        let operation = fields.operation(*call);
        self.fault = lock(&api.shared.faults).take(*call, operation, fields.get("file_path"));
        api.log_update(*number, |call| {
            call.operation = operation.map(str::to_owned);
            call.path = fields.get("file_path").map(str::to_owned);
            call.new_path = fields.get("new_path").map(str::to_owned);
            call.parts.clone_from(&fields.arrived);
            call.file_name.clone_from(&fields.file_name);
            call.fault.clone_from(&self.fault);
        });
        match &self.fault {
            Some(FaultAction::Reset) => Reading::Abort,
            Some(FaultAction::Answer { .. } | FaultAction::Hang) => Reading::Discard,
            Some(FaultAction::SlowRead { pause_millis }) => Reading::Slowly(Duration::from_millis(*pause_millis)),
            _ if !self.is_new => Reading::Discard,
            _ => Reading::Keep,
        }
    }
}
