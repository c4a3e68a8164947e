//! What a transaction has done.

use decentralml_types::{Balance, BlockNumber, Hash, TaskId};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use subxt::{
    config::SubstrateConfig,
    error::EventsError,
    events,
    ext::scale_value::{Composite, Primitive, Value, ValueDef},
};

use crate::{AccountId, error::ReadError};

/// Something that happened in a block, decoded by the chain's own metadata.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// The pallet.
    pub pallet: String,
    /// The event's name.
    pub name: String,
    /// Its fields by name; bytes as `0x…`, numbers past 2^53 as text.
    pub fields: Json,
}

impl Event {
    /// Whether it is this pallet's event of this name.
    pub fn is(&self, pallet: &str, name: &str) -> bool {
        self.pallet == pallet && self.name == name
    }

    /// An amount among its fields, in planck.
    pub fn amount(&self, field: &str) -> Option<Balance> {
        let json = self.fields.get(field)?;
        json.as_u64().map(Balance::from).or_else(|| json.as_str()?.parse().ok())
    }

    /// An account among its fields.
    pub(crate) fn account(&self, field: &str) -> Option<AccountId> {
        hash(self.fields.get(field)?.as_str()?).map(AccountId)
    }

    /// The task that it is about.
    pub fn task(&self) -> Option<TaskId> {
        number(self, "task")
    }

    pub(crate) fn decode(found: &events::Event<'_, SubstrateConfig>) -> Result<Self, ReadError> {
        let content: Composite<()> = found.decode_fields_unchecked_as().map_err(unreadable)?;
        Ok(Self {
            pallet: found.pallet_name().into(),
            name: found.event_name().into(),
            fields: fields(&content),
        })
    }
}

/// A transaction that was included and executed without error.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Included {
    /// The block's hash.
    pub block: Hash,
    /// The block's number.
    pub number: BlockNumber,
    /// The transaction's hash.
    pub extrinsic: Hash,
    /// Its events, in order.
    pub events: Vec<Event>,
    /// What was paid for it, in planck; 0 for what is free.
    pub fee: Balance,
}

impl Included {
    /// The first event of this name.
    pub fn find(&self, pallet: &str, name: &str) -> Option<&Event> {
        self.events.iter().find(|event| event.is(pallet, name))
    }

    /// The task that was created.
    pub fn created_task(&self) -> Option<TaskId> {
        self.find("Tasks", "TaskCreated")?.task()
    }

    /// The council's motion that was proposed: its hash and index.
    pub fn proposal(&self) -> Option<(Hash, u32)> {
        let event = self.find("Council", "Proposed")?;
        let hash = hash(event.fields.get("proposal_hash")?.as_str()?)?;
        Some((hash, number(event, "proposal_index")?))
    }

    /// How the council's motion ended that was closed or executed: an error is the chain's.
    pub fn motion_result(&self) -> Option<Result<(), String>> {
        let event =
            self.find("Council", "Executed").or_else(|| self.find("Council", "Disapproved"))?;
        match event.fields.get("result") {
            Some(result) if result.get("Err").is_some() => Some(Err(result["Err"].to_string())),
            Some(_) => Some(Ok(())),
            None => Some(Err("the council disapproved".into())),
        }
    }

    /// The errors of those calls of a batch that failed, as the chain names them.
    pub fn failed_items(&self) -> Vec<String> {
        let failed = |event: &&Event| event.is("Utility", "ItemFailed");
        self.events.iter().filter(failed).map(|event| event.fields["error"].to_string()).collect()
    }
}

/// The bytes are not what the metadata says.
pub(crate) fn unreadable(error: EventsError) -> ReadError {
    ReadError::Node { what: "an event", source: Box::new(error.into()) }
}

fn number(event: &Event, field: &str) -> Option<u32> {
    u32::try_from(event.fields.get(field)?.as_u64()?).ok()
}

fn hash(text: &str) -> Option<Hash> {
    let digits = text.strip_prefix("0x")?;
    let mut hash = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(hash)
}

/// Fields as JSON. A tuple of one is what it holds; a list of bytes is hexadecimal.
pub(crate) fn fields<C>(fields: &Composite<C>) -> Json {
    match fields {
        Composite::Named(named) => {
            let entries = named.iter().map(|(name, value)| (name.clone(), json(value)));
            Json::Object(entries.collect::<Map<_, _>>())
        }
        Composite::Unnamed(values) => match (values.as_slice(), bytes(values)) {
            ([], _) => Json::Null,
            (_, Some(text)) if values.len() > 1 => Json::String(text),
            ([one], _) => json(one),
            _ => Json::Array(values.iter().map(json).collect()),
        },
    }
}

