//! What people write, and what the chain counts in: amounts, shares, sizes, decimals, times.

mod weight;

use decentralml_sdk::Properties;
use decentralml_types::{Asset, Balance, Ppm, Role};
use serde::{Deserialize, Deserializer, de::Error as _};
use std::{fmt, str::FromStr, time::Duration};

pub use weight::Weight;

const MILLION: u64 = 1_000_000;

/// An amount as it was written: `10 DML`, `0.5 DML`, `250 planck`, or a bare `10`, which is in whole tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    whole: u128,
    /// Digits after the point, without trailing zeros.
    fraction: String,
    unit: Option<String>,
}

impl FromStr for Amount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no amount; write it like `10 DML`, `0.5 DML` or `250 planck`");
        let text = text.trim();
        let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '_')));
        let (number, unit) = text.split_at(end.unwrap_or(text.len()));
        let number = number.replace('_', "");
        let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
        if whole.is_empty() || fraction.contains('.') || number.ends_with('.') {
            return Err(wrong());
        }
        let unit = unit.trim();
        if !unit.chars().all(char::is_alphabetic) {
            return Err(wrong());
        }
        Ok(Self {
            whole: whole.parse().map_err(|_| wrong())?,
            fraction: fraction.trim_end_matches('0').to_owned(),
            unit: (!unit.is_empty()).then(|| unit.to_owned()),
        })
    }
}

impl Amount {
    /// In planck. Errors say which unit the chain has, or that the amount is finer than a planck or too large.
    pub fn planck(&self, token: &Properties) -> Result<Balance, String> {
        let decimals = match self.unit.as_deref() {
            Some("planck") => 0,
            Some(unit) if unit.eq_ignore_ascii_case(&token.symbol) => token.decimals,
            None => token.decimals,
            Some(unit) => {
                return Err(format!(
                    "`{self}`: the token is {} here, not {unit}; `planck` is its smallest unit",
                    token.symbol
                ));
            }
        };
        let digits = self.fraction.len();
        if digits > usize::from(decimals) {
            return Err(format!("`{self}` is finer than a planck, the smallest unit"));
        }
        let too_large = || format!("`{self}` is more than can exist");
        let scale = 10_u128.checked_pow(decimals.into()).ok_or_else(too_large)?;
        let fraction = match digits {
            0 => 0,
            _ => self
                .fraction
                .parse::<u128>()
                .ok()
                .and_then(|f| f.checked_mul(10_u128.pow(u32::from(decimals) - digits as u32)))
                .ok_or_else(too_large)?,
        };
        self.whole
            .checked_mul(scale)
            .and_then(|whole| whole.checked_add(fraction))
            .ok_or_else(too_large)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.whole)?;
        if !self.fraction.is_empty() {
            write!(f, ".{}", self.fraction)?;
        }
        self.unit.as_ref().map_or(Ok(()), |unit| write!(f, " {unit}"))
    }
}

/// An amount for people: every planck is there, zeros at the end are not.
pub fn tokens(planck: Balance, token: &Properties) -> String {
    token.tokens(planck)
}

/// The difference of two amounts, with its sign.
pub fn change(before: Balance, after: Balance, token: &Properties) -> String {
    match after.checked_sub(before) {
        Some(0) => tokens(0, token),
        Some(more) => format!("+{}", tokens(more, token)),
        None => format!("-{}", tokens(before - after, token)),
    }
}

/// A share: `95 %`, or a decimal between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(pub Ppm);

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no share; write it like `95 %` or `0.95`");
        let (number, scale) = match text.trim().strip_suffix('%') {
            Some(percent) => (percent.trim_end(), MILLION / 100),
            None => (text.trim(), MILLION),
        };
        let value: f64 = number.parse().map_err(|_| wrong())?;
        let ppm = exact(value * scale as f64).ok_or_else(wrong)?;
        match u32::try_from(ppm) {
            Ok(ppm) if u64::from(ppm) <= MILLION => Ok(Self(ppm)),
            _ => Err(format!("`{text}` is not between 0 and 100 %")),
        }
    }
}

