//! Escapes untrusted text before it is shown to people. Requests and the state use the raw text.

use std::fmt::{self, Write as _};

/// Untrusted text for a terminal or a log. Characters that could forge a line or control a terminal are written as `\u{…}`.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| if is_unsafe_to_print(c) { write!(f, "{}", c.escape_unicode()) } else { f.write_char(c) })
    }
}

/// Escapes serialised JSON for a terminal: the same document, with the unsafe characters written as `\uXXXX`.
///
/// JSON itself escapes only characters below U+0020. The other unsafe characters occur only inside strings, where the escape has the same
/// meaning.
pub fn escape_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unsafe_to_print(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(escaped, "\\u{unit:04x}").expect("invariant: a String takes every write");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Control characters, line and paragraph separators, and characters that reorder, hide or join the text around them.
fn is_unsafe_to_print(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_json_is_the_same_document_without_control_characters() {
        let text = "a\u{1b}[2J\u{9b}2J\u{202e}\u{e0041}\u{7f}\n\"\\é";
        let raw = serde_json::to_string(text).expect("a string serialises");
        let escaped = escape_json(&raw);
        assert!(!escaped.chars().any(is_unsafe_to_print), "{escaped}");
        assert_eq!(serde_json::from_str::<String>(&escaped).expect("still JSON"), text);
    }
}
