#![allow(clippy::unwrap_used)]
use std::io::Write;

use super::*;
use crate::random::{Purpose, Stream};

/// A file of a header `[width, height, depth, color type, interlaced]` and filtered lines.
fn png(
    [width, height, depth, color, interlaced]: [u32; 5],
    palette: &[u8],
    lines: &[u8],
) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([depth as u8, color as u8, 0, 0, interlaced as u8]);
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(lines).unwrap();
    let packed = packed.finish().unwrap();
    let (first, second) = packed.split_at(packed.len() / 2);
    let mut parts = vec![(b"IHDR", header.as_slice()), (b"tEXt", b"Title\0none".as_slice())];
    if !palette.is_empty() {
        parts.push((b"PLTE", palette));
    }
    parts.extend([(b"IDAT", first), (b"IDAT", second), (b"IEND", &[])]);
    for (kind, data) in parts {
        let part = [kind.as_slice(), data].concat();
        let mut sum = flate2::Crc::new();
        sum.update(&part);
        file.extend((data.len() as u32).to_be_bytes());
        file.extend(&part);
        file.extend(sum.sum().to_be_bytes());
    }
    file
}

fn gray(width: u32, height: u32, values: &[u8]) -> Vec<u8> {
    let lines: Vec<u8> =
        values.chunks(width as usize).flat_map(|line| [&[0], line].concat()).collect();
    png([width, height, 8, 0, 0], &[], &lines)
}

/// Two classes: gray images of 3 × 2 pixels.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (class, name, value) in [("cat", "b.png", 51), ("cat", "a.png", 0), ("dog", "x.png", 255)] {
        fs::create_dir_all(folder.path().join(class)).unwrap();
        let image = gray(3, 2, &[value, value, value, value, value, 102]);
        fs::write(folder.path().join(class).join(name), image).unwrap();
    }
    fs::write(folder.path().join(".hidden"), "x").unwrap();
    folder
}

/// A folder of one class that has these files.
fn of(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("a")).unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join("a").join(name), bytes).unwrap();
    }
    folder
}

fn read(folder: &Path, names: &[&str], skip: usize) -> Result<(Dataset, BadRows), String> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut bad = BadRows::skip_up_to(skip);
    let limits = Limits { rows: 100, bytes: 1 << 20 };
    let data = read_images(folder, 1.0 / 255.0, &names, limits, &mut bad);
    Ok((data.map_err(|error| error.to_string())?, bad))
}

/// What a file decodes to: channels, and the values.
fn decoded(bytes: &[u8]) -> Result<(usize, Vec<u8>), String> {
    let pixels = Found::new(bytes)?.decode()?;
    Ok((pixels.channels, pixels.values))
}

#[test]
fn folders_are_classes_and_files_are_rows_in_the_order_of_their_names() {
    let folder = folder();
    let (data, _) = read(folder.path(), &[], 0).unwrap();
    assert_eq!((data.rows(), data.columns(), data.labels()), (3, 6, &[0, 0, 1][..]));
    assert_eq!(
        (data.shape(), data.names()),
        (&[1, 2, 3][..], &["cat".to_owned(), "dog".to_owned()][..])
    );
    assert_eq!(data.row(0).unwrap().0, [0.0, 0.0, 0.0, 0.0, 0.0, 102.0 * (1.0 / 255.0)]);
    let (data, _) = read(folder.path(), &["dog", "fox", "cat"], 0).unwrap();
    assert_eq!((data.labels(), data.classes()), (&[0, 2, 2][..], 3));
    let error = read(folder.path(), &["dog"], 0).unwrap_err();
    assert!(error.contains("the folder `cat` is none of the classes dog"), "{error}");
}

#[test]
fn colors_are_told_apart_channel_by_channel() {
    let image = png([2, 1, 8, 2, 0], &[], &[0, 255, 0, 51, 0, 255, 0]);
    let folder = of(&[("1.png", &image), ("2.png", &gray(2, 1, &[51, 0]))]);
    let (data, _) = read(folder.path(), &[], 0).unwrap();
    assert_eq!((data.rows(), data.shape()), (2, &[3, 1, 2][..]));
    let fifth = 51.0 * (1.0 / 255.0);
    assert_eq!(data.row(0).unwrap().0, [1.0, 0.0, 0.0, 1.0, fifth, 0.0]);
    assert_eq!(data.row(1).unwrap().0, [fifth, 0.0, fifth, 0.0, fifth, 0.0]);
    // Where the first is gray, colors become as bright.
    let folder = of(&[("1.png", &gray(2, 1, &[51, 0])), ("2.png", &image)]);
    let (data, _) = read(folder.path(), &[], 0).unwrap();
    let bright = |value: u32| (value / 10_000) as f32 * (1.0 / 255.0);
    let expected = [bright(2_126 * 255 + 722 * 51), bright(7_152 * 255)];
    assert_eq!((data.shape(), data.row(1).unwrap().0), (&[1, 1, 2][..], &expected[..]));
}

