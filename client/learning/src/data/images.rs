//! Folders of images: one folder per class, PNG and JPEG in it.

mod jpeg;
mod png;

use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use super::{BadRows, DataError, Dataset, Limits};

/// Bytes of one image's file at most.
const MAX_FILE: u64 = 64 << 20;
/// Height and width of an image at most, in pixels: three channels of so many pixels are 192 MiB.
const MAX_SIDE: usize = 8_192;

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
        let found = Found::new(&bytes).map_err(wrong)?;
        let [own, height, width] = found.size();
        let channels = self.size.map_or(own, |[channels, ..]| channels);
        let size = [channels, height, width];
        // Before anything is decoded: a header may promise what it likes.
        if let Some([_, h, w]) = self.size
            && self.size != Some(size)
        {
            return Err(wrong(format!(
                "{height} × {width} pixels, but the first image has {h} × {w}; give all the same size"
            )));
        }
        if height.max(width) > MAX_SIDE {
            return Err(wrong(format!(
                "{height} × {width} pixels; at most {MAX_SIDE} × {MAX_SIDE} are read"
            )));
        }
        let numbers =
            (self.features.len() as u64).saturating_add((channels * height * width) as u64);
        if numbers > limits.bytes {
            let file = path.display().to_string();
            return Err(DataError::TooLarge { file, limit: limits.bytes, unit: "bytes" });
        }
        let image = found.decode().map_err(wrong)?;
        let pixels = image.in_channels(channels);
        self.size = Some(size);
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

/// A decoded image: 8 bits per channel, pixel by pixel, row by row.
struct Pixels {
    height: usize,
    width: usize,
    /// 1: gray; 3: red, green, blue.
    channels: usize,
    values: Vec<u8>,
}

impl Pixels {
    /// The values with one channel or three, whatever the image has.
    fn in_channels(self, channels: usize) -> Vec<u8> {
        match (self.channels, channels) {
            (3, 1) => self.values.as_chunks().0.iter().map(luma).collect(),
            (1, 3) => self.values.iter().flat_map(|value| [*value; 3]).collect(),
            _ => self.values,
        }
    }
}

/// How bright a color is (Rec. 709), rounded down.
fn luma(&[red, green, blue]: &[u8; 3]) -> u8 {
    let sum = 2_126 * u32::from(red) + 7_152 * u32::from(green) + 722 * u32::from(blue);
    (sum / 10_000) as u8
}

/// A file of which the header alone was read; its content tells the format.
enum Found<'a> {
    Png(png::Header, &'a [u8]),
    Jpeg(Box<jpeg::Opened<'a>>),
}

impl<'a> Found<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, String> {
        if png::is(bytes) {
            return Ok(Self::Png(png::header(bytes).map_err(unusable)?, bytes));
        }
        if jpeg::is(bytes) {
            let opened = jpeg::Opened::new(bytes).map_err(unusable)?;
            return Ok(Self::Jpeg(Box::new(opened)));
        }
        Err("neither PNG nor JPEG; convert or remove it".to_owned())
    }

    /// Channels, height and width.
    fn size(&self) -> [usize; 3] {
        match self {
            Self::Png(header, _) => [header.channels(), header.height, header.width],
            Self::Jpeg(opened) => [opened.channels, opened.height, opened.width],
        }
    }

    fn decode(self) -> Result<Pixels, String> {
        let pixels = match self {
            Self::Png(_, bytes) => png::decode(bytes),
            Self::Jpeg(opened) => opened.decode(),
        };
        let pixels = pixels.map_err(unusable)?;
        if pixels.height * pixels.width == 0 {
            return Err("no pixels; remove it".to_owned());
        }
        Ok(pixels)
    }
}

fn unusable(problem: String) -> String {
    format!("{problem}; replace or remove it")
}

#[cfg(test)]
#[path = "images/tests.rs"]
mod tests;
