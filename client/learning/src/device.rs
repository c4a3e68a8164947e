//! Where training runs: on the processor, or on a card where the program can use one.
//!
//! Support for cards is a matter of building, with the features `cuda` and `wgpu`; their libraries are
//! looked for when a card is asked for, so that one program runs on every machine.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    str::FromStr,
    sync::OnceLock,
};

use burn::tensor::{Device, FloatDType, Tensor, TensorData};
use serde::Deserialize;

/// The device that [`select`] has found, and what it was asked for as; the processor before.
static TRAINING: OnceLock<(Choice, Device)> = OnceLock::new();

/// A device by name: `cpu`, `cuda`, `cuda:1`, `wgpu`, `wgpu:1`, `wgpu:software`.
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
    /// A driver that computes on the processor, such as Mesa's lavapipe: to try what cards do where there is none.
    Software,
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
    /// The processor computes no faster with fewer bits.
    #[error("the processor is no faster with floats of 16 bits")]
    Processor,
    /// The card does not compute with floats of 16 bits.
    #[error("it has no floats of 16 bits")]
    Wide,
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
            Self::Software => write!(f, "wgpu:software"),
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
    if name == "wgpu:software" {
        return Ok(Choice::Software);
    }
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
    TRAINING.set((choice, device)).map_err(|_| Unavailable::Chosen)
}

/// What [`select`] has found; the processor before.
pub fn selected() -> Choice {
    TRAINING.get().map_or(Choice::Cpu, |(choice, _)| *choice)
}

/// Where training runs.
pub(crate) fn training() -> Device {
    TRAINING.get().map_or_else(cpu, |(_, device)| device.clone())
}

/// burn's CPU backend in pure Rust.
pub(crate) fn cpu() -> Device {
    Device::flex()
}

/// Whether training gains by [`Precision::Mixed`](crate::Precision::Mixed) on the device that [`select`] has
/// found. The error says why not.
pub fn mixes() -> Result<(), Unavailable> {
    let device = training();
    if device == cpu() {
        return Err(Unavailable::Processor);
    }
    let narrow = narrow(&device).ok_or(Unavailable::Wide)?;
    attempt(|| works_on(&device, narrow))
}

/// The floats of 16 bits that the device computes with. Those with the range of `f32` come first.
pub(crate) fn narrow(device: &Device) -> Option<FloatDType> {
    [FloatDType::BF16, FloatDType::F16].into_iter().find(|&dtype| device.supports_dtype(dtype))
}

pub(crate) fn find(choice: Choice) -> Result<Device, Unavailable> {
    match choice {
        Choice::Cpu => Ok(cpu()),
        #[cfg(feature = "cuda")]
        Choice::Cuda(index) => trial(cards::cuda, index),
        #[cfg(not(feature = "cuda"))]
        Choice::Cuda(_) => Err(Unavailable::NotBuilt { feature: "cuda" }),
        #[cfg(feature = "wgpu")]
        Choice::Wgpu(index) => trial(cards::wgpu, index),
        #[cfg(feature = "wgpu")]
        Choice::Software => trial(cards::software, 0),
        #[cfg(not(feature = "wgpu"))]
        Choice::Wgpu(_) | Choice::Software => Err(Unavailable::NotBuilt { feature: "wgpu" }),
    }
}

/// What the drivers of this machine name.
#[cfg(any(feature = "cuda", feature = "wgpu"))]
mod cards {
    #[cfg(feature = "wgpu")]
    use burn::tensor::DeviceKind;
    use burn::tensor::{Device, DeviceType};

    #[cfg(feature = "cuda")]
    pub(super) fn cuda() -> Vec<Device> {
        Device::enumerate(DeviceType::Cuda).into_vec()
    }

    /// Without drivers that compute on the processor: burn's own backend there is faster.
    #[cfg(feature = "wgpu")]
    pub(super) fn wgpu() -> Vec<Device> {
        let software = Device::wgpu(DeviceKind::Cpu);
        let mut all = Device::enumerate(DeviceType::Wgpu).into_vec();
        all.retain(|device| *device != software);
        all
    }

