//! The layers in their places, for programs that write a model in another form.

use super::{LayerSpec, ModelSpec, Placed, Shape, SpecError};

/// A layer in its place: what it is, where its tensors are, and the shapes of one row around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout<'a> {
    /// The layer.
    pub layer: &'a LayerSpec,
    /// How the names of its tensors start, for example `layers.3.layers.0`.
    pub path: String,
    /// `[numbers]`, `[steps, features]` or `[channels, height, width]` of what goes in; of an
    /// embedding, `[steps]`.
    pub input: Vec<usize>,
    /// The same of what comes out.
    pub output: Vec<usize>,
    /// The two branches of a residual block; empty elsewhere, and where the shortcut is the identity.
    pub branches: [Vec<Layout<'a>>; 2],
}

impl ModelSpec {
    /// All layers in their places, after every check. In version 1, the first takes the row flattened.
    pub fn layout(&self) -> Result<Vec<Layout<'_>>, SpecError> {
        Ok(list(self.places()?.layers))
    }
}

fn list(layers: Vec<Placed<'_>>) -> Vec<Layout<'_>> {
    let one = |Placed { layer, path, input, output, branch, shortcut, .. }| Layout {
        layer,
        path,
        input: sizes(input),
        output: sizes(output),
        branches: [list(branch), list(shortcut)],
    };
    layers.into_iter().map(one).collect()
}

fn sizes(shape: Shape) -> Vec<usize> {
    match shape {
        Shape::Flat(numbers) => vec![numbers],
        Shape::Steps { steps, features } => vec![steps, features],
        Shape::Image { channels, height, width } => vec![channels, height, width],
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn layers_are_listed_with_their_shapes_and_branches() {
        let spec = ModelSpec::named("resnet-gn", None, None).unwrap();
        let layers = spec.layout().unwrap();
        assert_eq!(layers.len(), spec.layers.len());
        assert_eq!(
            (&layers[0].input[..], &layers[0].output[..]),
            (&[3, 32, 32][..], &[16, 32, 32][..])
        );
        let block = layers.iter().find(|layer| !layer.branches[1].is_empty()).unwrap();
        assert_eq!(block.branches[1][0].path, format!("{}.shortcut.0", block.path));
        assert_eq!(block.branches[0].last().unwrap().output, block.output);
        assert_eq!(layers.last().unwrap().output, [10]);

        let flat = ModelSpec::named("mlp", Some(&[2, 3]), None).unwrap();
        assert_eq!(flat.layout().unwrap()[0].input, [6]);
        assert!(ModelSpec::mlp(3, &[], 1).layout().is_err());
    }
}
