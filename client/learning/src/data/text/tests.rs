#![allow(clippy::unwrap_used)]
use super::*;

fn read(text: &[u8], steps: usize, skip: usize) -> Result<(Dataset, BadRows), String> {
    let limits = Limits { rows: 100, bytes: 1_000 };
    let options = TextOptions { steps, vocabulary: "ab\n".to_owned(), limits };
    let mut bad = BadRows::skip_up_to(skip);
    let data = read_text(text, "text", &options, &mut bad).map_err(|error| error.to_string())?;
    Ok((data, bad))
}

#[test]
fn every_row_is_followed_by_its_label_with_which_the_next_starts() {
    let (data, _) = read(b"abb\r\nba\nb", 3, 0).unwrap();
    // a b b | \n b a | \n b: the last row is not full.
    assert_eq!(data.features(), [0.0, 1.0, 1.0, 2.0, 1.0, 0.0]);
    assert_eq!((data.labels(), data.classes(), data.shape()), (&[2, 2][..], 3, &[3][..]));
    assert_eq!(data.names(), ["a", "b", "\n"]);
    assert_eq!(data.next_tokens(0).collect::<Vec<_>>(), [1, 1, 2]);
}

#[test]
fn characters_that_are_not_in_the_vocabulary_are_named_or_skipped() {
    let text = b"ab\naxb\nab\nab";
    assert_eq!(
        read(text, 2, 0).unwrap_err(),
        "text, line 2: the character 'x' is not in the vocabulary; remove it, or declare a vocabulary that has it"
    );
    // a b \n | \n a x | x b \n | \n a b | b \n a: the second lacks its label, the third its first token.
    let (data, bad) = read(text, 2, 2).unwrap();
    assert_eq!(data.features(), [0.0, 1.0, 2.0, 0.0, 1.0, 2.0]);
    assert_eq!(data.labels(), [2, 1, 0]);
    assert_eq!((bad.count(), bad.messages().len()), (2, 2));
    let error = read(text, 2, 1).unwrap_err();
    assert!(
        error.starts_with("more than 1 rows cannot be used; this is the next: text, line 2"),
        "{error}"
    );
}

#[test]
fn what_is_no_text_is_refused() {
    assert!(read(b"ab\xff", 2, 9).unwrap_err().contains("line 1: not text in UTF-8"));
    assert!(read(b"ab", 2, 9).unwrap_err().starts_with("text: no rows"));
    assert!(read(&b"a".repeat(1_001), 2, 9).unwrap_err().contains("more than 1000 bytes"));
    assert!(read(&b"a\n".repeat(200), 1, 9).unwrap_err().contains("more than 100 rows"));
    assert!(read(b"ab", 0, 9).unwrap_err().contains("at least one step"));
    assert_eq!(ascii().chars().count(), 96);
}
