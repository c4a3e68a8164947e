//! In which points two chains differ, in words.

use subxt::Metadata;
use subxt::metadata::PalletMetadata;

/// Points that are named; more would hide what matters.
const NAMED: usize = 6;

/// What of `ours`, which this program was built with, is not so in `theirs`: pallets by name, and what of them.
pub(crate) fn describe(ours: &Metadata, theirs: &Metadata) -> String {
    let mut points = Vec::new();
    for pallet in ours.pallets() {
        match theirs.pallet_by_name(pallet.name()) {
            None => points.push(format!("pallet {} is missing", pallet.name())),
            Some(other) if other.hash() != pallet.hash() => {
                points.extend(of_pallet(&pallet, &other))
            }
            Some(_) => {}
        }
    }
    for pallet in theirs.pallets() {
        if ours.pallet_by_name(pallet.name()).is_none() {
            points.push(format!("pallet {} is new", pallet.name()));
        }
    }
    for ours in ours.runtime_api_traits() {
        match theirs.runtime_api_trait_by_name(ours.name()) {
            None => points.push(format!("interface {} is missing", ours.name())),
            Some(theirs) if theirs.hash() != ours.hash() => {
                points.push(format!("interface {} differs", ours.name()));
            }
            Some(_) => {}
        }
    }
    // What is gone says most; much that only differs holds something that is gone, such as a batch of calls.
    points.sort_by_key(|point| !point.ends_with("is missing"));
    let more = points.len().saturating_sub(NAMED);
    points.truncate(NAMED);
    if more > 0 {
        points.push(format!("and {more} more"));
    }
    match points.is_empty() {
        true => "in something that is no part of a pallet".into(),
        false => points.join(", "),
    }
}

/// What of a pallet is another: its calls, its storage, its constants, or the rest.
fn of_pallet(ours: &PalletMetadata<'_>, theirs: &PalletMetadata<'_>) -> Vec<String> {
    let name = ours.name();
    let mut points = Vec::new();
    let mut compare =
        |kind: &str, item: &str, ours: Option<[u8; 32]>, theirs: Option<[u8; 32]>| match (
            ours, theirs,
        ) {
            (Some(_), None) => points.push(format!("{kind} {name}.{item} is missing")),
            (ours, theirs) if ours != theirs => {
                points.push(format!("{kind} {name}.{item} differs"));
            }
            _ => {}
        };
    for call in ours.call_variants().unwrap_or_default() {
        compare("call", &call.name, ours.call_hash(&call.name), theirs.call_hash(&call.name));
    }
    for entry in ours.storage().map(|storage| storage.entries()).unwrap_or_default() {
        let (mine, other) = (ours.storage_hash(entry.name()), theirs.storage_hash(entry.name()));
        compare("storage", entry.name(), mine, other);
    }
    for constant in ours.constants() {
        let item = constant.name();
        compare("constant", item, ours.constant_hash(item), theirs.constant_hash(item));
    }
    if points.is_empty() {
        points.push(format!("pallet {name} has more, or other events and errors"));
    }
    points
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const OURS: &[u8] = include_bytes!("../metadata.scale");

    /// Our metadata with another name of the same length in them.
    fn renamed(from: &str, to: &str) -> Metadata {
        assert_eq!(from.len(), to.len());
        let mut bytes = OURS.to_vec();
        let found: Vec<usize> = (0..bytes.len() - from.len())
            .filter(|&at| bytes[at..].starts_with(from.as_bytes()))
            .collect();
        assert!(!found.is_empty(), "{from} is not in the metadata");
        for at in found {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
        Metadata::decode_from(&bytes).unwrap()
    }

    #[test]
    fn what_differs_is_named() {
        let ours = Metadata::decode_from(OURS).unwrap();
        let constant = describe(&ours, &renamed("DepositPerRow", "DepositPerCow"));
        assert_eq!(constant, "constant Tasks.DepositPerRow is missing");
        let call = describe(&ours, &renamed("commit_scores", "commit_stores"));
        assert!(call.starts_with("call Validation.commit_scores is missing, "), "{call}");
        let interface = describe(&ours, &renamed("FederatedApi", "FederatedBpi"));
        assert!(interface.contains("interface FederatedApi is missing"), "{interface}");
    }

    #[test]
    fn a_long_list_is_cut() {
        let ours = Metadata::decode_from(OURS).unwrap();
        let other = renamed("decentralml_types", "decentralml_tapes");
        assert!(describe(&ours, &ours).contains("no part of a pallet"));
        // Names of types are no part of what is compared.
        assert!(describe(&ours, &other).contains("no part of a pallet"));
        let everything = describe(&ours, &renamed("account", "akkount"));
        assert!(everything.split(", ").count() <= NAMED + 1, "{everything}");
        assert!(everything.contains("more"), "{everything}");
    }
}