#[test]
fn every_kind_of_png_is_read() {
    // The same two pixels in every color type.
    let palette = [10, 20, 30, 255, 0, 128];
    let color = vec![10, 20, 30, 255, 0, 128];
    for (header, lines, expected) in [
        ([2, 1, 8, 2, 0], vec![0, 10, 20, 30, 255, 0, 128], (3, color.clone())),
        ([2, 1, 8, 6, 0], vec![0, 10, 20, 30, 7, 255, 0, 128, 9], (3, color.clone())),
        ([2, 1, 8, 3, 0], vec![0, 0, 1], (3, color.clone())),
        ([2, 1, 4, 3, 0], vec![0, 0x01], (3, color.clone())),
        ([2, 1, 1, 3, 0], vec![0, 0b0100_0000], (3, color.clone())),
        (
            [2, 1, 16, 2, 0],
            vec![0, 10, 10, 20, 20, 30, 30, 255, 255, 0, 0, 128, 128],
            (3, color.clone()),
        ),
        ([2, 1, 8, 4, 0], vec![0, 10, 7, 255, 9], (1, vec![10, 255])),
        ([2, 1, 16, 4, 0], vec![0, 10, 138, 7, 7, 0, 129, 9, 9], (1, vec![10, 1])),
        ([4, 1, 2, 0, 0], vec![0, 0b00_01_10_11], (1, vec![0, 85, 170, 255])),
        ([3, 1, 4, 0, 0], vec![0, 0x0f, 0x10], (1, vec![0, 255, 17])),
        ([3, 2, 1, 0, 0], vec![0, 0b1010_0000, 0, 0b0100_0000], (1, vec![255, 0, 255, 0, 255, 0])),
    ] {
        let palette: &[u8] = if header[3] == 3 { &palette } else { &[] };
        assert_eq!(decoded(&png(header, palette, &lines)).unwrap(), expected, "{header:?}");
    }
    let error = decoded(&png([2, 1, 8, 3, 0], &palette, &[0, 0, 2])).unwrap_err();
    assert!(error.contains("a color that its palette does not have"), "{error}");
}

#[test]
fn filters_are_undone_line_by_line() {
    // Lines of 1 2 3, 5 4 9, 2 2 2, 3 8 1 and 7 7 0, each with another filter.
    let lines = [[1, 1, 1, 1], [2, 4, 2, 6], [3, 0, 255, 253], [4, 1, 5, 249], [0, 7, 7, 0]];
    let (_, values) = decoded(&png([3, 5, 8, 0, 0], &[], &lines.concat())).unwrap();
    assert_eq!(values[..6], [1, 2, 3, 5, 4, 9]);
    // ⌊(0 + 5) / 2⌋ = 2, then 255 + ⌊(2 + 4) / 2⌋ = 2, then 253 + ⌊(2 + 9) / 2⌋ = 2.
    assert_eq!(values[6..9], [2, 2, 2]);
    // Predicted from above (2), then from the left (3, then 8).
    assert_eq!(values[9..12], [3, 8, 1]);
    assert_eq!(values[12..], [7, 7, 0]);
    let error = decoded(&png([3, 1, 8, 0, 0], &[], &[5, 0, 0, 0])).unwrap_err();
    assert!(error.contains("filter 5"), "{error}");
}

#[test]
fn interlaced_images_are_put_together() {
    for (width, height) in [(8, 8), (5, 3), (1, 1), (9, 2)] {
        let value = |row: usize, column: usize| (row * 16 + column) as u8;
        let passes = [
            (0, 0, 8, 8),
            (4, 0, 8, 8),
            (0, 4, 4, 8),
            (2, 0, 4, 4),
            (0, 2, 2, 4),
            (1, 0, 2, 2),
            (0, 1, 1, 2),
        ];
        let mut lines = Vec::new();
        for (left, top, right, down) in passes {
            if left >= width {
                continue;
            }
            for row in (top..height).step_by(down) {
                lines.push(0);
                lines.extend((left..width).step_by(right).map(|column| value(row, column)));
            }
        }
        let image = png([width as u32, height as u32, 8, 0, 1], &[], &lines);
        let expected: Vec<u8> =
            (0..height).flat_map(|row| (0..width).map(move |column| value(row, column))).collect();
        assert_eq!(decoded(&image).unwrap(), (1, expected), "{width} × {height}");
    }
}

const COLOR: &[u8] = include_bytes!("samples/color.jpg");
const PROGRESSIVE: &[u8] = include_bytes!("samples/progressive.jpg");

