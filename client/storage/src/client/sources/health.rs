//! What experience says of a source.

use std::time::Duration;
use tokio::time::Instant;

/// Pauses of a source that fails; they double up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Bytes that the way to a source and back is worth: small blocks, of which it is all, do not make it look slow.
const WAY: f64 = 65_536.0;

/// Weight of the last block in the speed.
const NEWEST: f64 = 0.3;

/// Failures after which a speed that was known counts for nothing.
const MAX_HALVINGS: u32 = 10;

/// Speed, failures, and requests under way.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// Bytes per second of one request, [`WAY`] included.
    speed: Option<f64>,
    failures: u32,
    until: Option<Instant>,
    asked: usize,
    lied: bool,
}

impl Health {
    pub fn asked(&mut self) {
        self.asked += 1;
    }

    pub fn ended(&mut self) {
        self.asked = self.asked.saturating_sub(1);
    }

    /// A block of `bytes` came.
    pub fn gave(&mut self, bytes: u64, took: Duration) {
        self.failures = 0;
        self.until = None;
        self.saw(bytes, took);
    }

    /// So many bytes came; whether more will is not known.
    pub fn saw(&mut self, bytes: u64, took: Duration) {
        let now = (bytes as f64 + WAY) / took.as_secs_f64().max(1e-6);
        let speed = self.speed.map_or(now, |speed| speed + NEWEST * (now - speed));
        self.speed = Some(speed);
    }

    /// A request failed, or stands still. Several at the same time are one failure.
    pub fn failed(&mut self, now: Instant) {
        if self.until.is_some_and(|until| until > now) {
            return;
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(16)).min(LONGEST_PAUSE);
        self.until = Some(now + pause);
        self.failures = self.failures.saturating_add(1);
    }

    /// It gave wrong bytes: it is never asked again.
    pub fn lied(&mut self) {
        self.lied = true;
    }

    pub fn has_lied(&self) -> bool {
        self.lied
    }

    /// What is left of its pause.
    pub fn pause(&self, now: Instant) -> Option<Duration> {
        let left = self.until?.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }

    /// What one more request costs, compared to other sources. One that nothing is known of is worth a single try, one that never
    /// gave anything is the last resort.
    pub fn cost(&self) -> f64 {
        match self.speed() {
            None if self.failures == 0 && self.asked == 0 => 0.0,
            None => f64::INFINITY,
            Some(speed) => (self.asked as f64 + 1.0) / speed,
        }
    }

    /// Seconds in which a block of `bytes` is to be expected, if anything is known.
    pub fn expected(&self, bytes: u64) -> Option<f64> {
        Some((bytes as f64 + WAY) * (self.asked as f64 + 1.0) / self.speed()?)
    }

    fn speed(&self) -> Option<f64> {
        let worth = |speed: f64| speed / f64::from(1_u32 << self.failures.min(MAX_HALVINGS));
        self.speed.map(worth)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_new_source_is_tried_once_and_a_faster_one_is_preferred() {
        let (mut new, mut fast, mut slow) =
            (Health::default(), Health::default(), Health::default());
        fast.gave(1 << 20, Duration::from_millis(10));
        slow.gave(1 << 20, Duration::from_secs(1));
        assert!(new.cost() < fast.cost() && fast.cost() < slow.cost());
        assert!(fast.expected(1 << 20).unwrap() < slow.expected(1 << 20).unwrap());
        new.asked();
        assert!(slow.cost() < new.cost(), "a second try waits for the first");
        for _ in 0..200 {
            fast.asked();
        }
        assert!(slow.cost() < fast.cost(), "one that has much to do is left to it");
    }

    #[test]
    fn small_blocks_do_not_make_a_source_look_slow() {
        let (mut small, mut slow) = (Health::default(), Health::default());
        small.gave(100, Duration::from_millis(5));
        slow.gave(1 << 20, Duration::from_millis(500));
        assert!(small.cost() < slow.cost());
    }

    #[test]
    fn pauses_grow_with_each_failure_and_end_with_a_success() {
        let mut health = Health::default();
        let (mut now, mut last) = (Instant::now(), Duration::ZERO);
        for _ in 0..6 {
            health.failed(now);
            let pause = health.pause(now).unwrap();
            assert!(pause > last, "{pause:?} after {last:?}");
            health.failed(now);
            assert_eq!(health.pause(now), Some(pause), "one of several that fail together");
            last = pause;
            now += pause;
            assert_eq!(health.pause(now), None);
        }
        for _ in 0..100 {
            health.failed(now);
            now += LONGEST_PAUSE;
            assert_eq!(health.pause(now), None);
        }
        assert_eq!(health.cost(), f64::INFINITY);
        health.failed(now);
        health.gave(1000, Duration::from_millis(1));
        assert!(health.pause(now).is_none() && health.cost() < 1.0);
    }
}
