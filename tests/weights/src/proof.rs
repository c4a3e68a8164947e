//! What the rows that a call touches would add to a proof of the state, counted as the SDK's tools count it.
//!
//! Blocks of this chain carry no such proofs. Weights have the number all the same, and it limits what fits into a block.
//! Attributes of benchmarks that ask for another way of counting (`pov_mode`) are not looked at: none of ours has one.

use crate::measure::{Line, analysis};
use anyhow::Result;
use frame_benchmarking::{BenchmarkResult, BenchmarkSelector};
use frame_support::traits::StorageInfo;
use std::collections::{BTreeMap, HashMap};

/// Rows of a map without a bound.
const MAP_ROWS: u32 = 1_000_000;
/// The siblings in a layer of the trie: a hash of 32 bytes each, and its length.
const LAYER: u32 = 15 * 33;
/// Layers above those of a map.
const LAYERS_ABOVE: u32 = 2;

pub struct Proof {
    /// The rows that are touched, one by one.
    pub comments: Vec<String>,
    /// Bytes.
    pub size: Line,
}

impl Proof {
    /// The costliest row counts, as in the SDK's tools; a result has each row once.
    pub fn of(results: &[BenchmarkResult], rows: &[StorageInfo]) -> Result<Self> {
        let known: HashMap<&[u8], &StorageInfo> =
            rows.iter().map(|row| (row.prefix.as_slice(), row)).collect();
        let mut comments = Vec::new();
        let mut sizes = BTreeMap::<&[u8], Vec<BenchmarkResult>>::new();
        // The largest sizes are last, and comments are about them.
        for result in results.iter().rev() {
            for (key, reads, writes, _) in result.keys.iter().filter(|(.., free)| !free) {
                let row = known.get(key.as_slice());
                let layers = layers(row.and_then(|row| row.max_values).unwrap_or(MAP_ROWS));
                let value = row.and_then(|row| row.max_size);
                let proved = sizes.entry(key).or_default();
                if proved.is_empty() {
                    comments.extend(describe(key, row, layers, (*reads, *writes)));
                }
                let above = if *reads > 0 { LAYERS_ABOVE * LAYER } else { 0 };
                let proof_size = match value {
                    Some(value) => (layers * LAYER + value) * reads + above,
                    None => result.proof_size + layers * LAYER * reads + above,
                };
                let components = result.components.clone();
                proved.push(BenchmarkResult { components, proof_size, ..Default::default() });
            }
        }
        let mut size = Line::default();
        for results in sizes.values() {
            let row = line(results)?;
            size.base = size.base.max(row.base);
            for (name, slope) in row.slopes {
                let most = size.slopes.entry(name).or_default();
                *most = slope.max(*most);
            }
        }
        Ok(Self { comments, size })
    }
}

/// Bytes by size, or as they are where only one size touches the row.
fn line(results: &[BenchmarkResult]) -> Result<Line> {
    let one = results.windows(2).all(|pair| pair[0].components == pair[1].components);
    if one {
        let base = results.iter().map(|result| u64::from(result.proof_size)).max().unwrap_or(0);
        return Ok(Line { base, ..Line::default() });
    }
    Line::through(&analysis(results, BenchmarkSelector::ProofSize)?)
}

fn describe(
    key: &[u8],
    row: Option<&&StorageInfo>,
    layers: u32,
    (reads, writes): (u32, u32),
) -> [String; 2] {
    let Some(row) = row else {
        let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        return ["Storage", "Proof"]
            .map(|what| format!("{what}: UNKNOWN KEY `0x{key}` (r:{reads} w:{writes})"));
    };
    let [pallet, storage] =
        [&row.pallet_name, &row.storage_name].map(|name| String::from_utf8_lossy(name));
    let bounds = format!("`max_values`: {:?}, `max_size`: {:?}", row.max_values, row.max_size);
    let proof = match row.max_size {
        Some(size) => format!("{bounds}, added: {}, mode: `MaxEncodedLen`", layers * LAYER + size),
        None => format!("{bounds}, mode: `Measured`"),
    };
    [
        format!("Storage: `{pallet}::{storage}` (r:{reads} w:{writes})"),
        format!("Proof: `{pallet}::{storage}` ({proof})"),
    ]
}

/// Of a comment about a proof the row and what bounds it, which follows from the types and is the same on every machine.
pub fn bound(comment: &str) -> Option<(String, String)> {
    let (row, bounds) = comment.strip_prefix("Proof: `")?.split_once("` (")?;
    Some((row.to_owned(), bounds.strip_suffix(')')?.to_owned()))
}

/// The layers of a trie with so many rows: one for each four bits.
fn layers(rows: u32) -> u32 {
    match rows {
        0 => 0,
        rows => ((rows - 1).checked_ilog(16).unwrap_or(0)) + 1,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use frame_benchmarking::BenchmarkParameter::n;

    fn row(name: &str, max_size: Option<u32>) -> StorageInfo {
        StorageInfo {
            pallet_name: b"Tasks".to_vec(),
            storage_name: name.into(),
            prefix: name.into(),
            max_values: None,
            max_size,
        }
    }

    fn touched(size: u32, keys: &[(&str, u32, u32)]) -> BenchmarkResult {
        let key = |(key, reads, writes): &(&str, u32, u32)| {
            (key.as_bytes().to_vec(), *reads, *writes, false)
        };
        BenchmarkResult {
            components: vec![(n, size)],
            keys: keys.iter().map(key).collect(),
            ..Default::default()
        }
    }

    #[test]
    fn each_row_is_named_once_with_what_the_largest_size_does_to_it() {
        let results = [
            touched(1, &[("Rounds", 1, 1)]),
            touched(2, &[("Rounds", 2, 1)]),
            touched(3, &[("Rounds", 3, 1), ("Tasks", 1, 0), (":code", 1, 0)]),
        ];
        let proof = Proof::of(&results, &[row("Rounds", Some(25)), row("Tasks", None)]).unwrap();
        assert_eq!(
            proof.comments,
            [
                "Storage: `Tasks::Rounds` (r:3 w:1)",
                "Proof: `Tasks::Rounds` (`max_values`: None, `max_size`: Some(25), added: 2500, mode: `MaxEncodedLen`)",
                "Storage: `Tasks::Tasks` (r:1 w:0)",
                "Proof: `Tasks::Tasks` (`max_values`: None, `max_size`: None, mode: `Measured`)",
                "Storage: UNKNOWN KEY `0x3a636f6465` (r:1 w:0)",
                "Proof: UNKNOWN KEY `0x3a636f6465` (r:1 w:0)",
            ]
        );
        // Two layers above, and for each row five and its value.
        assert_eq!(
            proof.size,
            Line { base: u64::from(7 * LAYER), slopes: [("n".into(), 2_500)].into() }
        );
    }

    #[test]
    fn sixteen_times_the_rows_are_one_layer_more() {
        assert_eq!([0, 1, 16, 17, 256, 257, 1_000_000].map(layers), [0, 1, 1, 2, 2, 3, 5]);
    }
}
