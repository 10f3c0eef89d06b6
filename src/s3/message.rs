//! The message of an S3 error, made safe to show: one line, shortened, escaped, without signatures and session tokens.

use crate::record::Escaped;

/// The maximum length of a message, because it is one line in a report. The rest is cut off.
const MAX_MESSAGE_CHARS: usize = 400;

pub(super) fn sanitised(message: &str) -> String {
    let mut chars = message.trim().chars();
    let capped: String = chars.by_ref().take(MAX_MESSAGE_CHARS).collect();
    let mark = if chars.next().is_some() { "…" } else { "" };
    format!("{}{mark}", Escaped(&without_signatures(&capped)))
}

/// Removes secrets from a message. Some servers repeat the request's `Authorization` header or query there: after a name that ends in one
/// of `NAMES`, the value up to the next separator is removed.
fn without_signatures(text: &str) -> String {
    const NAMES: [&str; 2] = ["signature", "security-token"];
    let lower = text.to_ascii_lowercase();
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let found = NAMES.iter().filter_map(|name| lower[at..].find(name).map(|offset| at + offset + name.len())).min();
        let Some(end_of_name) = found else { break };
        shown.push_str(&text[at..end_of_name]);
        at = end_of_name;
        let value = text[at..].trim_start_matches([' ', '=', ':', '\'', '"']);
        let assigned = text[at..text.len() - value.len()].contains(['=', ':']);
        if assigned {
            shown.push_str("=[removed]");
            at = text.len() - value.trim_start_matches(|c: char| !c.is_whitespace() && !matches!(c, '&' | ',' | ';' | '<')).len();
        }
    }
    shown.push_str(&text[at..]);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_capped_escaped_and_hold_no_signature() {
        for (raw, shown) in [
            (" plain words ", "plain words"),
            ("x\n[INFO] forged", "x\\u{a}[INFO] forged"),
            ("The request signature we calculated does not match", "The request signature we calculated does not match"),
            ("got AWS4 Credential=AK, Signature=0a1b2c, end", "got AWS4 Credential=AK, Signature=[removed], end"),
            (
                "GET /?X-Amz-Signature=0a1b&X-Amz-Security-Token=FwoG%2F/+= failed",
                "GET /?X-Amz-Signature=[removed]&X-Amz-Security-Token=[removed] failed",
            ),
            ("x-amz-security-token: 'Fwo'", "x-amz-security-token=[removed]"),
        ] {
            assert_eq!(sanitised(raw), shown);
        }
        let long = "é".repeat(5000);
        assert_eq!(sanitised(&long).chars().count(), MAX_MESSAGE_CHARS + 1);
    }
}
