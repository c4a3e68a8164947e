//! Tests by behavior.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod aggregating;
mod challenged;
mod claims_of_seats;
mod claims_of_trainers;
mod forgetting;
mod golds;
mod hostile_seats;
mod opening;
mod redraws;
mod remembering;
mod scoring;
mod tallying;
