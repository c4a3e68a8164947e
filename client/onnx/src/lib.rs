//! Models in and out: ONNX and safetensors files.
//!
//! ```text
//!  ModelSpec ─┐
//!  Weights ───┴─ export ──► .onnx                          any runtime
//!
//!  .onnx, .safetensors ── File::read ─┬─ inspect ──► names, shapes, norms, what is no number
//!                                     └─ import(spec) ──► Weights ──► canonical safetensors
//!
//!  rows.csv, rows.npy ── Predictor ──► answers
//! ```
//!
//! What is written follows the operator specification of ONNX, opset 17: the first that has all that is
//! needed, so that older runtimes read it too. What is read came from somewhere: every length is
//! held against the bytes that there are, and nothing is allocated for what a file only promises.

mod export;
mod file;
mod flow;
mod import;
mod inspect;
mod natural;
mod predict;
mod proto;
mod read;
mod wire;

pub use export::{ExportError, INPUT, OPSET, OUTPUT, export};
pub use file::{DType, File, Format, ReadError, Tensor};
pub use import::{ImportError, Imported, Matching, import};
pub use inspect::{Inspection, LayerInfo, TensorInfo, inspect, layers};
pub use predict::{Answer, answers, csv_header, csv_line, text_header, text_line};
pub use read::{LoadError, MAX_FILE, declared, import_limit, load};
