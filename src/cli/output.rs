//! Prints the result of a command to stdout, as text or as one JSON document.
//!
//! If the reader closes the pipe (`| head`), the output ends without an error.

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, PrettyFormatter};
use std::{
    fmt::Display,
    io::{self, BufWriter, Write},
};

/// The format of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    /// Text for people: the result's `Display`.
    Text,
    /// JSON for programs (`--json`): the result's `Serialize`, a documented format.
    Json,
}

/// The destination of results.
#[derive(Debug)]
pub struct Output<W> {
    format: OutputFormat,
    pipe: Pipe<W>,
}

impl Output<io::Stdout> {
    /// Prints to stdout.
    pub fn stdout(format: OutputFormat) -> Self {
        Self::new(format, io::stdout())
    }
}

impl<W: Write> Output<W> {
    /// Prints to any writer, which need not be buffered.
    pub fn new(format: OutputFormat, writer: W) -> Self {
        Self { format, pipe: Pipe { writer, closed: false } }
    }

    /// The format, for a command that streams its result.
    pub fn format(&self) -> OutputFormat {
        self.format
    }

    /// Prints a whole result as text or as one JSON document, with a line break at the end.
    pub fn print<R: Display + Serialize>(&mut self, result: &R) -> io::Result<()> {
        let format = self.format;
        self.stream(|out| match format {
            OutputFormat::Text => writeln!(out, "{result}"),
            OutputFormat::Json => {
                result.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, TerminalSafe(PrettyFormatter::new())))?;
                writeln!(out)
            }
        })
    }

    /// Prints a result that is too large for memory: `write` gets a buffered writer. After the reader has closed the pipe, an error of
    /// `write` counts as the end of the output.
    pub fn stream<E: From<io::Error>>(&mut self, write: impl FnOnce(&mut dyn Write) -> Result<(), E>) -> Result<(), E> {
        let mut buffered = BufWriter::new(&mut self.pipe);
        let outcome = write(&mut buffered).and_then(|()| Ok(buffered.flush()?));
        // Discard the rest of the buffer: after a failure it belongs to an incomplete result.
        drop(buffered.into_parts());
        if self.pipe.closed { Ok(()) } else { outcome }
    }
}

/// A writer that records that its reader has closed the pipe, because callers may wrap the error.
#[derive(Debug)]
struct Pipe<W> {
    writer: W,
    closed: bool,
}

impl<W> Pipe<W> {
    fn record_broken_pipe<T>(&mut self, outcome: io::Result<T>) -> io::Result<T> {
        self.closed |= outcome.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        outcome
    }
}

impl<W: Write> Write for Pipe<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let outcome = self.writer.write(bytes);
        self.record_broken_pipe(outcome)
    }

    fn flush(&mut self) -> io::Result<()> {
        let outcome = self.writer.flush();
        self.record_broken_pipe(outcome)
    }
}

/// A formatter for JSON that is safe on a terminal: the same document, with characters that control a terminal or reorder text written as
/// `\uXXXX`. (JSON itself requires that only below U+0020.)
struct TerminalSafe<F>(F);

impl<F: Formatter> Formatter for TerminalSafe<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((start, c)) = rest.char_indices().find(|(_, c)| is_unsafe(*c)) {
            self.0.write_string_fragment(writer, &rest[..start])?;
            c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(writer, "\\u{unit:04x}"))?;
            rest = &rest[start + c.len_utf8()..];
        }
        self.0.write_string_fragment(writer, rest)
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        self.0.write_char_escape(writer, escape)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

/// True for the characters that Rust's `Debug` escapes. Some of them are harmless; escaping them does not change the document.
fn is_unsafe(c: char) -> bool {
    !c.is_ascii_graphic() && c != ' ' && !c.is_alphanumeric() && c.escape_debug().len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;

    #[derive(Serialize)]
    struct Sample {
        key: String,
        parts: Vec<u8>,
    }

    impl Display for Sample {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "key {:?}", self.key)
        }
    }

    fn printed(format: OutputFormat, sample: &Sample) -> String {
        let mut output = Output::new(format, Vec::new());
        output.print(sample).expect("a vector takes everything");
        String::from_utf8(output.pipe.writer).expect("output is text")
    }

    #[test]
    fn text_is_for_people_and_json_is_one_document() {
        let sample = Sample { key: "a".to_owned(), parts: vec![1, 2] };
        assert_eq!(printed(OutputFormat::Text, &sample), "key \"a\"\n");
        assert_eq!(printed(OutputFormat::Json, &sample), "{\n  \"key\": \"a\",\n  \"parts\": [\n    1,\n    2\n  ]\n}\n");
    }

    #[test]
    fn json_of_a_hostile_key_is_the_same_document_without_control_characters() {
        let key = "Ü日 \u{1b}[2J\u{9b}2J\u{7f}\u{202e}txt.exe\u{200b}\u{e0041}\n\"\\";
        let text = printed(OutputFormat::Json, &Sample { key: key.to_owned(), parts: vec![] });
        let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(document["key"], key);
        assert!(text.contains("Ü日"), "{text}");
        for c in ['\u{1b}', '\u{9b}', '\u{7f}', '\u{202e}', '\u{200b}', '\u{e0041}'] {
            assert!(!text.contains(c), "{c:?}");
        }
    }

    /// A reader that closes the pipe after this many bytes.
    struct Leaving(usize);
    impl Write for Leaving {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = self.0.min(bytes.len());
            self.0 -= taken;
            if taken == 0 { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(taken) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_ends_the_output_without_an_error() {
        let mut output = Output::new(OutputFormat::Text, Leaving(10_000));
        let mut rows = 0_u64;
        let outcome: anyhow::Result<()> = output.stream(|out| {
            loop {
                rows += 1;
                writeln!(out, "row {rows}").map_err(|error| anyhow::anyhow!("row {rows}: {error}"))?;
            }
        });
        assert!(outcome.is_ok(), "{outcome:?}");
        assert!(rows > 1_000, "{rows}");
        assert!(Output::new(OutputFormat::Json, Leaving(0)).print(&1).is_ok());
    }

    #[test]
    fn a_failure_other_than_a_closed_pipe_is_reported() {
        let mut output = Output::new(OutputFormat::Text, Vec::new());
        let outcome: io::Result<()> = output.stream(|out| {
            out.write_all(b"half a row")?;
            Err(io::Error::other("the database is gone"))
        });
        assert_eq!(outcome.expect_err("reported").to_string(), "the database is gone");
        assert!(output.pipe.writer.is_empty());
    }
}
