/// What the protocol calls *malformed*: the bytes behind a CID are not what the task asked for.
///
/// That is a provable fault of whoever committed to them: every honest reader of the same bytes and
/// the same task comes to the same verdict, if not to the same words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The file ends too early.
    #[error("{found} bytes: cut off, {expected} were expected")]
    Truncated {
        /// Bytes that the model and the encoding ask for.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// Something follows the last tensor.
    #[error("{found} bytes: too long, {expected} were expected")]
    TooLong {
        /// Bytes that the model and the encoding ask for.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// No safetensors header.
    #[error("not a safetensors file: {0}")]
    Header(String),
    /// A tensor of the model is not there.
    #[error("tensor `{0}` is missing")]
    Missing(String),
    /// A tensor that the model does not have.
    #[error("tensor `{0}` is not part of the model")]
    Unexpected(String),
    /// A tensor of another shape.
    #[error("tensor `{name}` has shape {found:?}, expected {expected:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// The model's shape.
        expected: Vec<usize>,
        /// The file's shape.
        found: Vec<usize>,
    },
    /// A tensor of another element type.
    #[error("tensor `{name}` has type {found}, expected {expected}")]
    Dtype {
        /// The tensor.
        name: String,
        /// The type that the encoding asks for.
        expected: &'static str,
        /// The file's type.
        found: String,
    },
    /// The right tensors, but not in the one byte form that a CID stands for.
    #[error("not in canonical form: sorted names, no metadata, padding by spaces to 8 bytes")]
    NotCanonical,
    /// A weight that is NaN or infinite.
    #[error("tensor `{name}`, number {index}: not finite")]
    NotFinite {
        /// The tensor.
        name: String,
        /// Index within the tensor, in row-major order.
        index: usize,
    },
    /// An integer that the task's encoding cannot produce.
    #[error("tensor `{name}`, number {index}: {value} is outside of ±{clip}")]
    OutOfClip {
        /// The tensor.
        name: String,
        /// Index within the tensor, in row-major order.
        index: usize,
        /// The integer found.
        value: i32,
        /// The task's clip.
        clip: i32,
    },
}
