//! An error with its causes: each of them, and their messages as one text.

use std::error::Error;
use std::io;

/// The error and its causes, the outermost first.
pub(crate) fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause| match cause.downcast_ref::<io::Error>() {
        // `io::Error::source` skips the wrapped error.
        Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => cause.source(),
    })
}

/// The messages of an error and its causes, without repetitions.
pub(crate) fn words_of(error: &(dyn Error + 'static)) -> String {
    let mut words: Vec<String> = Vec::new();
    for cause in chain(error) {
        let own = cause.to_string();
        if !own.is_empty() && !words.iter().any(|word| word.contains(&own)) {
            words.push(own);
        }
    }
    words.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_of_a_chain_appear_once_and_to_its_end() {
        let inner = io::Error::other("refused");
        let outer = io::Error::other(io::Error::other(inner));
        assert_eq!(words_of(&outer), "refused");
    }
}
