//! Steps for people.

use crate::units::tokens;
use decentralml_sdk::{
    AccountId, Draw, Properties,
    explain::{
        DrawNumbers, FaultNumbers, GoldNumbers, JudgedNumbers, Numbers, PayNumbers, SeatNumbers,
        Step,
    },
};
use decentralml_types::{
    Balance, Opinion, Outcome,
    cid::{Cid, Codec},
};
use serde_json::Value as Json;

/// What happened, in one or more lines.
pub fn sentence(step: &Step, who: &AccountId, native: &Properties, unit: &Properties) -> String {
    let fields = Fields { step, who };
    let planck = |field| tokens(fields.amount(field), native);
    let pay = |field| tokens(fields.amount(field), unit);
    let text = match step.step.as_str() {
        "Assignments.Enrolled" => format!("enrolled as {}", fields.word("role").to_lowercase()),
        "Assignments.Left" => format!("left as {}", fields.word("role").to_lowercase()),
        "Tasks.RoundStarted" => {
            let places = fields.word("places");
            format!(
                "the round starts: {places} trainers are drawn, until block {}",
                fields.word("deadline")
            )
        }
        "Assignments.DrawOpened" => "a draw is opened".to_owned(),
        "Tasks.PhaseEntered" => {
            format!("phase {}, until block {}", fields.word("phase"), fields.word("deadline"))
        }
        "Tasks.CommitteeRedrawn" => format!(
            "the committee failed ({}): committee {} is drawn",
            fields.word("failure"),
            fields.word("committee")
        ),
        "Results.Committed" => "committed to an update".to_owned(),
        "Results.Revealed" => format!(
            "revealed update {}, {}, of {} rows",
            fields.word("index"),
            fields.cid("cid"),
            fields.word("samples")
        ),
        "Results.HandedOver" => {
            format!(
                "handed the key over to committee {}: {}",
                fields.word("committee"),
                fields.cid("keys")
            )
        }
        "Validation.ScoresCommitted" => "committed to scores".to_owned(),
        "Validation.ScoresOpened" => "opened its scores".to_owned(),
        "Validation.Judged" => format!("its update was judged: {}", fields.word("outcome")),
        "Validation.Tallied" => format!(
            "committee {} has counted its scores: {} accepted",
            fields.word("committee"),
            fields.word("accepted")
        ),
        "Validation.Attested" => format!("attested {}", fields.cid("cid")),
        "Tasks.RoundSettled" => {
            format!(
                "the round settles with version {}, {}",
                fields.word("version"),
                fields.cid("cid")
            )
        }
        "Tasks.RoundVoided" => format!("the round is void: {}", fields.word("failure")),
        "Tasks.RoundClosed" => {
            format!("all of the round is settled; {} go back to the task", pay("returned"))
        }
        "Validation.Rewarded" => {
            format!("earned {} as {}", pay("amount"), fields.word("role").to_lowercase())
        }
        "Tasks.Paid" => format!("was paid {}{}", pay("amount"), fields.by()),
        "Tasks.PaymentOwed" => {
            format!("is owed {}, which could not be paid: {}", pay("amount"), fields.word("reason"))
        }
        "Tasks.Collected" => {
            format!("was paid {} of what it was owed{}", pay("amount"), fields.by())
        }
        "Validation.Closed" => {
            format!(
                "its row as {} is settled with neither pay nor punishment{}",
                fields.word("role").to_lowercase(),
                fields.by()
            )
        }
        "Validation.Accused" => format!(
            "is accused of {}{}; {} were taken out of its bond",
            fields.word("fault"),
            fields.by(),
            planck("amount")
        ),
        "Disputes.Opened" => format!(
            "case {}, of {}: it can be appealed until block {}",
            fields.word("case"),
            fields.word("fault"),
            fields.word("deadline")
        ),
        "Disputes.Appealed" => {
            format!("case {} is appealed: {} are held", fields.word("case"), planck("bond"))
        }
        "Disputes.Voted" => {
            format!("vote in case {}, guilty: {}", fields.word("case"), fields.word("guilty"))
        }
        "Disputes.Executed" => format!(
            "case {} is executed{}: {} are slashed, {} of them to the task, {} to a reporter; ruling: {}",
            fields.word("case"),
            fields.by(),
            planck("amount"),
            planck("to_harmed"),
            planck("to_reporter"),
            fields.word("ruling")
        ),
        "Disputes.Freed" => format!(
            "the accused of case {} is freed: {} given back, {} for costs",
            fields.word("case"),
            planck("amount"),
            planck("costs")
        ),
        "Challenges.Challenged" => {
            format!(
                "an update is challenged; it can be answered until block {}",
                fields.word("deadline")
            )
        }
        "Challenges.Answered" => {
            format!("a challenge is answered{}; the trainer gets {}", fields.by(), planck("earned"))
        }
        "Challenges.Unanswered" => {
            format!(
                "nobody has answered a challenge: {} were taken out of the trainer's bond",
                planck("taken")
            )
        }
        "Challenges.Lapsed" => "a challenge has lapsed with the round".to_owned(),
        "Golds.GoldAnnounced" => {
            format!("the sponsor announces a gold result: {} are held", planck("deposit"))
        }
        "Golds.GoldRevealed" if fields.word("label") == "Blank" => {
            "a gold result is revealed, which was a blank one".to_owned()
        }
        "Golds.GoldRevealed" => format!(
            "a gold result is revealed, known as {}; confirmed: {}, seats that were wrong: {}",
            fields.word("label").to_lowercase(),
            fields.word("confirmed"),
            fields.word("missed")
        ),
        "Golds.GoldsConcluded" => format!(
            "gold results were not revealed: {} of the deposits are lost, {} given back",
            planck("forfeited"),
            planck("returned")
        ),
        // What a later runtime tells is shown by its name.
        other => format!("{other} {}", step.fields),
    };
    match &step.numbers {
        None => text,
        Some(numbers) => format!("{text}\n  {}", detail(numbers, native, unit)),
    }
}

