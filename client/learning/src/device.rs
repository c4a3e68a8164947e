//! Where training runs: on the processor, or on a card where the program can use one.
//!
//! Support for cards is a matter of building, with the features `cuda` and `wgpu`; their libraries are
//! looked for when a card is asked for, so that one program runs on every machine.

use std::{fmt, str::FromStr, sync::OnceLock};

use burn::tensor::Device;
use serde::Deserialize;

/// The device that [`select`] has found; the processor before.
static TRAINING: OnceLock<Device> = OnceLock::new();

/// A device by name: `cpu`, `cuda`, `cuda:1`, `wgpu`, `wgpu:1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Choice {
    /// The processor: burn's backend in pure Rust.
    #[default]
    Cpu,
    /// An NVIDIA card by its number, from 0.
    Cuda(u16),
    /// A card by its number, from 0, through Vulkan, Metal or DirectX.
    Wgpu(u16),
}

/// A name that is not one of a device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no device: give cpu, cuda, wgpu, or a card by its number as in cuda:1")]
pub struct UnknownDevice {
    /// What was asked for.
    pub name: String,
}

/// Why a card cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The program was built for the processor only.
    #[error("this program was built without the feature `{feature}`")]
    NotBuilt {
        /// The feature of this crate that it would need.
        feature: &'static str,
    },
    /// The driver is missing, or it names fewer cards.
    #[error("{found} such cards were found, which needs a card and its driver")]
    NotFound {
        /// How many there are.
        found: usize,
    },
    /// The card is there, but a sum on it fails, say because a library is missing.
    #[error("a trial on it failed: {problem}")]
    Fails {
        /// What the library says.
        problem: String,
    },
    /// Training has been given a device before.
    #[error("the device of this program has been chosen already")]
    Chosen,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => write!(f, "cpu"),
            Self::Cuda(0) => write!(f, "cuda"),
            Self::Wgpu(0) => write!(f, "wgpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
            Self::Wgpu(index) => write!(f, "wgpu:{index}"),
        }
    }
}

impl FromStr for Choice {
    type Err = UnknownDevice;

    fn from_str(name: &str) -> Result<Self, UnknownDevice> {
        parse(name)
    }
}

impl TryFrom<String> for Choice {
    type Error = UnknownDevice;

    fn try_from(name: String) -> Result<Self, UnknownDevice> {
        parse(&name)
    }
}

/// The device of that name; whether there is one is [`select`]'s to find out.
pub fn parse(name: &str) -> Result<Choice, UnknownDevice> {
    let unknown = || UnknownDevice { name: name.to_owned() };
    let (kind, index) = match name.split_once(':') {
        Some((kind, index)) if index.bytes().all(|byte| byte.is_ascii_digit()) => {
            (kind, index.parse().map_err(|_| unknown())?)
        }
        Some(_) => return Err(unknown()),
        None => (name, 0),
    };
    match (kind, index) {
        ("cpu", 0) => Ok(Choice::Cpu),
        ("cuda", index) => Ok(Choice::Cuda(index)),
        ("wgpu", index) => Ok(Choice::Wgpu(index)),
        _ => Err(unknown()),
    }
}

/// Lets all further training of this process run on `choice`, once per process. Where that cannot be,
/// training runs on the processor, and the error says why.
///
/// Weights, updates and evaluation stay where they are: on the processor.
pub fn select(choice: Choice) -> Result<(), Unavailable> {
    let device = find(choice)?;
    TRAINING.set(device).map_err(|_| Unavailable::Chosen)
}

/// Where training runs.
pub(crate) fn training() -> Device {
    TRAINING.get().cloned().unwrap_or_else(cpu)
}

/// burn's CPU backend in pure Rust.
pub(crate) fn cpu() -> Device {
    Device::flex()
}

