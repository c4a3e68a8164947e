//! The functions of gates, written without a branch, so that compilers make vectors of them.

/// `e^x`, within 2 · 10⁻⁷ of it in relation; `x` beyond ±87 counts as ±87. What is no number stays so.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // x = n · ln 2 + r, |r| ≤ ln 2 / 2. Adding 1.5 · 2²³ rounds to a whole number, which is then in the last bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 87.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    // ln 2 in two parts, the first with few bits, so that its products are exact.
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    // The polynomial of Cephes' expf (Moshier).
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_2e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 0.166_666_65;
    let p = p * r + 0.5;
    let e = p * (r * r) + r + 1.0;
    let power = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    e * f32::from_bits(power)
}

/// `1 / (1 + e^−x)` of all numbers.
#[inline(always)]
pub(super) fn sigmoid(numbers: &mut [f32]) {
    numbers.iter_mut().for_each(|x| *x = 1.0 / (1.0 + exp(-*x)));
}

/// The hyperbolic tangent of all numbers, each within 2 · 10⁻⁷.
#[inline(always)]
pub(super) fn tanh(numbers: &mut [f32]) {
    for x in numbers {
        let e = exp(-2.0 * *x);
        *x = (1.0 - e) / (1.0 + e);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_close_to_the_exact_ones() {
        for index in -400_000..=400_000 {
            let x = index as f32 / 4_000.0;
            let exact = f64::from(x).clamp(-87.0, 87.0).exp();
            assert!((f64::from(exp(x)) / exact - 1.0).abs() < 2e-7, "exp {x}");
            let mut both = [x, x];
            sigmoid(&mut both[..1]);
            tanh(&mut both[1..]);
            let sigmoid = 1.0 / (1.0 + (-f64::from(x)).exp());
            assert!((f64::from(both[0]) - sigmoid).abs() < 2e-7, "sigmoid {x}");
            assert!((f64::from(both[1]) - f64::from(x).tanh()).abs() < 2e-7, "tanh {x}");
        }
    }

    #[test]
    fn what_is_no_number_stays_so() {
        let mut numbers = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX];
        sigmoid(&mut numbers);
        assert!(numbers[0].is_nan());
        assert!(numbers[1] == 1.0 && numbers[2] < 1e-37 && numbers[3] == 1.0);
        let mut numbers = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MIN];
        tanh(&mut numbers);
        assert!(numbers[0].is_nan());
        assert_eq!(numbers[1..], [1.0, -1.0, -1.0]);
    }
}
