#![allow(clippy::unwrap_used)]
use super::*;
use image::{GrayImage, Luma, Rgb, RgbImage};

/// Two classes: gray images of 3 × 2 pixels.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (class, name, value) in [("cat", "b.png", 51), ("cat", "a.png", 0), ("dog", "x.png", 255)] {
        fs::create_dir_all(folder.path().join(class)).unwrap();
        let mut image = GrayImage::from_pixel(3, 2, Luma([value]));
        image.put_pixel(2, 1, Luma([102]));
        image.save(folder.path().join(class).join(name)).unwrap();
    }
    fs::write(folder.path().join(".hidden"), "x").unwrap();
    folder
}

fn read(folder: &Path, names: &[&str], skip: usize) -> Result<(Dataset, BadRows), String> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut bad = BadRows::skip_up_to(skip);
    let limits = Limits { rows: 100, bytes: 1 << 20 };
    let data = read_images(folder, 1.0 / 255.0, &names, limits, &mut bad);
    Ok((data.map_err(|error| error.to_string())?, bad))
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
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("a")).unwrap();
    let mut image = RgbImage::from_pixel(2, 1, Rgb([255, 0, 51]));
    image.put_pixel(1, 0, Rgb([0, 255, 0]));
    image.save(folder.path().join("a/1.png")).unwrap();
    image.save(folder.path().join("a/2.jpg")).unwrap();
    let (data, _) = read(folder.path(), &[], 0).unwrap();
    assert_eq!((data.rows(), data.shape()), (2, &[3, 1, 2][..]));
    assert_eq!(data.row(0).unwrap().0, [1.0, 0.0, 0.0, 1.0, 51.0 * (1.0 / 255.0), 0.0]);
}

#[test]
fn images_that_cannot_be_used_are_named_or_skipped() {
    let folder = folder();
    GrayImage::new(4, 4).save(folder.path().join("cat/c.png")).unwrap();
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
    let folder = folder();
    let path = folder.path().join("cat/a.png");
    let mut png = fs::read(&path).unwrap();
    // The width stands after the signature and the head of the first chunk.
    png[16..20].copy_from_slice(&100_000_u32.to_be_bytes());
    fs::write(&path, &png).unwrap();
    assert!(read(folder.path(), &[], 0).unwrap_err().contains("a.png"));
}