fn detail(numbers: &Numbers, native: &Properties, unit: &Properties) -> String {
    match numbers {
        Numbers::Draw(draw) => drawn(draw),
        Numbers::Judged(judged) => verdict(judged),
        Numbers::Pay(PayNumbers { pot, weight, weights, amount }) => format!(
            "{} · {weight} / {weights} = {}, rounded down",
            tokens(*pot, unit),
            tokens(*amount, unit)
        ),
        Numbers::Seat(SeatNumbers { updates, compared, mean, largest, .. }) => format!(
            "its scores of {compared} of {updates} updates are {mean} micro-nats off the median in the mean, {largest} at most"
        ),
        Numbers::Gold(GoldNumbers { median, clear, confirmed, said, missed, .. }) => {
            let said = said.map(|said| match said {
                Opinion::Score(score) => format!(", it said {score}"),
                other => format!(", it said {other:?}").to_lowercase(),
            });
            let right = match (confirmed, &said, missed) {
                (false, ..) => ": it counts for nobody",
                (true, None, _) => "",
                (true, Some(_), true) => ": clearly the opposite",
                (true, Some(_), false) => ": not clearly wrong",
            };
            format!(
                "the median is {median}, and what exceeds {clear} is clear{}{right}",
                said.unwrap_or_default()
            )
        }
        Numbers::Fault(FaultNumbers {
            bond,
            percent,
            cost,
            taken,
            to_task,
            to_reporter,
            to_treasury,
            ..
        }) => {
            let amount = |planck: &Balance| tokens(*planck, native);
            format!(
                "{percent} % of {} are {}; {} taken: should it be executed, {} go to the task, {} to a reporter, {} to the treasury",
                amount(bond),
                amount(cost),
                amount(taken),
                amount(to_task),
                amount(to_reporter),
                amount(to_treasury)
            )
        }
    }
}