/// A ppm for people: `95.3 %`.
pub fn percent(ppm: Ppm) -> String {
    let text = format!("{:.2}", f64::from(ppm) / 1e4);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A decimal that the chain keeps in millionths, such as a learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal(pub u32);

impl FromStr for Decimal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let value: f64 = text
            .trim()
            .parse()
            .map_err(|_| format!("`{text}` is no number; write it like 0.05"))?;
        exact(value * MILLION as f64).and_then(|n| u32::try_from(n).ok()).map(Self).ok_or_else(
            || {
                format!(
                    "`{text}` must be between 0 and 4294 with at most six digits after the point"
                )
            },
        )
    }
}

/// A number of bytes: `1 MiB`, `500 kB`, `4096`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no size; write it like `1 MiB`, `500 kB` or `4096`");
        let text = text.trim();
        let end = text.find(|c: char| !(c.is_ascii_digit() || c == '_')).unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let number: u64 = number.replace('_', "").parse().map_err(|_| wrong())?;
        let unit = match unit.trim() {
            "" | "B" => 1,
            "kB" | "KB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(wrong()),
        };
        number.checked_mul(unit).map(Self).ok_or_else(wrong)
    }
}

/// A time for people, in its two largest units: `18 s`, `2 min 30 s`, `1 h 5 min`, `2 d 3 h`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let first = parts.iter().position(|(number, _)| *number > 0).unwrap_or(parts.len() - 1);
    let shown = parts.iter().skip(first).take(2).filter(|(number, _)| *number > 0 || seconds == 0);
    let texts: Vec<String> = shown.map(|(number, unit)| format!("{number} {unit}")).collect();
    texts.join(" ")
}

/// What a task pays in, as it is written: `native`, or the number of an asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PaidIn(pub Asset);

impl FromStr for PaidIn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "native" => Ok(Self(Asset::Native)),
            number => number.parse().map(|id| Self(Asset::Id(id))).map_err(|_| {
                format!("`{text}` is no asset; write `native`, or the number of one, like 7")
            }),
        }
    }
}

/// A role as it is written on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum RoleArg {
    /// Owns data, trains on it, sends updates.
    Trainer,
    /// Sits on drawn committees: scores updates, recomputes the aggregate.
    Evaluator,
    /// Makes blocks and finalizes them, where the council has appointed it.
    Validator,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Trainer => Self::Trainer,
            RoleArg::Evaluator => Self::Evaluator,
            RoleArg::Validator => Self::Validator,
        }
    }
}

/// A role for people.
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Trainer => "trainer",
        Role::Evaluator => "evaluator",
        Role::Validator => "validator",
    }
}

/// The whole number that `value` stands for, but for the error of a decimal in binary.
fn exact(value: f64) -> Option<u64> {
    let whole = value.round();
    let close = (value - whole).abs() <= 1e-6 * whole.abs().clamp(1.0, 1e3);
    (close && (0.0..1e15).contains(&whole)).then_some(whole as u64)
}

/// TOML writes some of these as numbers and some as text; both are read.
macro_rules! from_toml {
    ($($name:ident),+) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Written::deserialize(deserializer)?.text().parse().map_err(D::Error::custom)
            }
        }
    )+};
}

from_toml!(Amount, Share, Decimal, Size, PaidIn);

#[derive(Deserialize)]
#[serde(untagged, expecting = "a number or a text with a unit")]
enum Written {
    Whole(u64),
    Number(f64),
    Text(String),
}

