//! The size and the number of the parts of an object that is sent or copied in parts. Pure.

use crate::retry::RetryPolicy;

/// S3's least length of all parts but the last.
const MIN_PART_BYTES: u64 = 5 << 20;
/// S3's greatest length of a part.
const MAX_PART_BYTES: u64 = 5 << 30;
/// Lengths of parts are multiples of this, so that a checkpoint has a plain number.
const PART_STEP_BYTES: u64 = 1 << 20;

/// The limits of transfers in parts.
#[derive(Clone, Copy, Debug)]
pub struct MultipartLimits {
    /// The largest object that is sent in one piece.
    pub max_put_bytes: u64,
    /// The largest object that a server copies in one piece.
    pub max_copy_bytes: u64,
    /// The wanted length of a part to send. A part is longer if the object would have too many.
    pub part_bytes: u64,
    /// The wanted length of a part to copy.
    pub copy_part_bytes: u64,
    /// The greatest number of parts, 1..=10,000.
    pub max_parts: u16,
    /// The greatest number of parts in flight.
    pub parts_in_flight: usize,
    /// The memory for parts of one object. Parts that are longer than this are streamed, one at a time.
    pub memory_bytes: u64,
    /// The attempts at one part, and at the completion.
    pub retry: RetryPolicy,
}

impl Default for MultipartLimits {
    fn default() -> Self {
        Self {
            max_put_bytes: 64 << 20,
            max_copy_bytes: 5 << 30,
            part_bytes: 8 << 20,
            copy_part_bytes: 1 << 30,
            max_parts: 10_000,
            parts_in_flight: 4,
            memory_bytes: 32 << 20,
            retry: RetryPolicy::default(),
        }
    }
}

impl MultipartLimits {
    /// The length of the parts of an object to send; `None` = it has more bytes than S3 allows.
    pub fn sent_part_bytes(&self, size: u64) -> Option<u64> {
        self.part_bytes_of(size, self.part_bytes)
    }

    /// The length of the parts of an object to copy; `None` = it has more bytes than S3 allows.
    pub fn copied_part_bytes(&self, size: u64) -> Option<u64> {
        self.part_bytes_of(size, self.copy_part_bytes)
    }

    fn part_bytes_of(&self, size: u64, wanted: u64) -> Option<u64> {
        let needed = size.div_ceil(u64::from(self.max_parts.max(1))).next_multiple_of(PART_STEP_BYTES);
        let part_bytes = if needed > wanted { needed.max(MIN_PART_BYTES) } else { wanted };
        (part_bytes <= MAX_PART_BYTES).then_some(part_bytes)
    }

    /// The number of parts that are in memory at a time: filled, or in flight. 0 = parts are streamed.
    pub fn parts_in_memory(&self, part_bytes: u64) -> usize {
        let fitting = self.memory_bytes / part_bytes.max(1);
        usize::try_from(fitting).map_or(self.parts_in_flight, |fitting| fitting.min(self.parts_in_flight.max(1)))
    }
}

/// The ranges of an object's parts, with their numbers. An empty object has one empty part.
pub(super) fn ranges(size: u64, part_bytes: u64) -> impl Iterator<Item = (u16, std::ops::Range<u64>)> {
    let count = size.div_ceil(part_bytes).max(1);
    (1..=u16::MAX).zip(0..count).map(move |(number, index)| (number, index * part_bytes..size.min((index + 1) * part_bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_object_up_to_5_tib_has_more_than_10_000_parts_and_no_part_is_too_small() {
        let limits = MultipartLimits::default();
        for (size, expected) in [
            (0, Some(8 << 20)),
            (1, Some(8 << 20)),
            (10_000 * (8 << 20), Some(8 << 20)),
            (10_000 * (8 << 20) + 1, Some(9 << 20)),
            (5 << 40, Some(525 << 20)),
            (10_000 * MAX_PART_BYTES, Some(MAX_PART_BYTES)),
            (10_000 * MAX_PART_BYTES + 1, None),
        ] {
            assert_eq!(limits.sent_part_bytes(size), expected, "{size}");
            if let Some(part_bytes) = expected {
                let (count, last) = ranges(size, part_bytes).last().expect("a part");
                assert!(count <= 10_000 && last.end == size && last.end - last.start <= part_bytes, "{size}: {count} {last:?}");
            }
        }
        assert_eq!(limits.copied_part_bytes(6 << 30), Some(1 << 30));
        assert_eq!(limits.copied_part_bytes(20 << 40), Some(2098 << 20));
    }

    #[test]
    fn parts_in_memory_fit_into_it_and_longer_ones_are_streamed() {
        let limits = MultipartLimits::default();
        for (part_bytes, expected) in [(8 << 20, 4), (5 << 20, 4), (9 << 20, 3), (32 << 20, 1), ((32 << 20) + 1, 0), (525 << 20, 0)] {
            assert_eq!(limits.parts_in_memory(part_bytes), expected, "{part_bytes}");
        }
    }

    #[test]
    fn the_parts_of_an_object_are_adjacent() {
        for (size, expected) in
            [(0, vec![(1, 0..0)]), (5, vec![(1, 0..5)]), (6, vec![(1, 0..5), (2, 5..6)]), (10, vec![(1, 0..5), (2, 5..10)])]
        {
            assert_eq!(ranges(size, 5).collect::<Vec<_>>(), expected);
        }
    }
}
