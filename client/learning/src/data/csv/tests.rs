#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;

fn read(text: &str, options: &CsvOptions) -> Result<Dataset, String> {
    read_csv(text.as_bytes(), "rows.csv", options).map_err(|error| error.to_string())
}

fn error(text: &str) -> String {
    read(text, &CsvOptions::default()).unwrap_err()
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_by_its_kind() {
    // More than a buffer, and less: the first fails at a row, the second at the end.
    for rows in [20_000, 1] {
        let data = Dataset::new(vec![0.5; rows], vec![0; rows], 1, 1).unwrap();
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        match write_csv(&data, full, "rows.csv") {
            Err(DataError::Io { file, source }) => {
                assert_eq!(source.kind(), io::ErrorKind::StorageFull, "{rows}");
                assert_eq!(file, "rows.csv");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn rows_are_read_with_and_without_a_header() {
    let expected = Dataset::new(vec![1.0, 2.5, -3.0, 4e-3], vec![0, 1], 2, 2).unwrap();
    let plain = CsvOptions::default();
    assert_eq!(read("1,2.5,0\n-3, 4e-3 ,1\n", &plain).unwrap(), expected);
    assert_eq!(read("a,b,label\r\n1,2.5,0\r\n\r\n-3,4e-3,1", &plain).unwrap(), expected);
    assert_eq!(read("\u{feff}1,2.5,0\n-3,4e-3,1\n", &plain).unwrap(), expected);
    let named = CsvOptions { label: Some("digit".into()), ..plain.clone() };
    assert_eq!(read("digit,a,b\n0,1,2.5\n1,-3,4e-3\n", &named).unwrap(), expected);
    let mixed = CsvOptions { label: Some("label".into()), ..plain.clone() };
    assert_eq!(read("0,1,label\n1,2.5,0\n-3,4e-3,1\n", &mixed).unwrap(), expected);
    let numbered = CsvOptions { header: Header::Present, ..plain };
    assert_eq!(read("0,1,2\n1,2.5,0\n-3,4e-3,1\n", &numbered).unwrap(), expected);
}

#[test]
fn features_are_scaled_and_classes_may_be_given() {
    let options = CsvOptions { scale: 0.5, classes: Some(10), ..CsvOptions::default() };
    let data = read("1,3\n2,0\n", &options).unwrap();
    assert_eq!(data.features(), [0.5, 1.0]);
    assert_eq!(data.classes(), 10);
}

#[test]
fn errors_name_the_line_and_what_was_expected() {
    assert_eq!(
        error("1,2,0\n1,0\n"),
        "rows.csv, line 2: 2 columns, expected 3; give every row the same, separated by commas"
    );
    assert!(error("1,2,0\n\n1,2,3,0\n").contains("line 3: 4 columns, expected 3"));
    assert_eq!(
        error("a,b,label\n1,2,0\n1,oops,0\n"),
        "rows.csv, line 3: column 2: expected a number, found `oops`; correct or remove the row"
    );
    assert!(error("1,2,0\n1,,0\n").contains("line 2: column 2: expected a number, found ``"));
    assert!(error("1,2,0\n1,NaN,0\n").contains("line 2: column 2: expected a number"));
    assert_eq!(
        error("1,2,0\n1,2,cat\n"),
        "rows.csv, line 2: column 3: expected a label, which is a whole number from 0, found `cat`; correct or remove the row"
    );
    assert!(error("1,2,-1\n").contains("line 1: column 3: expected a label"));
    assert!(
        error("1,x,0\n")
            .contains("if this line is a header, name its label column with --label-column")
    );
    assert!(error("1\n2\n").contains("line 1: 1 columns, expected 2"));
    assert!(error("1,70000\n").contains("label 70000 is out of range"));
    assert!(error("").starts_with("rows.csv: no rows; give a file with some"));
    assert!(error("a,b,label\n").starts_with("rows.csv: no rows"));
}

#[test]
fn labels_out_of_range_are_refused() {
    let options = CsvOptions { classes: Some(2), ..CsvOptions::default() };
    assert_eq!(
        read("1,0\n1,2\n", &options).unwrap_err(),
        "rows.csv, line 2: the label 2 is out of range: there are 2 classes, from 0 to 1; set --classes to 3 or more, or correct the file"
    );
}

#[test]
fn a_label_column_that_is_not_there_is_refused() {
    let options = CsvOptions { label: Some("digit".into()), ..CsvOptions::default() };
    let error = read("a,b\n1,2\n", &options).unwrap_err();
    let start = "rows.csv: there is no column `digit`; the header has: a, b. Name one of them";
    assert!(error.starts_with(start) && error.contains("--label-column"), "{error}");
    assert!(read("1,2\n", &options).unwrap_err().contains("the first line is a row of numbers"));
}

#[test]
fn bytes_that_are_not_text_are_refused() {
    let error = read_csv(&b"1,0\n\xff,0\n"[..], "rows.csv", &CsvOptions::default());
    assert_eq!(
        error.unwrap_err().to_string(),
        "rows.csv, line 2: column 1: not text in UTF-8; save the file as UTF-8"
    );
}

#[test]
fn the_limits_hold() {
    let limits =
        |rows, bytes| CsvOptions { limits: Limits { rows, bytes }, ..CsvOptions::default() };
    let text = "1,0\n2,1\n3,0\n";
    assert!(read(text, &limits(3, 12)).is_ok());
    assert!(read(text, &limits(2, 12)).unwrap_err().contains("more than 2 rows"));
    assert!(read(text, &limits(3, 11)).unwrap_err().contains("more than 11 bytes"));
    let endless = std::io::repeat(b'7');
    let error = read_csv(endless, "zeros", &limits(3, 1_000)).unwrap_err();
    assert!(error.to_string().contains("more than 1000 bytes"));
}

#[test]
fn what_is_written_reads_back_exactly() {
    let data = super::super::digits().unwrap().subset(&[0, 5, 9]);
    let mut bytes = Vec::new();
    write_csv(&data, &mut bytes, "rows.csv").unwrap();
    let options = CsvOptions { classes: Some(10), ..CsvOptions::default() };
    assert_eq!(read_csv(bytes.as_slice(), "rows.csv", &options).unwrap(), data);
}

#[test]
fn labels_may_be_names() {
    let names = vec!["cat".to_owned(), "dog".to_owned(), "fox".to_owned()];
    let options = CsvOptions { names, ..CsvOptions::default() };
    let data = read("w,h,kind\n1,2,dog\n3,4,cat\n", &options).unwrap();
    assert_eq!((data.labels(), data.classes(), data.names().len()), (&[1, 0][..], 3, 3));
    let error = read("w,h,kind\n1,2,cow\n", &options).unwrap_err();
    assert!(error.contains("line 2: column 3: `cow` is none of the classes' names"), "{error}");
}

#[test]
fn the_last_columns_may_be_quantities_and_one_may_group_the_rows() {
    let options = CsvOptions {
        quantities: 2,
        group: Some("who".to_owned()),
        scale: 0.5,
        ..CsvOptions::default()
    };
    for text in [
        "who,a,y,z\nann,2,3,4\nbob,4,5,6\nann,6,7,8\n",
        "a,y,z,who\n2,3,4,ann\n4,5,6,bob\n6,7,8,ann\n",
    ] {
        let data = read(text, &options).unwrap();
        assert_eq!((data.features(), data.quantities()), (&[1.0, 2.0, 3.0][..], 2), "{text}");
        assert_eq!((data.quantities_of(1), data.groups()), (&[5.0, 6.0][..], &[0, 1, 0][..]));
        assert_eq!(data.subset(&[2, 1]).groups(), [0, 1]);
        assert_eq!(data.subset(&[2]).quantities_of(0), [7.0, 8.0]);
    }
    let error = read("a,y,z\n1,2,3\n", &options).unwrap_err();
    assert!(
        error.contains("there is no column `who`") && error.contains("--group-column"),
        "{error}"
    );
    let error = read("who,y,z\nann,2,3\n", &options).unwrap_err();
    assert!(error.contains("line 2: 3 columns, expected 4"), "{error}");
    let data = read("who,a,y,z\nann,2,3,4\n", &options).unwrap();
    let mut bytes = Vec::new();
    write_csv(&data, &mut bytes, "rows.csv").unwrap();
    assert_eq!(bytes, b"1,3,4\n");
}

#[test]
fn bad_rows_leave_nothing_behind_when_they_are_skipped() {
    let text = "a,b,label\n1,2,0\n3,oops,0\n3,4\n5,6,x\n7,8,1\n";
    let skip = |allowed| {
        let mut bad = BadRows::skip_up_to(allowed);
        let data = read_rows(text.as_bytes(), "rows.csv", &CsvOptions::default(), &mut bad);
        data.map(|data| (data, bad)).map_err(|error| error.to_string())
    };
    let (data, bad) = skip(3).unwrap();
    assert_eq!((data.features(), data.labels()), (&[1.0, 2.0, 7.0, 8.0][..], &[0, 1][..]));
    assert_eq!(bad.count(), 3);
    assert!(bad.messages()[1].starts_with("rows.csv, line 4: 2 columns, expected 3"));
    let error = skip(2).unwrap_err();
    assert!(
        error.starts_with("more than 2 rows cannot be used; this is the next: rows.csv, line 5"),
        "{error}"
    );
    assert!(skip(0).unwrap_err().starts_with("rows.csv, line 3: column 2"));
}

#[test]
fn a_single_quantity_is_the_last_column_or_the_one_that_is_named() {
    let one = CsvOptions { quantities: 1, ..CsvOptions::default() };
    let expected =
        Dataset::with_quantities(vec![1.0, 2.0, 3.0, 4.0], vec![0.5, -1.0], 2, 1).unwrap();
    assert_eq!(read("1,2,0.5\n3,4,-1\n", &one).unwrap(), expected);
    let named = CsvOptions { label: Some("price".into()), ..one };
    assert_eq!(read("a,price,b\n1,0.5,2\n3,-1,4\n", &named).unwrap(), expected);
    assert_eq!(read("a,b,price\n1,2,0.5\n3,4,-1\n", &named).unwrap(), expected);
    let error = read("a,b,cost\n1,2,0.5\n", &named).unwrap_err();
    assert!(error.contains("there is no column `price`"), "{error}");
    // Several are the last columns, whatever is named.
    let two = CsvOptions { quantities: 2, ..named };
    let data = read("a,price,b\n1,0.5,2\n", &two).unwrap();
    assert_eq!((data.features(), data.quantities_of(0)), (&[1.0][..], &[0.5, 2.0][..]));
}
