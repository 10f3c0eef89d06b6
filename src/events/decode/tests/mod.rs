//! The decoders on the messages of real senders, and on any other input.

mod feed;
mod notifications;
mod parts;
mod total;

use super::{Decoded, Scope};
use crate::record::Event;
use std::fs;
use std::path::Path;

fn scope() -> Scope {
    Scope::new("customer-bucket", "")
}

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/events").join(name);
    fs::read_to_string(path).expect("a fixture")
}

/// An event in one line: `create a -> b {rwx} @time`.
fn shown(event: &Event) -> String {
    let target = event.new_path.as_ref().map(|path| format!(" -> {}", path.as_str())).unwrap_or_default();
    let permissions = event.permissions.permissions.as_ref().map(|permissions| format!(" {{{permissions}}}")).unwrap_or_default();
    let time = event.time.map(|time| format!(" @{time}")).unwrap_or_default();
    format!("{} {}{target}{permissions}{time}", event.kind.as_str(), event.path.as_str())
}

fn events(decoded: &Decoded) -> Vec<String> {
    decoded.events.iter().map(shown).collect()
}

fn reasons(decoded: &Decoded) -> Vec<&'static str> {
    decoded.undecodable.iter().map(|undecodable| undecodable.error.reason()).collect()
}
