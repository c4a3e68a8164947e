//! What a graph says about its tensors: in which order they are used, and which ones with rows and columns exchanged.

use std::collections::{BTreeMap, BTreeSet};

use crate::wire::Fields;

/// Values that are followed through a graph at most: far more than models have, and little memory.
const MAX_VALUES: usize = 1 << 18;

/// The places in `names` in the order in which data flow through these tensors, where the graph leaves
/// one order only: each is first used by a node of its own, which needs what came out of the one before. Neither
/// the list of initializers nor that of nodes says as much, as nodes of parallel branches may come in any order.
pub(crate) fn order(graph: &[u8], names: &[&str]) -> Option<Vec<usize>> {
    let mut open: BTreeMap<&[u8], usize> = BTreeMap::new();
    for (place, name) in names.iter().enumerate() {
        if open.insert(name.as_bytes(), place).is_some() {
            return None;
        }
    }
    let mut ordered = Vec::with_capacity(names.len());
    // What depends on the tensor that was found last.
    let mut reached: BTreeSet<&[u8]> = BTreeSet::new();
    for field in Fields::of(graph) {
        let (1, node) = field.ok()? else { continue };
        let node = node.bytes().ok()?;
        let (mut used, mut depends) = (BTreeSet::<usize>::new(), false);
        for field in Fields::of(node) {
            if let (1, input) = field.ok()? {
                let input = input.bytes().ok()?;
                used.extend(open.get(input).copied());
                depends |= reached.contains(input);
            }
        }
        match (used.len(), used.first()) {
            (0, _) if !depends => continue,
            (0, _) => {}
            (1, Some(&place)) if depends || ordered.is_empty() => {
                open.remove(names.get(place)?.as_bytes());
                ordered.push(place);
                if open.is_empty() {
                    return Some(ordered);
                }
                reached.clear();
            }
            _ => return None,
        }
        for field in Fields::of(node) {
            if let (2, output) = field.ok()? {
                // An output that is left out has an empty name.
                reached.extend(Some(output.bytes().ok()?).filter(|name| !name.is_empty()));
            }
        }
        if reached.len() > MAX_VALUES {
            return None;
        }
    }
    None
}

/// The values that are only ever the second factor of a `Gemm` with `transB`: programs keep weights so that are `[units, inputs]` to
/// them. What is also used in another way is not among them. Nothing where the graph is damaged.
pub(crate) fn exchanged(graph: &[u8]) -> BTreeSet<&[u8]> {
    let (mut exchanged, mut as_they_are) = (BTreeSet::new(), BTreeSet::new());
    for field in Fields::of(graph) {
        let Ok((number, node)) = field else { return BTreeSet::new() };
        if number != 1 {
            continue;
        }
        let Some(Inputs { exchanged: second, others }) = node.bytes().ok().and_then(inputs) else {
            return BTreeSet::new();
        };
        exchanged.extend(second);
        as_they_are.extend(others);
        if exchanged.len() + as_they_are.len() > MAX_VALUES {
            return BTreeSet::new();
        }
    }
    exchanged.retain(|name| !as_they_are.contains(name));
    exchanged
}

/// The inputs of a node.
struct Inputs<'a> {
    /// The one whose rows and columns it exchanges, if there is one.
    exchanged: Option<&'a [u8]>,
    others: Vec<&'a [u8]>,
}

/// `None` where the node is damaged.
fn inputs(node: &[u8]) -> Option<Inputs<'_>> {
    let (mut inputs, mut is_gemm, mut exchanges) = (Vec::new(), false, false);
    for field in Fields::of(node) {
        match field.ok()? {
            (1, input) => inputs.push(input.bytes().ok()?),
            (4, operator) => is_gemm = operator.bytes().ok()? == b"Gemm",
            (5, attribute) => {
                let (mut name, mut value) = (&[][..], 0);
                for field in Fields::of(attribute.bytes().ok()?) {
                    match field.ok()? {
                        (1, text) => name = text.bytes().ok()?,
                        (3, integer) => value = integer.integer().ok()?,
                        _ => {}
                    }
                }
                exchanges |= name == b"transB" && value != 0;
            }
            _ => {}
        }
    }
    let exchanged = (is_gemm && exchanges && inputs.len() > 1).then(|| inputs.remove(1));
    Some(Inputs { exchanged, others: inputs })
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::proto::{Attribute, Graph, Node};

    fn graph(nodes: &[(&[&str], &str)]) -> Vec<u8> {
        let node = |(input, output): &(&[&str], &str)| Node {
            input: input.iter().map(|&name| name.to_owned()).collect(),
            output: vec![(*output).to_owned()],
            ..Default::default()
        };
        Graph { node: nodes.iter().map(node).collect(), ..Default::default() }.encode_to_vec()
    }

    #[test]
    fn a_chain_has_one_order() {
        let chain = graph(&[
            (&["x", "b"], "1"),
            (&["1"], "2"),
            (&["side", "c"], "other"),
            (&["2", "a", "b"], "3"),
        ]);
        assert_eq!(order(&chain, &["a", "b"]), Some(vec![1, 0]));
        // `c` needs nothing of `b`, and nobody uses `d`.
        assert_eq!(order(&chain, &["b", "c"]), None);
        assert_eq!(order(&chain, &["a", "d"]), None);
        assert_eq!(order(&chain, &["a", "a"]), None);
    }

    #[test]
    fn a_second_factor_is_exchanged_where_every_use_of_it_says_so() {
        let node = |operator: &str, inputs: [&str; 3], exchanges: Option<i64>| Node {
            input: inputs.map(str::to_owned).into(),
            op_type: operator.to_owned(),
            attribute: exchanges
                .map(|i| Attribute { name: "transB".to_owned(), i: Some(i), ..Default::default() })
                .into_iter()
                .collect(),
            ..Default::default()
        };
        let nodes = vec![
            node("Gemm", ["x", "a", "bias"], Some(1)),
            node("Gemm", ["x", "b", "bias"], Some(0)),
            node("Gemm", ["x", "c", "bias"], None),
            node("Gemm", ["x", "d", "bias"], Some(1)),
            node("MatMul", ["x", "d", ""], None),
            node("Other", ["x", "e", ""], Some(1)),
        ];
        let bytes = Graph { node: nodes, ..Default::default() }.encode_to_vec();
        assert_eq!(exchanged(&bytes), BTreeSet::from([&b"a"[..]]));
        assert!(exchanged(b"\x0a\x09").is_empty());
    }

    #[test]
    fn parallel_branches_and_one_node_have_none() {
        let branches = graph(&[(&["x", "a"], "1"), (&["x", "b"], "2"), (&["1", "2"], "3")]);
        assert_eq!(order(&branches, &["a", "b"]), None);
        let one = graph(&[(&["x", "a", "b"], "1")]);
        assert_eq!(order(&one, &["a", "b"]), None);
        assert_eq!(order(b"\x0a\x09", &["a"]), None);
    }
}
