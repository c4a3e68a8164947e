//! Who takes part in the demo, with keys of the development chain.

use color_eyre::Result;
use decentralml_sdk::{AccountId, Signer};
use decentralml_worker::trainer::Conduct;

/// How each trainer behaves.
pub const CONDUCTS: [Conduct; 6] = [
    Conduct::Honest,
    Conduct::Honest,
    Conduct::Honest,
    Conduct::Honest,
    Conduct::SignFlip,
    Conduct::FreeRide,
];
const EVALUATORS: usize = 3;

/// Who else has money at the start of a development chain.
const BYSTANDERS: [&str; 7] = [
    "//Ferdie",
    "//Alice//stash",
    "//Bob//stash",
    "//Charlie//stash",
    "//Dave//stash",
    "//Eve//stash",
    "//Ferdie//stash",
];

/// Somebody with a key.
pub struct Person {
    /// For people.
    pub name: String,
    /// The secret URI of its key.
    pub uri: String,
    pub signer: Signer,
}

impl Person {
    fn new(name: String, uri: String) -> Result<Self> {
        let signer = Signer::from_uri(&uri)?;
        Ok(Self { name, uri, signer })
    }

    pub fn account(&self) -> AccountId {
        self.signer.account()
    }
}

/// Everybody who takes part, with keys of the development chain.
pub struct Cast {
    pub sponsor: Person,
    pub faucet: Person,
    pub trainers: Vec<Person>,
    pub evaluators: Vec<Person>,
    pub council: Vec<Person>,
    bystanders: Vec<Person>,
}

impl Cast {
    /// The keys.
    pub fn new() -> Result<Self> {
        let known =
            |name: &str, part: &str| Person::new(format!("{name} ({part})"), format!("//{name}"));
        let numbered = |name: &str, number: usize, note: &str| {
            Person::new(
                format!("{} {number}{note}", name.to_lowercase()),
                format!("//{name}{number}"),
            )
        };
        let trainers = (1..).zip(CONDUCTS).map(|(number, conduct)| {
            numbered(
                "Trainer",
                number,
                match conduct {
                    Conduct::SignFlip => " (hostile)",
                    Conduct::FreeRide => " (free-rider)",
                    _ => "",
                },
            )
        });
        Ok(Self {
            sponsor: known("Dave", "sponsor")?,
            faucet: known("Eve", "faucet")?,
            trainers: trainers.collect::<Result<_>>()?,
            evaluators: (1..=EVALUATORS)
                .map(|number| numbered("Evaluator", number, ""))
                .collect::<Result<_>>()?,
            council: ["Alice", "Bob", "Charlie"]
                .map(|name| known(name, "council"))
                .into_iter()
                .collect::<Result<_>>()?,
            bystanders: BYSTANDERS
                .map(|uri| {
                    Person::new(uri.trim_start_matches('/').replace("//", "'s "), uri.to_owned())
                })
                .into_iter()
                .collect::<Result<_>>()?,
        })
    }

    /// What an account is called.
    pub fn name(&self, account: &AccountId) -> Option<&str> {
        let mut all = [&self.sponsor, &self.faucet]
            .into_iter()
            .chain(self.earners())
            .chain(&self.council)
            .chain(&self.bystanders);
        all.find(|one| one.account() == *account).map(|one| one.name.as_str())
    }

    /// Trainers and evaluators.
    pub fn earners(&self) -> impl Iterator<Item = &Person> {
        self.trainers.iter().chain(&self.evaluators)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn everybody_has_a_key_of_their_own() {
        let cast = Cast::new().unwrap();
        let mut accounts: Vec<String> = cast
            .earners()
            .chain(&cast.council)
            .chain([&cast.sponsor, &cast.faucet])
            .chain(&cast.bystanders)
            .map(|person| person.account().to_string())
            .collect();
        let count = accounts.len();
        accounts.sort();
        accounts.dedup();
        assert_eq!((accounts.len(), count), (21, 21));
        assert_eq!(cast.name(&cast.trainers[4].account()), Some("trainer 5 (hostile)"));
        assert_eq!(cast.name(&cast.council[0].account()), Some("Alice (council)"));
        assert!(cast.earners().all(|person| person.signer.is_development()));
    }
}
