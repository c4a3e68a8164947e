//! `entity-bytes`: the part of a file whose blocks are wanted (IPIP-402).

use std::fmt;

/// From a byte to another one, inclusively; negative ones count from the end. Without an end it is that of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntityBytes {
    from: i64,
    to: Option<i64>,
}

impl EntityBytes {
    /// Reads `FROM:TO` or `FROM:*`; `None` for what is none, or ends before it begins.
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once(':')?;
        let from = from.parse().ok()?;
        let to = match to {
            "*" => None,
            to => Some(to.parse().ok()?),
        };
        let is_turned = |to: i64| (from < 0) == (to < 0) && to < from;
        (!to.is_some_and(is_turned)).then_some(Self { from, to })
    }

    /// The first byte, and the first one after it, in a file of this size; empty where it lies outside.
    pub(super) fn within(self, size: u64) -> (u64, u64) {
        let at = |place: i64| match place < 0 {
            true => size.saturating_sub(place.unsigned_abs()),
            false => size.min(place as u64),
        };
        let end = match self.to {
            None => size,
            // The last byte itself is in it.
            Some(-1) => size,
            Some(to) => at(to.saturating_add(1)),
        };
        (at(self.from), end)
    }
}

impl fmt::Display for EntityBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to {
            Some(to) => write!(f, "{}:{to}", self.from),
            None => write!(f, "{}:*", self.from),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ranges_are_read_as_the_specification_says() {
        for (text, within) in [
            ("0:*", (0, 100)),
            ("0:0", (0, 1)),
            ("5:9", (5, 10)),
            ("5:1000", (5, 100)),
            ("-10:*", (90, 100)),
            ("-10:-1", (90, 100)),
            ("-10:-5", (90, 96)),
            ("0:-1", (0, 100)),
            ("0:-101", (0, 0)),
            ("-1000:3", (0, 4)),
            ("100:*", (100, 100)),
            ("9223372036854775807:*", (100, 100)),
            ("0:9223372036854775807", (0, 100)),
            ("-9223372036854775808:*", (0, 100)),
        ] {
            let range = EntityBytes::parse(text).unwrap();
            assert_eq!(range.within(100), within, "{text}");
            assert_eq!(range.to_string(), text);
        }
        for text in
            ["", ":", "0", "0:", ":5", "*:5", "9:5", "-5:-9", "1:2:3", "0:9223372036854775808"]
        {
            assert_eq!(EntityBytes::parse(text), None, "{text}");
        }
    }
}
