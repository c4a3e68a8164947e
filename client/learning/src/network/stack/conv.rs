//! Convolutions of several clients, as products of batches of matrices.
//!
//! A convolution with a group for each client would say the same, but its gradient of the weights is one
//! convolution per group in burn. A product and its gradients are one operation each.

use burn::tensor::Tensor;

use super::{Stack, whole_numbers};
use crate::network::plan::Image;

/// The pixels that a square kernel sees.
#[derive(Clone, Copy, Debug)]
struct Taps {
    height: usize,
    width: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
}

impl Stack {
    /// `[clients, rows, channels · height · width]` to `[clients, rows, filters · height' · width']`.
    pub(super) fn conv(
        &self,
        weight: usize,
        bias: Option<usize>,
        Image { channels, height, width }: Image,
        [stride, padding]: [usize; 2],
        x: Tensor<3>,
    ) -> Tensor<3> {
        let [clients, rows, _] = x.dims();
        let weight = self.kernel(weight);
        let [_, filters, _, kernel, _] = weight.dims();
        let device = x.device();
        let taps = Taps { height, width, kernel, stride, padding };
        let mut pixels = x.reshape([clients * rows, channels, height * width]);
        if padding > 0 {
            // What lies beyond the image is one pixel more.
            let beyond = Tensor::zeros([clients * rows, channels, 1], &device);
            pixels = Tensor::cat(vec![pixels, beyond], 2);
        }
        let (inputs, places) = (channels * kernel * kernel, taps.places());
        let seen = pixels
            .select(2, whole_numbers(taps.pixels(), &device))
            .reshape([clients, rows, inputs, places])
            .swap_dims(1, 2)
            .reshape([clients, inputs, rows * places]);
        let product = weight.reshape([clients, filters, inputs]).matmul(seen);
        let sum = match bias {
            Some(bias) => product + self.vector(bias).unsqueeze_dim::<3>(2),
            None => product,
        };
        sum.reshape([clients, filters, rows, places]).swap_dims(1, 2).reshape([
            clients,
            rows,
            filters * places,
        ])
    }
}

impl Taps {
    /// Where the kernel can lie along an axis. Shapes are checked: it fits.
    fn along(&self, pixels: usize) -> usize {
        (pixels + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Where it can lie.
    fn places(&self) -> usize {
        self.along(self.height) * self.along(self.width)
    }

    /// For each number of the kernel, the pixels that it meets in all places, `[kernel², places]`; the pixel behind
    /// the last is what lies beyond the image.
    fn pixels(self) -> impl Iterator<Item = usize> {
        let [down, across] = [self.along(self.height), self.along(self.width)];
        let places = down * across;
        (0..self.kernel * self.kernel * places).map(move |index| {
            let (tap, place) = (index / places, index % places);
            let y = place / across * self.stride + tap / self.kernel;
            let x = place % across * self.stride + tap % self.kernel;
            let inside = |at: usize, pixels: usize| {
                at.checked_sub(self.padding).filter(|&pixel| pixel < pixels)
            };
            match (inside(y, self.height), inside(x, self.width)) {
                (Some(y), Some(x)) => y * self.width + x,
                _ => self.height * self.width,
            }
        })
    }
}
