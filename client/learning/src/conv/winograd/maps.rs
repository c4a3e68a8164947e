//! The linear maps between pixels, points and outputs of a tile, and their transposes.

// Loops of a known count over arrays of vectors: written with iterators, the compiler does not unroll them.
#![allow(clippy::needless_range_loop)]

use pulp::Simd;

/// Width of a tile.
pub(super) const TILE: usize = 6;

/// The kernel's values at the points 0, 1, −1, 2, −2 and ∞ are scaled by these.
const SCALE: [f32; TILE] = [1.0 / 4.0, -1.0 / 6.0, -1.0 / 6.0, 1.0 / 24.0, 1.0 / 24.0, 1.0];

/// A linear map of `N` numbers to `M`. A type and not a closure, since the compiler must inline it
/// to use the vectors.
pub(super) trait Map<const N: usize, const M: usize> {
    fn apply<S: Simd>(simd: S, x: [S::f32s; N]) -> [S::f32s; M];
}

/// A polynomial's values at 0, 1, −1, 2, −2 and ∞.
pub(super) struct Evaluate;
/// The transpose of [`Evaluate`].
pub(super) struct Collect;
/// [`Evaluate`] for kernels, scaled.
pub(super) struct EvaluateKernel;
/// The transpose of [`EvaluateKernel`].
pub(super) struct CollectKernel;
/// The map of a tile's pixels that goes with the points.
pub(super) struct Pixels;
/// The transpose of [`Pixels`].
pub(super) struct PixelsTransposed;

impl<const N: usize> Map<N, TILE> for Evaluate {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: [S::f32s; N]) -> [S::f32s; TILE] {
        evaluate::<S, N>(simd, x)
    }
}

impl<const N: usize> Map<TILE, N> for Collect {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: [S::f32s; TILE]) -> [S::f32s; N] {
        collect::<S, N>(simd, x)
    }
}

impl<const N: usize> Map<N, TILE> for EvaluateKernel {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: [S::f32s; N]) -> [S::f32s; TILE] {
        scale(simd, evaluate::<S, N>(simd, x))
    }
}

impl<const N: usize> Map<TILE, N> for CollectKernel {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: [S::f32s; TILE]) -> [S::f32s; N] {
        collect::<S, N>(simd, scale(simd, x))
    }
}

impl Map<TILE, TILE> for Pixels {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: [S::f32s; TILE]) -> [S::f32s; TILE] {
        pixel_map(simd, x)
    }
}

impl Map<TILE, TILE> for PixelsTransposed {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: [S::f32s; TILE]) -> [S::f32s; TILE] {
        pixel_map_transposed(simd, x)
    }
}

#[inline(always)]
fn scale<S: Simd>(simd: S, mut x: [S::f32s; TILE]) -> [S::f32s; TILE] {
    for point in 0..TILE {
        x[point] = simd.mul_f32s(x[point], simd.splat_f32s(SCALE[point]));
    }
    x
}

#[inline(always)]
fn evaluate<S: Simd, const N: usize>(simd: S, x: [S::f32s; N]) -> [S::f32s; TILE] {
    let zero = simd.splat_f32s(0.0);
    let (mut even, mut odd, mut even_at_2, mut odd_at_2) = (zero, zero, zero, zero);
    for power in 0..N {
        let weight = simd.splat_f32s((1 << power) as f32);
        if power % 2 == 0 {
            even = simd.add_f32s(even, x[power]);
            even_at_2 = simd.mul_add_e_f32s(weight, x[power], even_at_2);
        } else {
            odd = simd.add_f32s(odd, x[power]);
            odd_at_2 = simd.mul_add_e_f32s(weight, x[power], odd_at_2);
        }
    }
    [
        x[0],
        simd.add_f32s(even, odd),
        simd.sub_f32s(even, odd),
        simd.add_f32s(even_at_2, odd_at_2),
        simd.sub_f32s(even_at_2, odd_at_2),
        x[N - 1],
    ]
}

#[inline(always)]
fn collect<S: Simd, const N: usize>(simd: S, x: [S::f32s; TILE]) -> [S::f32s; N] {
    let (even, odd) = (simd.add_f32s(x[1], x[2]), simd.sub_f32s(x[1], x[2]));
    let (even_at_2, odd_at_2) = (simd.add_f32s(x[3], x[4]), simd.sub_f32s(x[3], x[4]));
    let mut out = [x[0]; N];
    for (power, out) in out.iter_mut().enumerate() {
        let weight = simd.splat_f32s((1 << power) as f32);
        let (at_1, at_2) = if power % 2 == 0 { (even, even_at_2) } else { (odd, odd_at_2) };
        *out = simd.mul_add_e_f32s(weight, at_2, at_1);
    }
    out[0] = simd.add_f32s(out[0], x[0]);
    out[N - 1] = simd.add_f32s(out[N - 1], x[5]);
    out
}

#[inline(always)]
fn pixel_map<S: Simd>(simd: S, x: [S::f32s; TILE]) -> [S::f32s; TILE] {
    let a = times(simd, -4.0, x[2], x[4]);
    let b = times(simd, -4.0, x[1], x[3]);
    let c = simd.sub_f32s(x[4], x[2]);
    let d = simd.sub_f32s(x[3], x[1]);
    [
        times(simd, 4.0, x[0], times(simd, -5.0, x[2], x[4])),
        simd.add_f32s(a, b),
        simd.sub_f32s(a, b),
        times(simd, 2.0, d, c),
        times(simd, -2.0, d, c),
        times(simd, 4.0, x[1], times(simd, -5.0, x[3], x[5])),
    ]
}

#[inline(always)]
fn pixel_map_transposed<S: Simd>(simd: S, x: [S::f32s; TILE]) -> [S::f32s; TILE] {
    let (sum, difference) = (simd.add_f32s(x[1], x[2]), simd.sub_f32s(x[1], x[2]));
    let (sum_2, difference_2) = (simd.add_f32s(x[3], x[4]), simd.sub_f32s(x[3], x[4]));
    let four = simd.splat_f32s(4.0);
    [
        simd.mul_f32s(four, x[0]),
        times(simd, -4.0, difference, times(simd, -2.0, difference_2, simd.mul_f32s(four, x[5]))),
        times(simd, -5.0, x[0], times(simd, -4.0, sum, simd.sub_f32s(simd.splat_f32s(0.0), sum_2))),
        times(simd, -5.0, x[5], times(simd, 2.0, difference_2, difference)),
        simd.add_f32s(x[0], simd.add_f32s(sum, sum_2)),
        x[5],
    ]
}

/// `factor · a + b`.
#[inline(always)]
fn times<S: Simd>(simd: S, factor: f32, a: S::f32s, b: S::f32s) -> S::f32s {
    simd.mul_add_e_f32s(simd.splat_f32s(factor), a, b)
}

/// Applies `map` along both directions of a square.
#[inline(always)]
pub(super) fn both<S: Simd, L: Map<N, M>, const N: usize, const M: usize>(
    simd: S,
    x: [[S::f32s; N]; N],
) -> [[S::f32s; M]; M] {
    let zero = simd.splat_f32s(0.0);
    let mut half = [[zero; N]; M];
    for row in 0..N {
        let y = L::apply(simd, x[row]);
        for column in 0..M {
            half[column][row] = y[column];
        }
    }
    let mut out = [[zero; M]; M];
    for column in 0..M {
        let y = L::apply(simd, half[column]);
        for row in 0..M {
            out[row][column] = y[row];
        }
    }
    out
}