impl Written {
    fn text(&self) -> String {
        match self {
            Self::Whole(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn token() -> Properties {
        Properties { symbol: "DML".to_owned(), decimals: 12, ss58: 42 }
    }

    fn planck(text: &str) -> Result<Balance, String> {
        text.parse::<Amount>()?.planck(&token())
    }

    #[test]
    fn amounts_are_exact_to_the_planck() {
        assert_eq!(planck("10 DML"), Ok(10_000_000_000_000));
        assert_eq!(planck("10"), Ok(10_000_000_000_000));
        assert_eq!(planck("0.5dml"), Ok(500_000_000_000));
        assert_eq!(planck("1.000000000001 DML"), Ok(1_000_000_000_001));
        assert_eq!(planck("1_000 planck"), Ok(1_000));
        assert_eq!(planck("0.50"), planck("0.5"));
    }

    #[test]
    fn an_asset_is_native_or_a_number() {
        assert_eq!("native".parse(), Ok(PaidIn(Asset::Native)));
        assert_eq!("7".parse(), Ok(PaidIn(Asset::Id(7))));
        assert!("LAB".parse::<PaidIn>().unwrap_err().contains("the number of one"));
    }

    #[test]
    fn what_is_no_amount_says_how_to_write_one() {
        for text in ["", "DML", "-1 DML", "1.2.3", "1.", ".5", "1 D-M", "1,5 DML", "1e3"] {
            assert!(planck(text).is_err(), "{text}");
        }
        assert!(planck("5 DOT").unwrap_err().contains("token is DML"));
        assert!(planck("1.0000000000001 DML").unwrap_err().contains("finer than a planck"));
        assert!(planck("0.5 planck").unwrap_err().contains("finer than a planck"));
        assert!(planck(&format!("{} DML", u128::MAX)).unwrap_err().contains("more than can exist"));
    }

    #[test]
    fn amounts_are_shown_as_they_are_written() {
        for text in ["10 DML", "0.5 DML", "1.000000000001 DML", "0 DML"] {
            assert_eq!(tokens(planck(text).unwrap(), &token()), text);
        }
        assert_eq!(change(5, 5, &token()), "0 DML");
        assert_eq!(change(0, 10_u128.pow(12), &token()), "+1 DML");
        assert_eq!(change(10_u128.pow(12), 0, &token()), "-1 DML");
    }

    #[test]
    fn shares_are_percent_or_decimals() {
        assert_eq!("95 %".parse(), Ok(Share(950_000)));
        assert_eq!("95.3%".parse(), Ok(Share(953_000)));
        assert_eq!("0.95".parse(), Ok(Share(950_000)));
        assert_eq!("1".parse(), Ok(Share(1_000_000)));
        assert!("101 %".parse::<Share>().unwrap_err().contains("between 0 and 100"));
        assert!("-1".parse::<Share>().is_err() && "many".parse::<Share>().is_err());
        assert_eq!(percent(953_000), "95.3 %");
        assert_eq!(percent(1_000_000), "100 %");
        assert_eq!(percent(0), "0 %");
    }

    #[test]
    fn times_have_their_two_largest_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (18, "18 s"),
            (60, "1 min"),
            (150, "2 min 30 s"),
            (3_600, "1 h"),
            (3_905, "1 h 5 min"),
            (3_605, "1 h"),
            (183_600, "2 d 3 h"),
        ] {
            assert_eq!(duration(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn decimals_and_sizes_are_whole_in_the_chains_units() {
        assert_eq!("0.1".parse(), Ok(Decimal(100_000)));
        assert_eq!("0.000001".parse(), Ok(Decimal(1)));
        assert!("0.0000001".parse::<Decimal>().is_err() && "-0.1".parse::<Decimal>().is_err());
        assert!("NaN".parse::<Decimal>().is_err());
        assert_eq!("1 MiB".parse(), Ok(Size(1 << 20)));
        assert_eq!("500kB".parse(), Ok(Size(500_000)));
        assert_eq!("4096".parse(), Ok(Size(4_096)));
        assert!("1 mib".parse::<Size>().is_err() && "".parse::<Size>().is_err());
    }
}