#[test]
fn jpegs_are_read_and_those_for_print_refused() {
    let (channels, values) = decoded(include_bytes!("samples/gray.jpg")).unwrap();
    assert!(channels == 1 && values.len() == 6);
    assert!(values.iter().all(|value| value.abs_diff(51) <= 2), "{values:?}");
    // 16 × 8 pixels: red on the left, green on the right.
    for file in [COLOR, PROGRESSIVE] {
        let (channels, values) = decoded(file).unwrap();
        assert_eq!((channels, values.len()), (3, 16 * 8 * 3));
        for (index, pixel) in values.chunks(3).enumerate() {
            let expected = if index % 16 < 8 { [255, 0, 51] } else { [0, 255, 0] };
            let near = pixel.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 4);
            assert!(near, "{index}: {pixel:?}");
        }
        assert!(decoded(&file[..file.len() - 60]).is_err());
    }
    let error = decoded(include_bytes!("samples/cmyk.jpg")).unwrap_err();
    assert!(error.contains("colors for print (CMYK); convert it to RGB"), "{error}");
}

#[test]
fn images_that_cannot_be_used_are_named_or_skipped() {
    let folder = folder();
    fs::write(folder.path().join("cat/c.png"), gray(4, 4, &[0; 16])).unwrap();
    let error = read(folder.path(), &[], 0).unwrap_err();
    assert!(error.contains("c.png: 4 × 4 pixels, but the first image has 2 × 3"), "{error}");
    fs::write(folder.path().join("cat/notes.txt"), "hello").unwrap();
    let png = fs::read(folder.path().join("cat/a.png")).unwrap();
    fs::write(folder.path().join("dog/cut.png"), &png[..png.len() / 2]).unwrap();
    let error = read(folder.path(), &[], 1).unwrap_err();
    assert!(error.contains("notes.txt: neither PNG nor JPEG"), "{error}");
    let error = read(folder.path(), &[], 2).unwrap_err();
    assert!(error.contains("cut.png"), "{error}");
    let (data, bad) = read(folder.path(), &[], 3).unwrap();
    assert_eq!((data.rows(), bad.count()), (3, 3));
    let empty = tempfile::tempdir().unwrap();
    assert!(read(empty.path(), &[], 0).unwrap_err().contains("no folders in it"));
    fs::create_dir(empty.path().join("a")).unwrap();
    assert!(read(empty.path(), &[], 0).unwrap_err().contains("no rows"));
}

#[test]
fn an_image_that_promises_too_much_is_not_decoded() {
    let refused = |bytes: &[u8], problem: &str| {
        let error = read(of(&[("a", bytes)]).path(), &[], 0).unwrap_err();
        assert!(error.contains(problem), "{error}");
    };
    refused(&png([100_000, 1, 8, 0, 0], &[], &[]), "at most 8192 × 8192 are read");
    refused(&png([u32::MAX, u32::MAX, 16, 6, 1], &[], &[]), "at most 8192 × 8192 are read");
    refused(&png([2_000, 2_000, 8, 0, 0], &[], &[]), "more than 1048576 bytes");
    refused(&png([0, 5, 8, 0, 0], &[], &[]), "no pixels");
    refused(&png([2, 2, 8, 0, 0], &[], &[0, 1, 2]), "its pixels cannot be read");
    refused(&png([2, 2, 3, 0, 0], &[], &[]), "no PNG has color type 0 with 3 bits");
    let mut long = COLOR.to_vec();
    let frame = long.windows(2).position(|bytes| bytes == [0xff, 0xc0]).unwrap();
    long[frame + 5..frame + 9].fill(0xff);
    refused(&long, "8192");
    let mut damaged = gray(2, 2, &[1, 2, 3, 4]);
    damaged[17] ^= 1;
    refused(&damaged, "damaged");
}

#[test]
fn no_damaged_file_does_harm() {
    let adam = png([5, 3, 8, 3, 1], &[1; 9], &[0; 40]);
    let files = [gray(3, 2, &[1; 6]), adam, COLOR.to_vec(), PROGRESSIVE.to_vec()];
    let mut draws = Stream::new(&[5; 32], Purpose::Shuffle, 0);
    let mut whole = 0;
    for turn in 0..4_000 {
        let mut file = files[turn % files.len()].clone();
        for _ in 0..=draws.below(4) {
            let at = draws.below(file.len());
            file[at] = draws.below(256) as u8;
        }
        if draws.below(4) == 0 {
            file.truncate(draws.below(file.len() + 1));
        }
        if turn % 4 == 3 {
            // Behind the checksums: headers, palettes and lines that do not go together.
            let mut below = |bound| draws.below(bound) as u32;
            let depth = [1, 2, 4, 8, 16][below(5) as usize];
            let header = [below(9), below(9), depth, [0, 2, 3, 4, 6][below(5) as usize], below(2)];
            let palette = vec![7; below(4) as usize * 3];
            let lines: Vec<u8> = (0..below(300)).map(|_| below(6) as u8).collect();
            file = png(header, &palette, &lines);
        }
        let Ok(found) = Found::new(&file) else { continue };
        let [channels, height, width] = found.size();
        // What the caller's limits would let through.
        if height.max(width) > 2_000 {
            continue;
        }
        if let Ok(pixels) = found.decode() {
            assert_eq!(pixels.values.len(), channels * height * width);
            whole += 1;
        }
    }
    assert!(whole > 0);
}
