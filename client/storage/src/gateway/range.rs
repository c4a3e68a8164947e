//! `Range: bytes=…` (RFC 9110, section 14).

/// What a request wants of the bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of them.
    Whole,
    /// `length` bytes from `offset` on, at least one.
    Piece { offset: u64, length: u64 },
    /// None that there are.
    Outside,
}

/// Reads the header. What is no range of bytes is ignored, as the standard says; of several ranges the first is taken, as
/// Kubo does.
pub(super) fn parse(header: Option<&str>, size: u64) -> Part {
    let Some(ranges) = header.and_then(|text| text.trim().strip_prefix("bytes=")) else {
        return Part::Whole;
    };
    let first = ranges.split(',').next().unwrap_or_default().trim();
    let Some((from, to)) = first.split_once('-') else { return Part::Whole };
    let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a size has mean the end.
        true => Some(text.parse().unwrap_or(u64::MAX)),
        false => None,
    };
    let (Some(from_number), Some(to_number)) = (number(from), number(to)) else {
        return Part::Whole;
    };
    let (offset, end) = match (from.is_empty(), to.is_empty()) {
        (true, true) => return Part::Whole,
        (true, false) => (size.saturating_sub(to_number), size),
        (false, true) => (from_number, size),
        (false, false) if to_number < from_number => return Part::Whole,
        (false, false) => (from_number, to_number.saturating_add(1).min(size)),
    };
    match end.checked_sub(offset) {
        None | Some(0) => Part::Outside,
        Some(length) => Part::Piece { offset, length },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        let piece = |offset, length| Part::Piece { offset, length };
        for (header, part) in [
            ("bytes=0-0", piece(0, 1)),
            ("bytes=2-3", piece(2, 2)),
            ("bytes=2-", piece(2, 8)),
            ("bytes=-3", piece(7, 3)),
            ("bytes=-30", piece(0, 10)),
            ("bytes=5-99999999999999999999999", piece(5, 5)),
            ("bytes=0-1, 4-5", piece(0, 2)),
            ("bytes=10-", Part::Outside),
            ("bytes=10-12", Part::Outside),
            ("bytes=-0", Part::Outside),
            ("bytes=3-2", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("lines=1-2", Part::Whole),
        ] {
            assert_eq!(parse(Some(header), 10), part, "{header}");
        }
        assert_eq!(parse(None, 10), Part::Whole);
        assert_eq!(parse(Some("bytes=0-"), 0), Part::Outside);
    }
}
