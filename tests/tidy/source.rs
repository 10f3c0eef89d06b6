//! Separates the code of a Rust file from its comments and strings. It does not parse them further.

/// One file in three texts. Each is as long as the file, with blanks in place of the other two, so that lines keep their numbers.
pub(crate) struct Source {
    /// The code, without the texts of literals.
    pub(crate) code: String,
    /// Line and block comments, the documentation included.
    pub(crate) comments: String,
    /// String and character literals with their quotes.
    pub(crate) literals: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

impl Source {
    pub(crate) fn of(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut source = Self { code: String::new(), comments: String::new(), literals: String::new() };
        let mut at = 0;
        while at < chars.len() {
            let (kind, length) = token(&chars, at);
            let end = (at + length).min(chars.len());
            for &char in &chars[at..end] {
                source.push(kind, char);
            }
            at = end;
        }
        source
    }

    fn push(&mut self, kind: Kind, char: char) {
        for (own, text) in [(Kind::Code, &mut self.code), (Kind::Comment, &mut self.comments), (Kind::Literal, &mut self.literals)] {
            text.push(if own == kind || char == '\n' { char } else { ' ' });
        }
    }
}

/// The kind of text that begins at `at`, and its number of characters.
fn token(chars: &[char], at: usize) -> (Kind, usize) {
    let rest = &chars[at..];
    let inside_a_word = at > 0 && is_word(chars[at - 1]);
    match rest {
        ['/', '/', ..] => (Kind::Comment, rest.iter().position(|&char| char == '\n').unwrap_or(rest.len())),
        ['/', '*', ..] => (Kind::Comment, block_comment(rest)),
        ['"', ..] => (Kind::Literal, quoted(rest, '"')),
        ['\'', '\\', ..] | ['\'', _, '\'', ..] => (Kind::Literal, quoted(rest, '\'')),
        ['r', ..] if !inside_a_word => raw_string(rest, 1),
        ['b' | 'c', 'r', ..] if !inside_a_word => raw_string(rest, 2),
        _ => (Kind::Code, 1),
    }
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// A raw or prefixed literal: `prefix` letters, hashes, a quote, and the text up to a quote with as many hashes; otherwise it is
/// a word of code.
fn raw_string(rest: &[char], prefix: usize) -> (Kind, usize) {
    let hashes = rest[prefix..].iter().take_while(|&&char| char == '#').count();
    let open = prefix + hashes;
    if rest.get(open) != Some(&'"') {
        return (Kind::Code, 1);
    }
    let closes = |at: usize| rest[at] == '"' && rest[at + 1..].iter().take(hashes).filter(|&&char| char == '#').count() == hashes;
    let end = (open + 1..rest.len()).find(|&at| closes(at)).map_or(rest.len(), |at| at + 1 + hashes);
    (Kind::Literal, end)
}

/// True if a name may contain this character.
pub(crate) fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// The byte offsets of `word` as a separate word.
pub(crate) fn words<'text>(text: &'text str, word: &'text str) -> impl Iterator<Item = usize> + 'text {
    text.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// The line number of this byte, from 1.
pub(crate) fn line_at(text: &str, byte: usize) -> usize {
    text[..byte].matches('\n').count() + 1
}

#[test]
fn code_comments_and_literals_are_separated() {
    for (text, code, comments, literals) in [
        ("a // b", "a", "// b", ""),
        ("a /* b /* c */ d */ e", "a e", "/* b /* c */ d */", ""),
        (r#"a("b // \" c") d"#, "a( ) d", "", r#""b // \" c""#),
        (r##"r#"a "b" // "# c"##, "c", "", r##"r#"a "b" // "#"##),
        ("br\"a\\\" b", "b", "", "br\"a\\\""),
        ("r#type for", "r#type for", "", ""),
        (r"'a' '\'' '\u{1f}' 'static", "'static", "", r"'a' '\'' '\u{1f}'"),
        ("&'a str, '\"' x", "&'a str, x", "", "'\"'"),
    ] {
        let source = Source::of(text);
        assert_eq!(source.code.split_whitespace().collect::<Vec<_>>().join(" "), code, "{text}");
        assert_eq!(source.comments.trim(), comments, "{text}");
        assert_eq!(source.literals.trim(), literals, "{text}");
    }
}

#[test]
fn a_line_keeps_its_number() {
    let text = "one\n/* two\nthree */ four \"five\nsix\"\nseven";
    let source = Source::of(text);
    for part in [&source.code, &source.comments, &source.literals] {
        assert_eq!(part.lines().count(), text.lines().count());
    }
    assert_eq!(line_at(&source.code, source.code.find("seven").expect("it is code")), 5);
}

#[test]
fn a_word_stands_alone() {
    assert_eq!(words("csv xcsv csv_x csv::a", "csv").collect::<Vec<_>>(), [0, 15]);
}
