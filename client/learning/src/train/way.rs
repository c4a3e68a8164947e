//! How far steps along a gradient that never changes lead.

/// What some steps make of a velocity `v` and a distance `d` from where a round starts:
/// `[v, d] ← linear · [v, d] + constant`.
#[derive(Clone, Copy)]
pub(super) struct Steps {
    linear: [[f64; 2]; 2],
    constant: [f64; 2],
}

impl Steps {
    const NONE: Self = Self { linear: [[1.0, 0.0], [0.0, 1.0]], constant: [0.0, 0.0] };

    /// One of SGD: `v ← ρ v + 1 − pull · d`, and then `d ← d + v`. `pull` is the learning rate times FedProx's μ.
    pub(super) fn one(momentum: f64, pull: f64) -> Self {
        Self { linear: [[momentum, -pull], [momentum, 1.0 - pull]], constant: [1.0, 1.0] }
    }

    /// The same so many times, by squaring: a task can ask for more steps than anybody could add up.
    pub(super) fn repeated(self, times: u64) -> Self {
        let (mut all, mut power, mut left) = (Self::NONE, self, times);
        while left > 0 {
            if left % 2 == 1 {
                all = all.then(&power);
            }
            power = power.then(&power);
            left /= 2;
        }
        all
    }

    /// How far they lead from the start, with no velocity there.
    pub(super) fn distance(&self) -> f64 {
        let [_, distance] = self.constant;
        distance
    }

    fn then(&self, next: &Self) -> Self {
        let [[a, b], [c, d]] = self.linear;
        let [v, w] = self.constant;
        let [top, bottom] = next.linear;
        let row = |[x, y]: [f64; 2]| [x * a + y * c, x * b + y * d];
        let moved = |[x, y]: [f64; 2], constant: f64| x * v + y * w + constant;
        let [first, second] = next.constant;
        Self {
            linear: [row(top), row(bottom)],
            constant: [moved(top, first), moved(bottom, second)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squaring_leads_as_far_as_step_by_step() {
        for (momentum, pull) in [(0.0, 0.01), (0.9, 0.0), (0.5, 0.2), (0.99, 1e-4)] {
            let (mut velocity, mut distance) = (0.0_f64, 0.0_f64);
            for steps in 1..=1_000 {
                velocity = momentum * velocity + 1.0 - pull * distance;
                distance += velocity;
                let found = Steps::one(momentum, pull).repeated(steps).distance();
                assert!((found - distance).abs() <= 1e-10 * distance, "{steps}: {found}");
            }
        }
    }

    #[test]
    fn as_many_steps_as_there_can_be_take_no_time() {
        assert_eq!(Steps::one(0.9, 0.0).repeated(0).distance(), 0.0);
        let far = Steps::one(0.9, 0.0).repeated(u64::MAX).distance();
        assert!((far / (u64::MAX as f64 * 10.0) - 1.0).abs() < 1e-9, "{far}");
        let near = Steps::one(0.9, 0.01).repeated(u64::MAX).distance();
        assert!((near - 100.0).abs() < 1e-6, "the pull stops it: {near}");
    }
}
