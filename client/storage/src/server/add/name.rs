//! Names of the parts of an upload.

/// Most bytes of one name: what file systems have.
const MAX_NAME: usize = 255;
/// Most bytes and names of a path; with more nobody could ask for what is there.
const MAX_PATH: usize = 4096;
const MAX_DEPTH: usize = 64;

/// The names that lead to a file or a directory; none for a part without a name.
pub type Path = Vec<String>;

/// Why a name is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Only bytes that are text can be asked for again.
    #[error("the name {0:?} is not UTF-8; rename the file and add it again")]
    NotText(String),
    /// It is too long, or leads too deep.
    #[error(
        "the name {0:?} is too long: a name may have {MAX_NAME} bytes, a path {MAX_PATH} and {MAX_DEPTH} names"
    )]
    TooLong(String),
}

/// Reads a part's file name as clients send it, in the escapes of a query, and takes `.`, `..` and empty names out of it, as Kubo
/// does: nothing leads above the root.
pub fn path(sent: &str) -> Result<Path, NameError> {
    let excerpt = || sent.chars().take(80).collect();
    if sent.len() > 3 * MAX_PATH {
        return Err(NameError::TooLong(excerpt()));
    }
    let text = String::from_utf8(unescaped(sent)).map_err(|_| NameError::NotText(excerpt()))?;
    let mut path = Path::new();
    for name in text.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(path.pop()),
            _ => path.push(name.to_owned()),
        }
    }
    let bytes = path.iter().map(|name| name.len() + 1).sum::<usize>();
    let is_long = path.len() > MAX_DEPTH || bytes > MAX_PATH;
    if is_long || path.iter().any(|name| name.len() > MAX_NAME) {
        return Err(NameError::TooLong(excerpt()));
    }
    Ok(path)
}

/// A name without its escapes; one that is not well-formed is taken as it is.
fn unescaped(name: &str) -> Vec<u8> {
    let mut bytes = name.bytes();
    let mut out = Vec::with_capacity(name.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || Some(char::from(bytes.next()?).to_digit(16)? as u8);
                let (Some(high), Some(low)) = (digit(), digit()) else { return name.into() };
                high << 4 | low
            }
            other => other,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_unescaped_or_left_alone() {
        for (sent, names) in [
            ("words.txt", &["words.txt"][..]),
            ("a+b%20c.txt", &["a b c.txt"]),
            ("%C3%BCber%2Bund", &["über+und"]),
            ("%2Fetc%2f", &["etc"]),
            ("100%", &["100%"]),
            ("5%2", &["5%2"]),
            ("a+b%zz", &["a+b%zz"]),
            ("d%2F..%2F.%2F%2Fe/f", &["e", "f"]),
            ("../../x", &["x"]),
            ("", &[]),
            ("/", &[]),
        ] {
            assert_eq!(path(sent).unwrap(), names, "{sent}");
        }
    }

    #[test]
    fn names_that_nobody_could_ask_for_are_refused() {
        let deep = |names: usize| vec!["d"; names].join("/");
        assert!(matches!(path("%ff"), Err(NameError::NotText(_))));
        for (sent, fits) in [
            ("n".repeat(255), true),
            ("n".repeat(256), false),
            (deep(64), true),
            (deep(65), false),
            (vec!["n".repeat(200); 21].join("/"), false),
            ("n".repeat(1 << 20), false),
        ] {
            assert_eq!(path(&sent).is_ok(), fits, "{} bytes", sent.len());
        }
        let error = path(&"%00".repeat(300)).unwrap_err().to_string();
        assert!(error.contains("too long") && error.len() < 1000, "{error}");
    }
}