fn find(choice: Choice) -> Result<Device, Unavailable> {
    match choice {
        Choice::Cpu => Ok(cpu()),
        #[cfg(feature = "cuda")]
        Choice::Cuda(index) => trial(burn::tensor::DeviceType::Cuda, index),
        #[cfg(not(feature = "cuda"))]
        Choice::Cuda(_) => Err(Unavailable::NotBuilt { feature: "cuda" }),
        #[cfg(feature = "wgpu")]
        Choice::Wgpu(index) => trial(burn::tensor::DeviceType::Wgpu, index),
        #[cfg(not(feature = "wgpu"))]
        Choice::Wgpu(_) => Err(Unavailable::NotBuilt { feature: "wgpu" }),
    }
}

/// The card, if a product on it comes out right. Its libraries panic where something is missing.
#[cfg(any(feature = "cuda", feature = "wgpu"))]
fn trial(kind: burn::tensor::DeviceType, index: u16) -> Result<Device, Unavailable> {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    let attempt = catch_unwind(AssertUnwindSafe(|| {
        let devices: Vec<Device> = Device::enumerate(kind).into_iter().collect();
        let found = devices.len();
        let device =
            devices.into_iter().nth(index.into()).ok_or(Unavailable::NotFound { found })?;
        match works_on(&device) {
            true => Ok(device),
            false => Err(Unavailable::Fails { problem: "a product came out wrong".to_owned() }),
        }
    }));
    attempt.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Unavailable::Fails { problem: text.unwrap_or("its library gave up").to_owned() })
    })
}

/// Whether the device multiplies two matrices as it should.
#[cfg(any(test, feature = "cuda", feature = "wgpu"))]
fn works_on(device: &Device) -> bool {
    use burn::tensor::{Tensor, TensorData};

    let matrix = |numbers: [f32; 4]| {
        Tensor::<2>::from_data(TensorData::new(numbers.to_vec(), [2, 2]), device)
    };
    let product = matrix([1.0, 2.0, 3.0, 4.0]).matmul(matrix([0.0, 1.0, 1.0, 0.0])).into_data();
    product.as_slice::<f32>().is_ok_and(|numbers| numbers == [2.0, 1.0, 4.0, 3.0])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for (name, choice) in [
            ("cpu", Choice::Cpu),
            ("cuda", Choice::Cuda(0)),
            ("cuda:1", Choice::Cuda(1)),
            ("wgpu", Choice::Wgpu(0)),
            ("wgpu:12", Choice::Wgpu(12)),
        ] {
            assert_eq!(parse(name), Ok(choice));
            assert_eq!(choice.to_string(), name);
        }
        assert_eq!("cuda:0".parse(), Ok(Choice::Cuda(0)));
        for name in
            ["", "gpu", "CUDA", "cuda:", "cuda:x", "cuda:-1", "cuda:+1", "cuda:70000", "cpu:1"]
        {
            let error = parse(name).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{name}` is no device")), "{error}");
        }
    }

    #[test]
    fn the_trial_passes_on_the_processor() {
        assert!(works_on(&cpu()) && works_on(&training()));
    }

    #[test]
    #[cfg(not(any(feature = "cuda", feature = "wgpu")))]
    fn a_card_that_was_not_built_in_is_refused_with_a_reason() {
        for (choice, feature) in [(Choice::Cuda(0), "cuda"), (Choice::Wgpu(1), "wgpu")] {
            let error = select(choice).unwrap_err();
            assert_eq!(error, Unavailable::NotBuilt { feature });
            assert!(error.to_string().contains(feature));
        }
    }

    /// No machine has so many cards; those without a driver have none.
    #[test]
    #[cfg(any(feature = "cuda", feature = "wgpu"))]
    fn a_card_that_is_not_there_is_refused_with_a_reason() {
        #[cfg(feature = "cuda")]
        assert!(select(Choice::Cuda(999)).is_err());
        #[cfg(feature = "wgpu")]
        assert!(select(Choice::Wgpu(999)).is_err());
    }
}