    #[cfg(feature = "wgpu")]
    pub(super) fn software() -> Vec<Device> {
        let software = Device::wgpu(DeviceKind::Cpu);
        let mut all = Device::enumerate(DeviceType::Wgpu).into_vec();
        all.retain(|device| *device == software);
        all
    }
}

/// The card, if a product on it comes out right.
#[cfg(any(feature = "cuda", feature = "wgpu"))]
fn trial(cards: impl Fn() -> Vec<Device>, index: u16) -> Result<Device, Unavailable> {
    attempt(|| {
        let cards = cards();
        let found = cards.len();
        let card = cards.into_iter().nth(index.into()).ok_or(Unavailable::NotFound { found })?;
        works_on(&card, FloatDType::F32).map(|()| card)
    })
}

/// What `f` gives. The libraries of cards panic where something is missing.
fn attempt<T>(f: impl FnOnce() -> Result<T, Unavailable>) -> Result<T, Unavailable> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Unavailable::Fails { problem: text.unwrap_or("its library gave up").to_owned() })
    })
}

/// Has the device multiply two matrices of these numbers, and looks whether the product is right.
fn works_on(device: &Device, numbers: FloatDType) -> Result<(), Unavailable> {
    let matrix = |numbers: [f32; 4]| {
        Tensor::<2>::from_data(TensorData::new(numbers.to_vec(), [2, 2]), device)
    };
    let (a, b) = (matrix([1.0, 2.0, 3.0, 4.0]), matrix([0.0, 1.0, 1.0, 0.0]));
    let product = a.cast(numbers).matmul(b.cast(numbers)).cast(FloatDType::F32);
    let fails = |problem: String| Unavailable::Fails { problem };
    let product = product.try_into_data().map_err(|error| fails(error.to_string()))?;
    match product.as_slice::<f32>() {
        Ok([2.0, 1.0, 4.0, 3.0]) => Ok(()),
        _ => Err(fails("a product came out wrong".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for (name, choice) in [
            ("cpu", Choice::Cpu),
            ("cuda", Choice::Cuda(0)),
            ("cuda:1", Choice::Cuda(1)),
            ("wgpu", Choice::Wgpu(0)),
            ("wgpu:12", Choice::Wgpu(12)),
            ("wgpu:software", Choice::Software),
        ] {
            assert_eq!(parse(name), Ok(choice));
            assert_eq!(choice.to_string(), name);
        }
        assert_eq!("cuda:0".parse(), Ok(Choice::Cuda(0)));
        for name in [
            "",
            "gpu",
            "CUDA",
            "cuda:",
            "cuda:x",
            "cuda:-1",
            "cuda:+1",
            "cuda:70000",
            "cpu:1",
            "cuda:software",
        ] {
            let error = parse(name).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{name}` is no device")), "{error}");
        }
    }

    #[test]
    fn the_trial_passes_on_the_processor() {
        for numbers in [FloatDType::F32, FloatDType::F16, FloatDType::BF16] {
            assert_eq!(works_on(&cpu(), numbers), Ok(()));
        }
    }

    #[test]
    #[cfg(not(any(feature = "cuda", feature = "wgpu")))]
    fn a_card_that_was_not_built_in_is_refused_with_a_reason() {
        for (choice, feature) in
            [(Choice::Cuda(0), "cuda"), (Choice::Wgpu(1), "wgpu"), (Choice::Software, "wgpu")]
        {
            let error = select(choice).unwrap_err();
            assert_eq!(error, Unavailable::NotBuilt { feature });
            assert!(error.to_string().contains(feature));
            assert_eq!(training(), cpu());
        }
    }

    #[test]
    fn the_processor_gains_nothing_by_mixed_precision() {
        assert_eq!(mixes(), Err(Unavailable::Processor));
    }

    #[test]
    fn what_a_library_says_when_it_gives_up_is_the_reason() {
        let error = attempt::<()>(|| panic!("no {}", "driver")).unwrap_err();
        assert_eq!(error.to_string(), "a trial on it failed: no driver");
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
