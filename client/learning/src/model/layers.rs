//! The layers that a model is made of.

use serde::{Deserialize, Serialize};

/// One layer of a model. `docs/models.md` has the shapes that each takes and gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LayerSpec {
    /// `x · W + b` with `W` of shape `[inputs, units]`; of a sequence, at every step.
    Dense {
        /// Outputs of the layer.
        units: u32,
        /// Whether there is a `b`; true if not said.
        #[serde(default = "yes")]
        bias: bool,
    },
    /// `max(0, x)`.
    Relu,
    /// `x · Φ(x)`, with the exact error function.
    Gelu,
    /// The hyperbolic tangent.
    Tanh,
    /// `1 / (1 + e^-x)`.
    Sigmoid,
    /// Cross-correlation of an image with square kernels: `[channels, h, w]` to `[filters, h', w']`
    /// with `h' = (h + 2 · padding − kernel) / stride + 1`, rounded down.
    #[serde(rename = "conv2d")]
    Conv2d {
        /// Channels that come out.
        filters: u32,
        /// Height and width of a kernel, in pixels.
        kernel: u32,
        /// Pixels from one place of the kernel to the next; 1 if not said.
        #[serde(default = "one")]
        stride: u32,
        /// Zeros around the image, in pixels; 0 if not said.
        #[serde(default)]
        padding: u32,
        /// Whether a number is added per filter; true if not said.
        #[serde(default = "yes")]
        bias: bool,
    },
    /// The largest number of each square of an image.
    MaxPool {
        /// Height and width of a square, in pixels.
        size: u32,
        /// Pixels from one square to the next.
        stride: u32,
        /// Pixels around the image that never are the largest; 0 if not said.
        #[serde(default)]
        padding: u32,
    },
    /// The mean of each square of an image.
    AvgPool {
        /// Height and width of a square, in pixels.
        size: u32,
        /// Pixels from one square to the next.
        stride: u32,
    },
    /// The mean of each channel of an image: `[channels, h, w]` to `[channels]`.
    GlobalPool,
    /// Normalizes groups of an image's channels, each row by itself; then a gain and an offset per
    /// channel (Wu and He 2018). ε = 10⁻⁵.
    GroupNorm {
        /// How many groups the channels form.
        groups: u32,
    },
    /// Normalizes a row, or each step of a sequence; then a gain and an offset per number (Ba, Kiros
    /// and Hinton 2016). ε = 10⁻⁵.
    LayerNorm,
    /// While training, sets numbers to zero at random and scales the others up (Srivastava et al. 2014).
    Dropout {
        /// Share of the numbers that are dropped, in percent: 1 to 99.
        percent: u32,
    },
    /// Any shape to one row of numbers.
    Flatten,
    /// The same numbers in another shape of one to three sizes.
    Reshape {
        /// `[numbers]`, `[steps, features]` or `[channels, height, width]`.
        shape: Vec<u32>,
    },
    /// `layers(x) + shortcut(x)` (He et al. 2016); both give the same shape.
    Residual {
        /// The branch that learns the difference.
        layers: Vec<LayerSpec>,
        /// The branch beside it; the identity if not said.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        shortcut: Vec<LayerSpec>,
    },
    /// A vector per token: `[steps]` whole numbers to `[steps, units]`. Only the first layer.
    Embedding {
        /// Tokens: the numbers are below it.
        vocabulary: u32,
        /// Numbers per vector.
        units: u32,
    },
    /// Adds a trained vector to each step of a sequence, so that attention can tell them apart.
    Position,
    /// Gated recurrent units (Cho et al. 2014, with the reset after the product, as PyTorch has
    /// them): `[steps, features]` to `[steps, units]`.
    Gru {
        /// Numbers of the state.
        units: u32,
    },
    /// Long short-term memory (Hochreiter and Schmidhuber 1997, with a forget gate):
    /// `[steps, features]` to `[steps, units]`.
    Lstm {
        /// Numbers of the state.
        units: u32,
    },
    /// Multi-head self-attention (Vaswani et al. 2017): `[steps, features]` to the same.
    Attention {
        /// Heads, among which the features are divided.
        heads: u32,
        /// Whether a step sees only itself and those before it; false if not said.
        #[serde(default)]
        causal: bool,
    },
    /// The last step of a sequence: `[steps, features]` to `[features]`.
    LastStep,
}

fn yes() -> bool {
    true
}

fn one() -> u32 {
    1
}

impl LayerSpec {
    /// What the layer is called in a specification.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Dense { .. } => "dense",
            Self::Relu => "relu",
            Self::Gelu => "gelu",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Conv2d { .. } => "conv2d",
            Self::MaxPool { .. } => "max_pool",
            Self::AvgPool { .. } => "avg_pool",
            Self::GlobalPool => "global_pool",
            Self::GroupNorm { .. } => "group_norm",
            Self::LayerNorm => "layer_norm",
            Self::Dropout { .. } => "dropout",
            Self::Flatten => "flatten",
            Self::Reshape { .. } => "reshape",
            Self::Residual { .. } => "residual",
            Self::Embedding { .. } => "embedding",
            Self::Position => "position",
            Self::Gru { .. } => "gru",
            Self::Lstm { .. } => "lstm",
            Self::Attention { .. } => "attention",
            Self::LastStep => "last_step",
        }
    }

    /// The first version of the format that has this layer.
    pub(super) fn since(&self) -> u32 {
        match self {
            Self::Dense { .. } | Self::Relu | Self::Gelu | Self::Tanh | Self::Sigmoid => 1,
            _ => 2,
        }
    }

    /// A dense layer with a bias.
    pub fn dense(units: u32) -> Self {
        Self::Dense { units, bias: true }
    }

    /// A convolution with a bias and a stride of 1 that keeps the size of the image; for odd kernels.
    pub fn conv(filters: u32, kernel: u32) -> Self {
        Self::Conv2d { filters, kernel, stride: 1, padding: kernel / 2, bias: true }
    }
}