fn drawn(numbers: &DrawNumbers) -> String {
    let DrawNumbers {
        draw,
        population,
        places,
        seed_block,
        weight,
        peers,
        given,
        slot,
        place,
        drawn,
    } = numbers;
    let what = match draw {
        Draw::Trainers => "trainers".to_owned(),
        Draw::Committee(number) => format!("committee {number}"),
    };
    let what = format!("{what}: {places} of {population} by the seed of block {seed_block}");
    let (Some(slot), Some(weight), Some(peers)) = (slot, weight, peers) else {
        return format!("{what}; not enrolled for it in time, so not drawn");
    };
    // Where not all accounts weigh the same, those of one weight are drawn by themselves.
    let slot = match peers == population {
        true => format!("slot {slot}"),
        false => format!("slot {slot} of {peers} of weight {weight}"),
    };
    match (place, given, drawn) {
        (Some(place), Some(given), true) => {
            format!("{what}; {slot} has place {place}, below {given}: drawn")
        }
        (Some(place), Some(given), false) => {
            format!("{what}; {slot} has place {place}, not below {given}: not drawn")
        }
        _ => format!("{what}; {slot}, but no seed became known while the draw was open"),
    }
}

fn verdict(numbers: &JudgedNumbers) -> String {
    let opinions = numbers.opinions.iter().map(|said| match said.opinion {
        Opinion::Score(score) => score.to_string(),
        Opinion::Unavailable => "unavailable".to_owned(),
        Opinion::Malformed => "malformed".to_owned(),
        Opinion::Copied => "copied".to_owned(),
    });
    let opinions = opinions.collect::<Vec<_>>().join(", ");
    let JudgedNumbers { before, after, total, trend, floor, .. } = numbers;
    let past =
        format!("running score {before} → {after} (bound ±{trend}), T = {total}, floor {floor}");
    match (numbers.outcome, numbers.median) {
        (Outcome::Faulty(fault), _) => {
            format!("seats say {opinions}: most report a fault, {fault:?}; {past}")
        }
        (Outcome::Copied, _) => format!(
            "seats say {opinions}: most have it as a copy of an update that was committed to earlier; {past}: copied, unpaid"
        ),
        (Outcome::Accepted { weight: 0 }, median) => format!(
            "seats say {opinions}, median {}; {past}: accepted for its past, and worth nothing in this round: unpaid",
            median.unwrap_or(0)
        ),
        (Outcome::Accepted { weight }, median) => format!(
            "seats say {opinions}, median {}; {past}: accepted, with weight {weight}",
            median.unwrap_or(0)
        ),
        (Outcome::Rejected, median) => {
            let median = median.unwrap_or(0);
            let why = if i128::from(median) < *floor {
                "below the floor"
            } else if median == 0 && *after > 0 {
                "worth exactly nothing"
            } else {
                "the running score is not positive"
            };
            format!("seats say {opinions}, median {median}; {past}: rejected, {why}")
        }
    }
}

/// The fields of a step.
struct Fields<'a> {
    step: &'a Step,
    who: &'a AccountId,
}

impl Fields<'_> {
    fn amount(&self, field: &str) -> Balance {
        let value = &self.step.fields[field];
        let text = value.as_str().and_then(|text| text.parse().ok());
        value.as_u64().map(Balance::from).or(text).unwrap_or(0)
    }

    /// A number or a name; of what has content, both.
    fn word(&self, field: &str) -> String {
        match &self.step.fields[field] {
            Json::String(text) => text.clone(),
            Json::Null => "-".to_owned(),
            Json::Object(content) => {
                let part = |(name, value): (&String, &Json)| format!("{name} {value}");
                content.iter().map(part).collect::<Vec<_>>().join(", ").replace('"', "")
            }
            value => value.to_string(),
        }
    }

    fn cid(&self, field: &str) -> String {
        let value = &self.step.fields[field];
        let codec = match value["codec"].as_str() {
            Some("Raw") => Some(Codec::Raw),
            Some("DagPb") => Some(Codec::DagPb),
            _ => None,
        };
        let digest = value["digest"].as_str().and_then(bytes_32);
        match codec.zip(digest) {
            Some((codec, digest)) => Cid { codec, digest }.to_string(),
            None => value.to_string(),
        }
    }

    /// Who has brought it about, where it was somebody else.
    fn by(&self) -> String {
        let signer = self.step.by.as_deref().and_then(bytes_32).map(AccountId);
        match signer {
            Some(signer) if signer == *self.who => ", by its own transaction".to_owned(),
            Some(signer) => format!(", by a transaction of {signer}"),
            None => String::new(),
        }
    }
}

fn bytes_32(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix("0x")?;
    let mut bytes = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