fn json<C>(value: &Value<C>) -> Json {
    match &value.value {
        ValueDef::Composite(composite) => fields(composite),
        ValueDef::Variant(variant) => match fields(&variant.values) {
            Json::Null => Json::String(variant.name.clone()),
            Json::Object(empty) if empty.is_empty() => Json::String(variant.name.clone()),
            content => Json::Object(Map::from_iter([(variant.name.clone(), content)])),
        },
        ValueDef::BitSequence(bits) => {
            Json::String(bits.iter().map(|bit| if bit { '1' } else { '0' }).collect())
        }
        ValueDef::Primitive(primitive) => match primitive {
            Primitive::Bool(flag) => Json::Bool(*flag),
            Primitive::Char(letter) => Json::String(letter.to_string()),
            Primitive::String(text) => Json::String(text.clone()),
            Primitive::U128(number) => match u64::try_from(*number) {
                Ok(small) if small < 1 << 53 => Json::from(small),
                _ => Json::String(number.to_string()),
            },
            Primitive::I128(number) => match i64::try_from(*number) {
                Ok(small) if small.unsigned_abs() < 1 << 53 => Json::from(small),
                _ => Json::String(number.to_string()),
            },
            Primitive::U256(bytes) | Primitive::I256(bytes) => Json::String(hexadecimal(bytes)),
        },
    }
}

/// A list of numbers below 256 as hexadecimal.
fn bytes<C>(values: &[Value<C>]) -> Option<String> {
    let byte = |value: &Value<C>| match &value.value {
        ValueDef::Primitive(Primitive::U128(number)) => u8::try_from(*number).ok(),
        _ => None,
    };
    let bytes = values.iter().map(byte).collect::<Option<Vec<u8>>>()?;
    Some(hexadecimal(&bytes))
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 + 2 * bytes.len());
    text.push_str("0x");
    for byte in bytes {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn fields_read_as_people_expect() {
        let value = Composite::named([
            ("task", Value::u128(7)),
            ("amount", Value::u128(u128::MAX)),
            ("who", Value::unnamed_composite([Value::from_bytes([0xab; 32])])),
            ("role", Value::unnamed_variant("Trainer", [])),
            ("result", Value::unnamed_variant("Err", [Value::string("BadOrigin")])),
        ]);
        let json = fields(&value);
        assert_eq!(json["task"], 7);
        assert_eq!(json["amount"], u128::MAX.to_string());
        assert_eq!(json["who"], hexadecimal(&[0xab; 32]));
        assert_eq!(json["role"], "Trainer");
        assert_eq!(json["result"]["Err"], "BadOrigin");
    }

    #[test]
    fn amounts_are_read_whole_however_large() {
        let event = |amount: u128| Event {
            pallet: "Tasks".to_owned(),
            name: "Paid".to_owned(),
            fields: fields(&Composite::named([
                ("task", Value::u128(7)),
                ("amount", Value::u128(amount)),
            ])),
        };
        for amount in [0, 1 << 52, 1 << 53, u128::MAX] {
            assert_eq!(event(amount).amount("amount"), Some(amount));
        }
        assert_eq!((event(1).task(), event(1).amount("refunded")), (Some(7), None));
        assert!(event(1).is("Tasks", "Paid") && !event(1).is("Tasks", "Refunded"));
    }

    #[test]
    fn a_reason_that_this_program_does_not_know_is_shown_by_its_name() {
        let reason = Value::unnamed_variant("AttemptsExhausted", []);
        let paused = Composite::named([("task", Value::u128(7)), ("reason", reason)]);
        assert_eq!(fields(&paused), serde_json::json!({"task": 7, "reason": "AttemptsExhausted"}));
        let detailed = Value::named_variant("OutOfTime", [("since", Value::u128(40))]);
        let paused = Composite::named([("reason", detailed)]);
        assert_eq!(fields(&paused)["reason"]["OutOfTime"]["since"], 40);
    }

    #[test]
    fn hashes_are_read_back() {
        assert_eq!(hash(&hexadecimal(&[0x5a; 32])), Some([0x5a; 32]));
        assert_eq!(hash("0x12"), None);
    }
}
