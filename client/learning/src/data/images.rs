//! Folders of images: one folder per class, PNG and JPEG in it.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use image::{DynamicImage, ImageFormat, ImageReader};

use super::{BadRows, DataError, Dataset, Limits};

/// Bytes of one image's file at most.
const MAX_FILE: u64 = 64 << 20;
/// Height and width of an image at most, in pixels.
const MAX_SIDE: u32 = 8_192;
/// Memory that decoding one image may take, in bytes.
const MAX_DECODED: u64 = 512 << 20;

/// Reads a folder that has a folder for each class, whose name is the class's: the classes in the order
/// of their names' bytes, the images of each in that of theirs. Names that start with a dot are left out.
///
/// A row has shape `[channels, height, width]`, of 8 bits per channel times `scale`: one channel where
/// the first image is gray, three where it has colors; transparency is dropped. All images have the
/// size of the first; those that do not cannot be used.
pub(super) fn read_images(
    folder: &Path,
    scale: f32,
    names: &[String],
    limits: Limits,
    bad: &mut BadRows,
) -> Result<Dataset, DataError> {
    let name = folder.display().to_string();
    let found: Vec<String> = entries(folder, limits)?
        .into_iter()
        .filter(|path| path.is_dir())
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    let names = if names.is_empty() { found.clone() } else { names.to_vec() };
    let wrong = |problem: String| DataError::Malformed { file: name.clone(), problem };
    if found.is_empty() {
        return Err(wrong(
            "no folders in it; give one folder for each class, with its images".to_owned(),
        ));
    }
    if let Some(unknown) = found.iter().find(|folder| !names.contains(folder)) {
        let known = names.join(", ");
        return Err(wrong(format!(
            "the folder `{unknown}` is none of the classes {known}; rename or remove it"
        )));
    }
    let mut rows = Rows { size: None, scale, features: Vec::new(), labels: Vec::new() };
    let mut bytes = 0_u64;
    for (label, class) in (0..).zip(&names).filter(|(_, class)| found.contains(class)) {
        for path in entries(&folder.join(class), limits)? {
            if let Err(error) = rows.push(&path, label, &mut bytes, limits) {
                bad.found(error)?;
            }
            let too_large = |limit, unit| DataError::TooLarge { file: name.clone(), limit, unit };
            if rows.labels.len() > limits.rows {
                return Err(too_large(limits.rows as u64, "rows"));
            }
            if bytes.max(rows.features.len() as u64) > limits.bytes {
                return Err(too_large(limits.bytes, "bytes"));
            }
        }
    }
    let Some([channels, height, width]) = rows.size else {
        return Err(DataError::Empty { file: name });
    };
    Dataset::new(rows.features, rows.labels, channels * height * width, names.len())?
        .with_shape(vec![channels, height, width])?
        .with_names(names)
}

/// What a folder has, sorted by name.
fn entries(folder: &Path, limits: Limits) -> Result<Vec<PathBuf>, DataError> {
    let failed = |source: io::Error| DataError::Io { file: folder.display().to_string(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if paths.len() == limits.rows {
            let file = folder.display().to_string();
            return Err(DataError::TooLarge { file, limit: limits.rows as u64, unit: "rows" });
        }
        paths.push(entry.path());
    }
    paths.sort();
    Ok(paths)
}

struct Rows {
    /// Channels, height and width of the first image.
    size: Option<[usize; 3]>,
    scale: f32,
    features: Vec<f32>,
    labels: Vec<u32>,
}

impl Rows {
    fn push(
        &mut self,
        path: &Path,
        label: u32,
        total: &mut u64,
        limits: Limits,
    ) -> Result<(), DataError> {
        let wrong =
            |problem: String| DataError::Image { file: path.display().to_string(), problem };
        let bytes =
            read(path, limits.bytes.min(MAX_FILE)).map_err(|error| wrong(error.to_string()))?;
        *total += bytes.len() as u64;
        let image = decode(&bytes).map_err(wrong)?;
        let channels = match self.size {
            Some([channels, ..]) => channels,
            None if image.color().has_color() => 3,
            None => 1,
        };
        let size = [channels, image.height() as usize, image.width() as usize];
        let [_, height, width] = *self.size.get_or_insert(size);
        if self.size != Some(size) {
            let [_, h, w] = size;
            return Err(wrong(format!(
                "{h} × {w} pixels, but the first image has {height} × {width}; give all the same size"
            )));
        }
        let pixels = match channels {
            1 => image.into_luma8().into_raw(),
            _ => image.into_rgb8().into_raw(),
        };
        // Pixel by pixel in the file, channel by channel in a row.
        for channel in 0..channels {
            let channel = pixels.iter().skip(channel).step_by(channels);
            self.features.extend(channel.map(|&value| f32::from(value) * self.scale));
        }
        self.labels.push(label);
        Ok(())
    }
}

fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = BufReader::new(File::open(path)?).take(limit + 1);
    file.read_to_end(&mut bytes)?;
    match bytes.len() as u64 > limit {
        true => Err(io::Error::other(format!("more than {limit} bytes; give a smaller file"))),
        false => Ok(bytes),
    }
}

/// Decodes within bounds; the format is told by the content.
fn decode(bytes: &[u8]) -> Result<DynamicImage, String> {
    let reader = ImageReader::new(io::Cursor::new(bytes)).with_guessed_format();
    let mut reader = reader.map_err(|error| error.to_string())?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        return Err("neither PNG nor JPEG; convert or remove it".to_owned());
    }
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED);
    reader.limits(limits);
    reader.decode().map_err(|error| format!("{error}; replace or remove it"))
}

#[cfg(test)]
#[path = "images/tests.rs"]
mod tests;
