//! A full outer join of two sorted, fallible iterators. Holds one row of each side.

use std::cmp::Ordering;
use std::iter::Fuse;

/// The rows of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Joined<L, R> {
    /// Only the left side has the key.
    Left(L),
    /// Only the right side has the key.
    Right(R),
    /// Both sides have the key.
    Both(L, R),
}

/// The error that ended a join early.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError<K, E> {
    /// One side failed. The rest of the other side cannot be joined, because the missing rows might have matched.
    #[error(transparent)]
    Source(E),
    /// One side is not in strictly ascending order.
    #[error("the rows of the {side} side are out of order: {key} comes after {previous}")]
    OutOfOrder {
        /// `left` or `right`.
        side: &'static str,
        /// The key of the previous row.
        previous: K,
        /// The key, which is not greater.
        key: K,
    },
}

impl<K, E> JoinError<K, E> {
    /// Converts the keys.
    pub fn map_keys<J>(self, named: impl Fn(&K) -> J) -> JoinError<J, E> {
        match self {
            Self::Source(error) => JoinError::Source(error),
            Self::OutOfOrder { side, previous, key } => JoinError::OutOfOrder { side, previous: named(&previous), key: named(&key) },
        }
    }
}

/// Joins two sides, each in strictly ascending order of its keys. `left_key` and `right_key` return the key of a row. The iterator ends
/// after the first error.
pub fn outer_join<L, R, K, E, LI, RI>(
    left: LI,
    right: RI,
    left_key: fn(&L) -> &K,
    right_key: fn(&R) -> &K,
) -> OuterJoin<LI::IntoIter, RI::IntoIter, L, R, K, E>
where
    LI: IntoIterator<Item = Result<L, E>>,
    RI: IntoIterator<Item = Result<R, E>>,
    K: Ord + ToOwned + ?Sized,
{
    OuterJoin {
        left: Sorted::new("left", left.into_iter(), left_key),
        right: Sorted::new("right", right.into_iter(), right_key),
        ended: false,
    }
}

/// The next row; `Ok(None)` = there is none.
type Step<T, K, E> = Result<Option<T>, JoinError<<K as ToOwned>::Owned, E>>;

/// The iterator that [`outer_join`] returns.
pub struct OuterJoin<LI, RI, L, R, K: ToOwned + ?Sized, E> {
    left: Sorted<LI, L, K, E>,
    right: Sorted<RI, R, K, E>,
    ended: bool,
}

impl<LI, RI, L, R, K, E> OuterJoin<LI, RI, L, R, K, E>
where
    LI: Iterator<Item = Result<L, E>>,
    RI: Iterator<Item = Result<R, E>>,
    K: Ord + ToOwned + ?Sized,
{
    fn join(&mut self) -> Step<Joined<L, R>, K, E> {
        let order = match (self.left.key_of_head()?, self.right.key_of_head()?) {
            (None, None) => return Ok(None),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => left.cmp(right),
        };
        Ok(Some(match order {
            Ordering::Less => Joined::Left(self.left.take_head()),
            Ordering::Greater => Joined::Right(self.right.take_head()),
            Ordering::Equal => Joined::Both(self.left.take_head(), self.right.take_head()),
        }))
    }
}

impl<LI, RI, L, R, K, E> Iterator for OuterJoin<LI, RI, L, R, K, E>
where
    LI: Iterator<Item = Result<L, E>>,
    RI: Iterator<Item = Result<R, E>>,
    K: Ord + ToOwned + ?Sized,
{
    type Item = Result<Joined<L, R>, JoinError<K::Owned, E>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.join().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

/// One side of the join, with its next row.
struct Sorted<I, T, K: ToOwned + ?Sized, E> {
    side: &'static str,
    rows: Fuse<I>,
    key: fn(&T) -> &K,
    begun: bool,
    head: Option<Result<T, JoinError<K::Owned, E>>>,
}

impl<I: Iterator<Item = Result<T, E>>, T, K: Ord + ToOwned + ?Sized, E> Sorted<I, T, K, E> {
    fn new(side: &'static str, rows: I, key: fn(&T) -> &K) -> Self {
        Self { side, rows: rows.fuse(), key, begun: false, head: None }
    }

    fn key_of_head(&mut self) -> Step<&K, K, E> {
        if !self.begun {
            self.begun = true;
            self.head = self.draw(None);
        }
        match self.head.take_if(|head| head.is_err()) {
            Some(Err(error)) => Err(error),
            _ => Ok(self.head.as_ref().and_then(|head| head.as_ref().ok()).map(self.key)),
        }
    }

    /// Returns the current row. Reads the next row first, so that both keys can be compared without a copy.
    fn take_head(&mut self) -> T {
        let Some(Ok(row)) = self.head.take() else { unreachable!("invariant: a head is taken only after its key was seen") };
        self.head = self.draw(Some(&row));
        row
    }

    fn draw(&mut self, previous: Option<&T>) -> Option<Result<T, JoinError<K::Owned, E>>> {
        let row = match self.rows.next()? {
            Ok(row) => row,
            Err(error) => return Some(Err(JoinError::Source(error))),
        };
        let key = (self.key)(&row);
        match previous.map(self.key) {
            Some(previous) if previous >= key => {
                Some(Err(JoinError::OutOfOrder { side: self.side, previous: previous.to_owned(), key: key.to_owned() }))
            }
            _ => Some(Ok(row)),
        }
    }
}
