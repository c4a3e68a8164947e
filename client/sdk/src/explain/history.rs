//! Finding the blocks in which something changed, without reading all of them.

use decentralml_types::BlockNumber;

/// The blocks after `from`, up to and with `to`, before which `at` gives something else than after them, in order. `None` where
/// there are more than `most`.
///
/// A stretch that ends as it began is taken for one without changes, so `at` should contain something that only goes one way for
/// everything that matters. What this may miss cancels itself out: the differences found add up to that between the two ends.
/// Each change costs at most as many questions as the stretch has binary digits.
pub(super) async fn changes<T: PartialEq + Clone, E>(
    from: BlockNumber,
    to: BlockNumber,
    most: usize,
    mut at: impl AsyncFnMut(BlockNumber) -> Result<T, E>,
) -> Result<Option<Vec<BlockNumber>>, E> {
    let mut found = Vec::new();
    if to <= from {
        return Ok(Some(found));
    }
    // The last stretch is looked at first, so what is found is in order.
    let mut stretches = vec![(from, at(from).await?, to, at(to).await?)];
    while let Some((low, before, high, after)) = stretches.pop() {
        if before == after {
            continue;
        }
        if high - low == 1 {
            if found.len() == most {
                return Ok(None);
            }
            found.push(high);
            continue;
        }
        let middle = low + (high - low) / 2;
        let between = at(middle).await?;
        stretches.push((middle, between.clone(), high, after));
        stretches.push((low, before, middle, between));
    }
    Ok(Some(found))
}

/// The first block of a stretch in which `holds`, where it stays so once it does. `None` where it does not at the end.
pub(super) async fn first<E>(
    from: BlockNumber,
    to: BlockNumber,
    mut holds: impl AsyncFnMut(BlockNumber) -> Result<bool, E>,
) -> Result<Option<BlockNumber>, E> {
    if to < from || !holds(to).await? {
        return Ok(None);
    }
    let (mut low, mut high) = (from, to);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle).await? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(Some(high))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::convert::Infallible;

    /// A history of a million blocks in which a counter goes up after each of these, and how often it was asked.
    async fn found(
        up: &[BlockNumber],
        from: BlockNumber,
        to: BlockNumber,
        most: usize,
    ) -> (Option<Vec<BlockNumber>>, usize) {
        let mut asked = 0;
        let found = changes(from, to, most, async |block| {
            asked += 1;
            Ok::<_, Infallible>(up.iter().filter(|change| **change <= block).count())
        });
        (found.await.unwrap(), asked)
    }

    #[tokio::test]
    async fn every_change_is_found_in_order_with_few_questions() {
        let up = [1, 2, 3, 500, 77_777, 77_778, 999_999, 1_000_000];
        let (blocks, asked) = found(&up, 0, 1_000_000, 100).await;
        assert_eq!(blocks.unwrap(), up);
        assert!(asked <= 2 + up.len() * 20, "{asked} questions");
    }

    #[tokio::test]
    async fn nothing_before_the_first_block_or_after_the_last_is_found() {
        let up = [5, 6, 9];
        assert_eq!(found(&up, 5, 9, 100).await.0.unwrap(), [6, 9]);
        assert_eq!(found(&up, 6, 8, 100).await, (Some(Vec::new()), 2));
        assert_eq!(found(&up, 9, 9, 100).await, (Some(Vec::new()), 0));
    }

    #[tokio::test]
    async fn more_changes_than_are_asked_for_are_not_cut_off_in_silence() {
        assert_eq!(found(&[1, 2, 3], 0, 9, 2).await.0, None);
        assert_eq!(found(&[1, 2, 3], 0, 9, 3).await.0.unwrap(), [1, 2, 3]);
    }

    #[tokio::test]
    async fn the_differences_that_are_found_add_up_even_where_some_are_missed() {
        // Up by three in block 3, down by three in block 6, and up by one in block 9.
        let value = |block: BlockNumber| match block {
            3..6 => 3,
            9.. => 1,
            _ => 0,
        };
        let blocks = changes(0, 16, 100, async |block| Ok::<_, Infallible>(value(block)));
        let blocks = blocks.await.unwrap().unwrap();
        let sum: i32 = blocks.iter().map(|block| value(*block) - value(block - 1)).sum();
        assert_eq!(sum, value(16) - value(0));
    }

    #[tokio::test]
    async fn the_first_block_is_found_from_which_something_holds() {
        let from = async |start: BlockNumber| {
            first(10, 90, async |block| Ok::<_, Infallible>(block >= start)).await.unwrap()
        };
        assert_eq!(from(0).await, Some(10));
        assert_eq!(from(57).await, Some(57));
        assert_eq!(from(90).await, Some(90));
        assert_eq!(from(91).await, None);
    }
}
