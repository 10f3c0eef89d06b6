//! Validates a `saveToDisk` request, in `FastAPI`'s order. Whether the path is known is not checked here.

use crate::answer::{Answer, missing, not_an_integer, value_error};
use crate::fields::{Fields, Received};
use serde_json::{Map, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Create,
    Update,
    Rename,
    Move,
    Delete,
    Get,
}

impl Operation {
    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "create" => Self::Create,
            "update" => Self::Update,
            "rename" => Self::Rename,
            "move" => Self::Move,
            "delete" => Self::Delete,
            "get" => Self::Get,
            _ => return None,
        })
    }

    fn takes_content(self) -> bool {
        matches!(self, Self::Create | Self::Update)
    }

    fn takes_target(self) -> bool {
        matches!(self, Self::Rename | Self::Move)
    }
}

/// A valid request. `received` still holds its content.
#[derive(Debug)]
pub(super) struct SaveRequest {
    pub(super) operation: Operation,
    pub(super) file_path: String,
    /// Set for a rename and a move.
    pub(super) new_path: Option<String>,
    pub(super) file_type: Option<String>,
    pub(super) metadata: Option<Map<String, Value>>,
}

/// Fields first, all problems at once; then operation, metadata, what the operation needs, and the size.
pub(super) fn read(received: &Received) -> Result<SaveRequest, Answer> {
    let fields = &received.fields;
    let size = check_fields(fields)?;
    let word = fields.get("operation").unwrap_or_default();
    let operation = Operation::from_word(word).ok_or_else(|| Answer::detail(400, "Invalid operation"))?;
    let metadata = read_metadata(fields)?;
    if operation.takes_content() && received.content.is_none() {
        return Err(Answer::detail(400, &format!("File is required for {word} operation")));
    }
    if operation.takes_target() && fields.get("new_path").is_none() {
        return Err(Answer::detail(400, &format!("new_path is required for {word} operation")));
    }
    if let (true, Some(size), Some(content)) = (operation.takes_content(), size, &received.content)
        && size != content.size
    {
        let problem = format!("size is {size} and {} bytes were received", content.size);
        return Err(Answer::invalid(&[value_error("body", "size", &problem, &size.to_string())]));
    }
    let text = |name| fields.get(name).map(str::to_owned);
    Ok(SaveRequest {
        operation,
        file_path: text("file_path").unwrap_or_default(),
        new_path: text("new_path"),
        file_type: text("file_type"),
        metadata,
    })
}

/// The size, if given, or 422 with all problems of the fields.
fn check_fields(fields: &Fields) -> Result<Option<u64>, Answer> {
    let mut problems: Vec<Value> = ["operation", "file_path"].into_iter().filter(|name| fields.get(name).is_none()).map(missing).collect();
    let size = fields.get("size").map(|text| (text, read_size(text)));
    if let Some((text, None)) = size {
        problems.push(not_an_integer("body", "size", text));
    }
    if fields.file_is_text {
        problems.push(value_error("body", "file", "Expected UploadFile, received: <class 'str'>", ""));
    }
    if problems.is_empty() { Ok(size.and_then(|(_, size)| size)) } else { Err(Answer::invalid(&problems)) }
}

/// Decimal digits only; many parsers accept `+5`.
fn read_size(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn read_metadata(fields: &Fields) -> Result<Option<Map<String, Value>>, Answer> {
    fields.get("metadata").map_or(Ok(None), |text| serde_json::from_str(text).map_err(|_| Answer::detail(400, "Invalid metadata JSON")))
}
