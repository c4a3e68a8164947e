//! What the pallets tell each other about how accounts have acted.

use decentralml_types::{Conduct, Role};

/// The records of accounts, as `participants` keeps them.
pub trait Reputation<AccountId> {
    /// Adds to the record of an account in a role. Does nothing where it has no bond there. Cannot fail.
    fn note(who: &AccountId, role: Role, conduct: Conduct);
    /// What its record amounts to now, from 0 to 1,000; an account without one is neutral.
    fn score(who: &AccountId, role: Role) -> u16;
}
