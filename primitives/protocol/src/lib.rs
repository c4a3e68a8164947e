//! The rules of a round as plain functions: no storage, no I/O, no clock of their own.
//!
//! The pallets, the workers and every test call these same functions, so nobody can disagree about a draw, a verdict or a
//! payout. All arithmetic is integer.
//!
//! | Module | Decides |
//! | --- | --- |
//! | [`draw`] | who is drawn from a population of any size, in constant work |
//! | [`clock`] | when a phase ends and what follows |
//! | [`verdict`] | what many opinions on one update amount to, and whether it is accepted |
//! | [`dag`] | whether blocks are those that a path from a file's CID leads through |
//! | [`gold`] | when what is known of an update counts, and which scores are wrong about it |
//! | [`payout`] | who gets how much of a reward |
//! | [`slashing`] | who is slashed for what, how much, who gets it, and what a case about it comes to |
//! | [`payoff`] | which of these numbers governance may set, so that honest play stays the best reply |
//! | [`reputation`] | how records decay, and what they amount to |
//! | [`robust`] | how many hostile updates a rule bears among those that a round has accepted |
//! | [`spec`] | whether a task contradicts itself |

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod clock;
pub mod dag;
pub mod draw;
pub mod gold;
pub mod golden;
pub mod payoff;
pub mod payout;
pub mod reputation;
pub mod robust;
pub mod slashing;
pub mod spec;
pub mod verdict;
