//! Which ids a search looks at next: a range of them at a time, the newest first, larger where little is found, until a page is full or
//! the work of one request is done.

/// The largest ranges are of so many ids, the others of a sixteenth of the next larger ones.
const LARGEST: i64 = 1 << 16;
/// Sizes of ranges, as binary logarithms, with the letter of their tokens (`GRAMS_POSTGRES` in `db/sql.rs` makes the same ones).
const LEVELS: [(u32, char); 3] = [(8, 'a'), (12, 'b'), (16, 'c')];
/// Few enough in a range that the next one may be sixteen times as large.
const FEW: usize = 32;
/// More candidates than this in a range are too many to look at: the range is made smaller.
pub(super) const MOST: usize = 512;
/// Ranges that one request looks at.
const RANGES_MAX: u32 = 32;
/// Candidates that one request reads.
pub(super) const READ_MAX: usize = 1_000;
/// Postings that one request walks through, as far as that is known, where it asks for [`TOKENS`] tokens; fewer where it asks for more.
const POSTINGS_MAX: i64 = 8_192;
const TOKENS: i64 = 8;

/// Some consecutive ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) low: i64,
    pub(super) high: i64,
    level: usize,
}

impl Range {
    /// Tokens that every message in it has one of, as the index is asked for them.
    pub(super) fn tokens(&self) -> String {
        let (shift, letter) = LEVELS[self.level];
        let blocks = (self.low >> shift)..=(self.high >> shift);
        blocks.map(|block| format!("id{letter}{block}")).collect::<Vec<_>>().join(" OR ")
    }

    /// Whether it is of the smallest kind: all candidates in it can be read.
    pub(super) fn is_smallest(&self) -> bool {
        self.level == 0
    }
}

/// The way through the ids from the newest to the oldest.
#[derive(Debug)]
pub(super) struct Walk {
    oldest: i64,
    next: i64,
    level: usize,
    ranges: u32,
    /// Of 1,024 ids, how many have the query's rarest token; unknown before it was asked.
    density: Option<i64>,
    postings: i64,
    /// Tokens that the index is asked for.
    tokens: i64,
    /// Down to this id, ranges of a level had too many candidates: smaller ones pass it.
    crowded: Option<(i64, usize)>,
}

impl Walk {
    /// Through the ids from `newest` down to `oldest`.
    pub(super) fn new(oldest: i64, newest: i64, tokens: usize) -> Self {
        let tokens = i64::try_from(tokens).unwrap_or(i64::MAX / LARGEST).max(TOKENS);
        let oldest = oldest.max(1);
        Self { oldest, next: newest, level: 0, ranges: 0, density: None, postings: 0, tokens, crowded: None }
    }

    /// What so many ids cost, in postings.
    fn cost(&self, ids: i64, density: i64) -> i64 {
        (ids * density.max(1) / 1_024).saturating_mul(self.tokens) / TOKENS
    }

    /// The next range; none at the end.
    pub(super) fn range(&self) -> Option<Range> {
        self.range_of(self.level)
    }

    /// The next ids, as a range of the smallest kind: what is counted there tells how common a token is.
    pub(super) fn sample(&self) -> Option<Range> {
        self.range_of(0)
    }

    fn range_of(&self, level: usize) -> Option<Range> {
        if self.next < self.oldest {
            return None;
        }
        let (shift, _) = LEVELS[level];
        let mut low = self.next >> shift << shift;
        // From the beginning of a block there are few ids down to its end: then the one before belongs to it.
        if self.next - low < 1 << (shift - 1) {
            low -= 1 << shift;
        }
        Some(Range { low: low.max(self.oldest), high: self.next, level })
    }

    /// Whether the next range is of the largest kind and nobody knows how much work that is.
    pub(super) fn needs_density(&self) -> bool {
        self.density.is_none() && self.level + 1 == LEVELS.len() && self.range().is_some()
    }

    /// `rarest` of the ids of the range had the rarest token of the query.
    pub(super) fn set_density(&mut self, rarest: i64, of: Range) {
        let density = rarest * 1_024 / (of.high - of.low + 1).max(1);
        self.density = Some(density);
        self.level = self.level.min(self.largest());
    }

