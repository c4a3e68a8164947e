//! The least rate that the other end of a connection is held to.

use std::time::Duration;
use tokio::time::Instant;

/// Bytes that somebody has to take or give at least, in as much waiting as the limit is, who is trusted with little else.
pub(crate) const LEAST: u64 = 64 << 10;

/// So many bytes in so much time. Only the time counts in which the other end is waited for.
#[derive(Debug)]
pub(crate) struct Pace {
    step: u64,
    limit: Duration,
    /// How long it was waited for since the last step, and what has moved meanwhile.
    waited: Duration,
    moved: u64,
    /// Since when it is waited for.
    since: Option<Instant>,
}

impl Pace {
    pub fn new(step: u64, limit: Duration) -> Self {
        Self { step, limit, waited: Duration::ZERO, moved: 0, since: None }
    }

    /// Whether the other end is waited for.
    pub fn is_waiting(&self) -> bool {
        self.since.is_some()
    }

    /// The other end is waited for from now on, if it was not already. Returns when that will have been too long.
    pub fn wait(&mut self, now: Instant) -> Instant {
        *self.since.get_or_insert(now) + self.limit.saturating_sub(self.waited)
    }

    /// The other end has done something, and so many bytes have moved.
    pub fn moved(&mut self, now: Instant, bytes: u64) {
        if let Some(since) = self.since.take() {
            self.waited += now - since;
        }
        self.moved = self.moved.saturating_add(bytes);
        if self.moved >= self.step {
            (self.waited, self.moved) = (Duration::ZERO, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_gives_the_whole_time_again_and_less_than_one_gives_none() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut pace = Pace::new(100, Duration::from_secs(10));
        assert_eq!(pace.wait(at(0)), at(10));
        assert_eq!(pace.wait(at(4)), at(10), "it is waiting already");
        pace.moved(at(4), 99);
        assert!(!pace.is_waiting());
        // Between 4 and 60 nobody waits.
        assert_eq!(pace.wait(at(60)), at(66));
        pace.moved(at(65), 0);
        assert_eq!(pace.wait(at(65)), at(66));
        pace.moved(at(65), 1);
        assert_eq!(pace.wait(at(65)), at(75));
        pace.moved(at(80), 99);
        assert_eq!(pace.wait(at(90)), at(90), "there is no time left");
    }
    #[cfg(target_os = "linux")]
    #[test]
    fn patience_is_what_it_is_under_a_clock_that_jumps() {
        crate::clock::under_a_jumping_clock(&[
            "client::sources::health::tests::pauses_grow_with_each_failure_and_end_with_a_success",
            "gateway::stalled::tests::a_byte_now_and_then_is_not_enough_to_keep_a_connection",
            "gateway::turns::tests::the_slowest_goes_once_it_has_had_its_turn_and_who_is_fast_stays",
            "gateway::turns::tests::who_waits_for_the_store_is_not_slow",
            "gateway::waiting::tests::who_has_waited_longest_leaves_first_and_who_works_stays",
            "pace::tests::a_step_gives_the_whole_time_again_and_less_than_one_gives_none",
            "server::repo::tests::a_client_that_takes_no_lines_keeps_no_collection_waiting",
            "server::slow::tests::a_body_that_stops_coming_fails_and_one_that_goes_on_does_not",
            "server::slow::tests::a_byte_now_and_then_is_no_upload_and_a_slow_link_is_one",
        ]);
    }
}
