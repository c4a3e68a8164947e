//! Small matrix products over rows in memory, with vectors chosen at run time.
//!
//! A *panel* is a column block of a matrix, as wide as two vectors, its rows one after another: what
//! one pass of the product's innermost loop reads.

// Loops of a known count over arrays of vectors: written with iterators, the compiler does not unroll them.
#![allow(clippy::needless_range_loop)]

use pulp::Simd;

/// Numbers per row of a panel.
pub(crate) fn panel_width<S: Simd>() -> usize {
    2 * S::F32_LANES
}

/// `columns`, rounded up to whole panels.
pub(crate) fn padded<S: Simd>(columns: usize) -> usize {
    columns.next_multiple_of(panel_width::<S>())
}

/// The panels of a matrix of `columns`, with zeros where the last panel is wider than what is left.
pub(crate) fn panels<S: Simd>(matrix: &[f32], columns: usize) -> Vec<f32> {
    let width = panel_width::<S>();
    let mut out = Vec::with_capacity(matrix.len() / columns * padded::<S>(columns));
    for column in (0..columns).step_by(width) {
        let end = columns.min(column + width);
        for row in matrix.chunks_exact(columns) {
            out.extend_from_slice(&row[column..end]);
            out.resize(out.len() + width - (end - column), 0.0);
        }
    }
    out
}

/// `out = a · b` for `a` of shape `[rows, a_stride]`, of which the first `depth` columns count, `b`
/// as panels of `depth` rows, and `out` of shape `[rows, out_stride]`.
#[inline(always)]
pub(crate) fn product<S: Simd>(
    simd: S,
    a: &[f32],
    a_stride: usize,
    b: &[f32],
    depth: usize,
    out: &mut [f32],
    out_stride: usize,
) {
    let width = panel_width::<S>();
    for (index, panel) in b.chunks_exact(depth * width).enumerate() {
        let panel = S::as_simd_f32s(panel).0;
        let column = index * width;
        let mut rows_a = a.chunks_exact(6 * a_stride);
        let mut rows_out = out.chunks_exact_mut(6 * out_stride);
        for (a, out) in rows_a.by_ref().zip(rows_out.by_ref()) {
            tile::<S, 6>(simd, a, a_stride, panel, out, out_stride, column);
        }
        let (a, out) = (rows_a.remainder(), rows_out.into_remainder());
        match a.len() / a_stride {
            1 => tile::<S, 1>(simd, a, a_stride, panel, out, out_stride, column),
            2 => tile::<S, 2>(simd, a, a_stride, panel, out, out_stride, column),
            3 => tile::<S, 3>(simd, a, a_stride, panel, out, out_stride, column),
            4 => tile::<S, 4>(simd, a, a_stride, panel, out, out_stride, column),
            5 => tile::<S, 5>(simd, a, a_stride, panel, out, out_stride, column),
            _ => {}
        }
    }
}

#[inline(always)]
fn tile<S: Simd, const R: usize>(
    simd: S,
    a: &[f32],
    a_stride: usize,
    panel: &[S::f32s],
    out: &mut [f32],
    out_stride: usize,
    column: usize,
) {
    let (pairs, _) = panel.as_chunks::<2>();
    let depth = pairs.len();
    let mut rows = [&a[..depth]; R];
    for row in 0..R {
        rows[row] = &a[row * a_stride..][..depth];
    }
    let mut sums = [[simd.splat_f32s(0.0); 2]; R];
    for (index, pair) in pairs.iter().enumerate() {
        for row in 0..R {
            let x = simd.splat_f32s(rows[row][index]);
            sums[row][0] = simd.mul_add_e_f32s(x, pair[0], sums[row][0]);
            sums[row][1] = simd.mul_add_e_f32s(x, pair[1], sums[row][1]);
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        let start = row * out_stride + column;
        let to = S::as_mut_simd_f32s(&mut out[start..start + panel_width::<S>()]).0;
        to.copy_from_slice(sums);
    }
}

/// `out += aᵀ · b` for `a` of shape `[rows, a_stride]`, of which the first `depth` columns count,
/// `b` of shape `[rows, b_stride]` with whole panels, and `out` of shape `[depth, b_stride]`.
#[inline(always)]
pub(crate) fn add_transposed_product<S: Simd>(
    simd: S,
    a: &[f32],
    a_stride: usize,
    depth: usize,
    b: &[f32],
    b_stride: usize,
    out: &mut [f32],
) {
    let width = panel_width::<S>();
    for column in (0..b_stride).step_by(width) {
        let mut first = 0;
        while first + 4 <= depth {
            column_tile::<S, 4>(simd, a, a_stride, first, b, b_stride, column, out);
            first += 4;
        }
        match depth - first {
            1 => column_tile::<S, 1>(simd, a, a_stride, first, b, b_stride, column, out),
            2 => column_tile::<S, 2>(simd, a, a_stride, first, b, b_stride, column, out),
            3 => column_tile::<S, 3>(simd, a, a_stride, first, b, b_stride, column, out),
            _ => {}
        }
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn column_tile<S: Simd, const R: usize>(
    simd: S,
    a: &[f32],
    a_stride: usize,
    first: usize,
    b: &[f32],
    b_stride: usize,
    column: usize,
    out: &mut [f32],
) {
    let width = panel_width::<S>();
    let mut sums = [[simd.splat_f32s(0.0); 2]; R];
    for (a, b) in a.chunks_exact(a_stride).zip(b.chunks_exact(b_stride)) {
        let x = &a[first..first + R];
        let y = S::as_simd_f32s(&b[column..column + width]).0;
        for row in 0..R {
            let x = simd.splat_f32s(x[row]);
            sums[row][0] = simd.mul_add_e_f32s(x, y[0], sums[row][0]);
            sums[row][1] = simd.mul_add_e_f32s(x, y[1], sums[row][1]);
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        let start = (first + row) * b_stride + column;
        let to = S::as_mut_simd_f32s(&mut out[start..start + width]).0;
        to[0] = simd.add_f32s(to[0], sums[0]);
        to[1] = simd.add_f32s(to[1], sums[1]);
    }
}