    /// The level of the largest ranges that may come next.
    fn largest(&self) -> usize {
        let is_dense = self.density.is_some_and(|density| self.cost(LARGEST, density) > POSTINGS_MAX);
        let largest = LEVELS.len() - if is_dense { 2 } else { 1 };
        match self.crowded {
            Some((low, level)) if self.next >= low => largest.min(level - 1),
            Some(_) | None => largest,
        }
    }

    /// A range had more than [`MOST`] candidates: a smaller one comes next, from where it began.
    pub(super) fn shrink(&mut self, range: Range) {
        self.crowded = Some((range.low, range.level.max(1)));
        self.level = range.level.saturating_sub(1);
        self.ranges += 1;
    }

    /// Everything in a range was looked at, and it had so many candidates.
    pub(super) fn pass(&mut self, range: Range, candidates: usize) {
        self.next = range.low - 1;
        self.ranges += 1;
        self.postings += self.cost(range.high - range.low + 1, self.density.unwrap_or(0));
        if candidates <= FEW {
            self.level = (self.level + 1).min(self.largest());
        }
    }

    /// Whether one request has done its part: what is older is for the next one.
    pub(super) fn is_spent(&self, read: usize) -> bool {
        self.ranges >= RANGES_MAX || self.postings >= POSTINGS_MAX || read >= READ_MAX
    }

    /// Where the next request goes on; none at the end.
    pub(super) fn rest(&self) -> Option<i64> {
        (self.next >= self.oldest).then_some(self.next + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every id is in exactly one range, and each range has the tokens of its ids.
    #[test]
    fn a_walk_meets_every_id_once() {
        for (oldest, newest) in [(1, 1), (1, 1_024), (5, 200_003), (70_000, 70_001), (1, 700_000), (3, 2)] {
            for candidates in [0, 65, 3] {
                let mut walk = Walk::new(oldest, newest, 1);
                let mut expected = newest;
                while let Some(range) = walk.range() {
                    assert_eq!(range.high, expected);
                    assert!(range.low >= oldest && range.low <= range.high);
                    let (shift, letter) = LEVELS[range.level];
                    for id in [range.low, range.high] {
                        assert!(
                            range.tokens().split(" OR ").any(|token| token == format!("id{letter}{}", id >> shift))
                        );
                    }
                    assert!(range.tokens().split(" OR ").count() <= 2);
                    expected = range.low - 1;
                    walk.pass(range, candidates);
                }
                assert_eq!(expected, (oldest - 1).min(newest));
                assert_eq!(walk.rest(), None);
            }
        }
    }

    #[test]
    fn a_request_ends_however_many_ids_there_are() {
        let mut walk = Walk::new(1, 1 << 40, 8);
        let mut ranges = 0;
        while !walk.is_spent(0) {
            if walk.needs_density() {
                let range = walk.range().unwrap();
                walk.set_density(0, range);
            }
            walk.pass(walk.range().unwrap(), 0);
            ranges += 1;
        }
        assert_eq!(ranges, RANGES_MAX, "where nothing is known to be common, by the number of ranges");
        let mut walk = Walk::new(1, 1 << 40, 8);
        while !walk.is_spent(0) {
            if walk.needs_density() {
                walk.set_density(400, Range { low: 1, high: 1_024, level: 0 });
            }
            walk.pass(walk.range().unwrap(), 0);
        }
        let seen = (1_i64 << 40) - walk.rest().unwrap();
        assert!((15_000..80_000).contains(&seen), "a part that stands in four messages of ten: {seen}");
    }

    #[test]
    fn a_range_with_too_many_shrinks_and_loses_none() {
        let mut walk = Walk::new(1, 500_000, 8);
        walk.pass(walk.range().unwrap(), 0);
        let large = walk.range().unwrap();
        walk.shrink(large);
        let small = walk.range().unwrap();
        assert!(small.high == large.high && small.low > large.low && small.is_smallest());
        // What was too much once is not asked for again before it is passed.
        while walk.range().is_some_and(|range| range.high >= large.low) {
            let range = walk.range().unwrap();
            assert!(range.is_smallest());
            walk.pass(range, 0);
        }
        assert!(!walk.range().unwrap().is_smallest());
    }
}
