//! Names with numbers in them.

/// A key that sorts `layers.10` behind `layers.2`.
pub(crate) fn key(name: &str) -> Vec<(String, u64)> {
    let mut key = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (text, after) = rest.split_at(digits);
        let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (number, after) = after.split_at(end);
        key.push((text.to_owned(), number.parse().unwrap_or(u64::MAX)));
        rest = after;
    }
    key
}

/// The name with `#` in place of its numbers.
pub(crate) fn pattern(name: &str) -> String {
    key(name).iter().map(|(text, _)| format!("{text}#")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_as_numbers() {
        let mut names = ["layers.10.bias", "layers.2.weight", "layers.2.bias", "a", "layers.9"];
        names.sort_by_key(|name| key(name));
        assert_eq!(names, ["a", "layers.2.bias", "layers.2.weight", "layers.9", "layers.10.bias"]);
        assert_eq!(pattern("fc1.weight"), pattern("fc22.weight"));
        assert_ne!(pattern("fc1.weight"), pattern("out1.weight"));
    }
}
