//! What a round leaves in the state.

use super::federation::{CLAIMING, Federation, PLACES};
use crate::chain::Chain;
use anyhow::{Result, anyhow};
use decentralml_runtime::*;
use frame_support::traits::StorageInfoTrait;
use std::{collections::BTreeMap, iter::successors};

/// Pallets whose rows follow from blocks, whatever happens in them. Of `System`, accounts are not meant.
const OF_BLOCKS: [&str; 7] =
    ["System", "Babe", "Timestamp", "Session", "Historical", "Grandpa", "Authorship"];

/// What became of a round, and what of it is in the state for good.
#[derive(Clone, Debug)]
pub struct Remains {
    pub round: &'static str,
    /// By storage item.
    pub items: Vec<Left>,
}

/// How one storage item has grown.
#[derive(Clone, Debug)]
pub struct Left {
    pub item: String,
    /// Keys and values, in bytes.
    pub bytes: i64,
}

impl Remains {
    /// Keys and values of all items, in bytes.
    pub fn bytes(&self) -> i64 {
        self.items.iter().map(|left| left.bytes).sum()
    }
}

/// What rounds leave: one that everybody claims in time, one that is claimed when it is too late for pay, one with a case, and one that
/// is void. All
/// state is counted but rows that follow from blocks; everybody enrolled has been in a round before, so what is kept once for a trainer
/// and task is not in it.
///
/// # Errors
///
/// A call of a round fails, or an invariant does not hold in the end.
pub fn permanent() -> Result<Vec<Remains>> {
    let nobody = &mut |_: &mut Chain, _, _: &_, _: &_| Ok(());
    let mut federation = Federation::new(PLACES.into())?;
    // The first two leave what the task needs once: a score for each trainer, and the history that the next score is bounded by.
    for _ in 0..2 {
        let played = federation.play(nobody)?;
        federation.claim(&played, nobody)?;
    }
    // The first case leaves the number of the next one, once for the chain.
    federation.dispute(nobody)?;

    let mut before = sizes(&mut federation.chain);
    let mut compare = |round, federation: &mut Federation| {
        let after = sizes(&mut federation.chain);
        let remains = Remains { round, items: difference(&before, &after) };
        before = after;
        remains
    };
    let in_time = federation.play(nobody)?;
    federation.claim(&in_time, nobody)?;
    let in_time = compare("settled, and claimed in time", &mut federation);

    let late = federation.play(nobody)?;
    federation.chain.skip(CLAIMING + 1);
    federation.claim(&late, nobody)?;
    let late = compare("settled, and claimed too late", &mut federation);

    federation.dispute(nobody)?;
    let disputed = compare("settled, with a challenge and a case", &mut federation);

    federation.fail()?;
    let void = compare("void, as nobody committed", &mut federation);
    federation.chain.check().map_err(|broken| anyhow!(broken))?;
    Ok(vec![in_time, late, disputed, void])
}

/// Bytes of keys and values by the prefix of their storage item.
fn sizes(chain: &mut Chain) -> BTreeMap<Vec<u8>, i64> {
    chain.read(|| {
        let mut sizes = BTreeMap::new();
        for key in successors(sp_io::storage::next_key(&[]), |key| sp_io::storage::next_key(key)) {
            let value = sp_io::storage::get(&key).map_or(0, |value| value.len());
            let item = key[..key.len().min(32)].to_vec();
            *sizes.entry(item).or_default() += (key.len() + value) as i64;
        }
        sizes
    })
}

fn difference(before: &BTreeMap<Vec<u8>, i64>, after: &BTreeMap<Vec<u8>, i64>) -> Vec<Left> {
    let names: BTreeMap<Vec<u8>, (String, String)> = AllPalletsWithSystem::storage_info()
        .into_iter()
        .map(|row| {
            let text = |name: Vec<u8>| String::from_utf8_lossy(&name).into_owned();
            (row.prefix, (text(row.pallet_name), text(row.storage_name)))
        })
        .collect();
    let mut items: Vec<&Vec<u8>> = before.keys().chain(after.keys()).collect();
    items.sort_unstable();
    items.dedup();
    items
        .into_iter()
        .filter_map(|item| {
            let of = |sizes: &BTreeMap<Vec<u8>, i64>| sizes.get(item).copied().unwrap_or_default();
            let bytes = of(after) - of(before);
            let name = match names.get(item) {
                Some((pallet, name)) => {
                    let of_blocks = OF_BLOCKS.contains(&pallet.as_str()) && name != "Account";
                    (!of_blocks).then(|| format!("{pallet}.{name}"))?
                }
                None => format!("{item:02x?}"),
            };
            (bytes != 0).then_some(Left { item: name, bytes })
        })
        .collect()
}
