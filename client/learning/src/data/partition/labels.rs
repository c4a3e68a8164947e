//! Ways that go by the rows' labels, or by what they belong to.

use super::{cut, dirichlet};
use crate::{
    data::{DataError, Dataset},
    random::{Purpose, Seed, Stream},
};

/// Numbers of the streams, beside those of the two ways in `partition.rs`.
const INNER_DIRICHLET: u32 = 2;
const PATHOLOGICAL: u32 = 3;
const SHARDS: u32 = 4;

/// The rows of each class, each list in the stream's order.
fn by_class(data: &Dataset, stream: &mut Stream) -> Vec<Vec<usize>> {
    let mut classes = vec![Vec::new(); data.classes()];
    for (row, &label) in data.labels().iter().enumerate() {
        if let Some(rows) = classes.get_mut(label as usize) {
            rows.push(row);
        }
    }
    classes.iter_mut().for_each(|rows| stream.shuffle(rows));
    classes
}

/// One row after the other: a part that still lacks some, at random, then a class by the part's shares
/// among the classes that still have rows.
pub(super) fn inner_dirichlet(
    data: &Dataset,
    parts: usize,
    alpha: f64,
    seed: Seed,
) -> Result<Vec<Vec<usize>>, DataError> {
    if !(alpha.is_finite() && alpha > 0.0) {
        return Err(DataError::Alpha(alpha));
    }
    let mut stream = Stream::new(&seed, Purpose::Partition, INNER_DIRICHLET);
    let mut classes = by_class(data, &mut stream);
    let shares: Vec<Vec<f64>> =
        (0..parts).map(|_| dirichlet(&mut stream, classes.len(), alpha)).collect();
    let rows: Vec<usize> = (0..data.rows()).collect();
    let sizes: Vec<usize> = cut(&rows, parts).iter().map(Vec::len).collect();
    let mut divided = vec![Vec::new(); parts];
    let mut open: Vec<usize> = (0..parts).collect();
    while !open.is_empty() {
        let place = stream.below(open.len());
        let Some(&part) = open.get(place) else { break };
        let (Some(shares), Some(own), Some(&size)) =
            (shares.get(part), divided.get_mut(part), sizes.get(part))
        else {
            break;
        };
        if own.len() < size
            && let Some(row) = draw(&mut stream, shares, &mut classes)
        {
            own.push(row);
        }
        if own.len() >= size {
            open.swap_remove(place);
        }
    }
    Ok(divided)
}

/// A row of a class that is drawn by `shares` among those that have rows left.
fn draw(stream: &mut Stream, shares: &[f64], classes: &mut [Vec<usize>]) -> Option<usize> {
    let total: f64 =
        shares.iter().zip(&*classes).filter(|(_, rows)| !rows.is_empty()).map(|(s, _)| s).sum();
    let mut rest = stream.open_unit() * total;
    let mut chosen = None;
    for (class, (share, rows)) in shares.iter().zip(&*classes).enumerate() {
        if rows.is_empty() {
            continue;
        }
        // Where rounding leaves a rest, or all shares underflow, it is the last that has rows.
        chosen = Some(class);
        rest -= share;
        if rest < 0.0 {
            break;
        }
    }
    classes.get_mut(chosen?)?.pop()
}

/// Labels in a random order, dealt round and round.
pub(super) fn pathological(
    data: &Dataset,
    parts: usize,
    labels: usize,
    seed: Seed,
) -> Result<Vec<Vec<usize>>, DataError> {
    let mut stream = Stream::new(&seed, Purpose::Partition, PATHOLOGICAL);
    let mut classes = by_class(data, &mut stream);
    classes.retain(|rows| !rows.is_empty());
    stream.shuffle(&mut classes);
    let present = classes.len();
    if !(1..=present).contains(&labels) {
        return Err(DataError::Partition(format!(
            "{labels} labels per part: choose 1 to {present} labels, as many as the rows have"
        )));
    }
    if parts.saturating_mul(labels) < present {
        return Err(DataError::Partition(format!(
            "{parts} parts with {labels} labels each cannot have all {present} labels: choose more of either"
        )));
    }
    // Hand `number` is class `number` modulo their count, and belongs to part `number / labels`.
    let hands = parts * labels;
    let mut divided = vec![Vec::new(); parts];
    for (class, rows) in classes.iter().enumerate() {
        let holders: Vec<usize> =
            (class..hands).step_by(present).map(|hand| hand / labels).collect();
        if rows.len() < holders.len() {
            return Err(DataError::Partition(format!(
                "{} rows of one label cannot be divided among {} parts: choose fewer parts or labels",
                rows.len(),
                holders.len()
            )));
        }
        for (part, rows) in holders.iter().zip(cut(rows, holders.len())) {
            if let Some(part) = divided.get_mut(*part) {
                part.extend(rows);
            }
        }
    }
    divided.iter_mut().for_each(|rows| stream.shuffle(rows));
    Ok(divided)
}

/// Rows by label, cut, and dealt at random.
pub(super) fn shards(
    data: &Dataset,
    parts: usize,
    per_part: usize,
    seed: Seed,
) -> Result<Vec<Vec<usize>>, DataError> {
    let shards = parts.saturating_mul(per_part);
    if per_part == 0 {
        return Err(DataError::Partition("each part needs at least one shard".to_owned()));
    }
    if shards > data.rows() {
        let rows = data.rows();
        return Err(DataError::Partition(format!(
            "{rows} rows cannot be cut into {shards} shards: choose fewer"
        )));
    }
    let mut stream = Stream::new(&seed, Purpose::Partition, SHARDS);
    let sorted = by_class(data, &mut stream).concat();
    let mut shards = cut(&sorted, shards);
    stream.shuffle(&mut shards);
    let mut divided: Vec<Vec<usize>> = shards.chunks(per_part).map(<[_]>::concat).collect();
    divided.iter_mut().for_each(|rows| stream.shuffle(rows));
    Ok(divided)
}

/// Whole groups, the largest first, to the part with the fewest rows. Rows stay in their order.
pub(super) fn natural(data: &Dataset, parts: usize) -> Result<Vec<Vec<usize>>, DataError> {
    if data.groups().is_empty() {
        return Err(DataError::Partition(
            "the rows do not say what they belong to: name a column that does with --group-column"
                .to_owned(),
        ));
    }
    let mut groups = std::collections::BTreeMap::<u32, Vec<usize>>::new();
    for (row, &group) in data.groups().iter().enumerate() {
        groups.entry(group).or_default().push(row);
    }
    let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
    let found = groups.len();
    if found < parts {
        return Err(DataError::Partition(format!(
            "{found} groups cannot be divided into {parts} parts"
        )));
    }
    groups.sort_by_key(|rows| std::cmp::Reverse(rows.len()));
    let mut divided = vec![Vec::new(); parts];
    for rows in groups {
        if let Some(least) = divided.iter_mut().min_by_key(|part| part.len()) {
            least.extend(rows);
        }
    }
    divided.iter_mut().for_each(|rows| rows.sort_unstable());
    Ok(divided)
}
