use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Write},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;

use serde::Serialize;

use super::{
    BadRows, CsvOptions, DataError, Dataset, Header, Limits, TextOptions, ascii,
    csv::read_rows,
    idx::{looks_like_idx, read_pair},
    npy::{self, Meaning, looks_like_npy},
    npz::{looks_like_zip, read_npz},
    text::read_text,
    write_csv,
};

/// How files are to be understood, whatever their format.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// Name of the label's column in a CSV file; the last column if not given.
    pub label: Option<String>,
    /// Whether a CSV file has a header.
    pub header: Header,
    /// Every feature is multiplied by it; if not given 1/255 for IDX, for images and for arrays of
    /// unsigned bytes, and 1 elsewhere.
    pub scale: Option<f32>,
    /// Number of classes; one more than the largest label if not given.
    pub classes: Option<usize>,
    /// The classes' names, the first of which is label 0: what a CSV file has in place of numbers, and
    /// what the folders of images are called. Numbers, and the folders in their order, if not given.
    pub names: Vec<String>,
    /// Quantities per row to predict, in place of a label: of a CSV file the last columns; 0 for a
    /// label.
    pub quantities: usize,
    /// Name of the column of a CSV file that says which rows belong together.
    pub group: Option<String>,
    /// Tokens per row of a text; 80 if not given.
    pub steps: Option<usize>,
    /// The characters of a text; [`ascii`] if not given.
    pub vocabulary: Option<String>,
    /// How many rows that cannot be used may be skipped; with 0, the first is an error.
    pub skip: usize,
    /// What may be read.
    pub limits: Limits,
}

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Lines of numbers, separated by commas.
    Csv,
    /// The format of MNIST.
    Idx,
    /// An array of NumPy's.
    Npy,
    /// An archive of NumPy's.
    Npz,
    /// Characters.
    Text,
    /// A folder of folders of PNG and JPEG.
    Images,
}

/// What was read.
#[derive(Debug)]
pub struct Read {
    /// The rows.
    pub data: Dataset,
    /// What they were read from.
    pub format: Format,
    /// Rows that could not be used.
    pub bad: BadRows,
}

/// Reads a CSV file, the images of an IDX pair or the features of an NPY pair whose labels are in
/// `labels`, an NPZ archive of both, a text, or a folder of images. Single files may be gzipped, but for
/// archives, which is told by their content.
pub fn read_file(
    path: &Path,
    labels: Option<&Path>,
    options: &ReadOptions,
) -> Result<Dataset, DataError> {
    read(path, labels, options).map(|read| read.data)
}

/// [`read_file`], and what there is to say about the file.
pub fn read(path: &Path, labels: Option<&Path>, options: &ReadOptions) -> Result<Read, DataError> {
    let mut bad = BadRows::skip_up_to(options.skip);
    let (data, format) = rows(path, labels, options, &mut bad)?;
    Ok(Read { data, format, bad })
}

fn rows(
    path: &Path,
    labels: Option<&Path>,
    options: &ReadOptions,
    bad: &mut BadRows,
) -> Result<(Dataset, Format), DataError> {
    let name = path.display().to_string();
    let (classes, limits) = (options.classes, options.limits);
    let pixels = options.scale.unwrap_or(1.0 / 255.0);
    let unknown = || Err(DataError::UnknownFormat { file: name.clone() });
    if path.is_dir() {
        if labels.is_some() {
            return unknown();
        }
        let data = super::images::read_images(path, pixels, &options.names, limits, bad)?;
        return Ok((data, Format::Images));
    }
    let mut source = open(path)?;
    let start = source.fill_buf().map_err(|error| io_error(path, error))?;
    let (idx, npy, zip) = (looks_like_idx(start), looks_like_npy(start), looks_like_zip(start));
    let meaning = Meaning { scale: options.scale, classes, quantities: options.quantities };
    if idx || npy {
        let Some(labels) = labels else {
            let what = if idx { "an IDX file of images" } else { "an NPY file of features" };
            let problem =
                format!("{what} needs a second file with the labels; give it with --labels");
            return Err(DataError::Malformed { file: name, problem });
        };
        let label_name = labels.display().to_string();
        if idx {
            let names = (name.as_str(), label_name.as_str());
            let data = read_pair(source, open(labels)?, names, pixels, classes, limits, bad)?;
            return Ok((data, Format::Idx));
        }
        let features = npy::read_array(source, &name, limits)?;
        let targets = npy::read_array(open(labels)?, &label_name, limits)?;
        return Ok((npy::rows(&features, &targets, &meaning, bad)?, Format::Npy));
    }
    let lower = name.to_lowercase();
    let ends = |endings: [&str; 2]| endings.iter().any(|ending| lower.ends_with(ending));
    if labels.is_some() {
        return unknown();
    }
    if zip && ends([".npz", ".zip"]) {
        return Ok((read_npz(path, &meaning, limits, bad)?, Format::Npz));
    }
    if ends([".txt", ".txt.gz"]) {
        let text = TextOptions {
            steps: options.steps.unwrap_or(crate::model::CHARACTERS as usize),
            vocabulary: options.vocabulary.clone().unwrap_or_else(ascii),
            limits,
        };
        return Ok((read_text(source, &name, &text, bad)?, Format::Text));
    }
    if !ends([".csv", ".csv.gz"]) {
        return unknown();
    }
    let csv = CsvOptions {
        label: options.label.clone(),
        header: options.header,
        scale: options.scale.unwrap_or(1.0),
        classes,
        names: options.names.clone(),
        quantities: options.quantities,
        group: options.group.clone(),
        limits,
    };
    Ok((read_rows(source, &name, &csv, bad)?, Format::Csv))
}

/// Writes the rows as CSV; [`read_file`] reads them back exactly.
pub fn write_csv_file(data: &Dataset, path: &Path) -> Result<(), DataError> {
    let mut file = BufWriter::new(File::create(path).map_err(|error| io_error(path, error))?);
    write_csv(data, &mut file, &path.display().to_string())?;
    file.flush().map_err(|error| io_error(path, error))
}

/// Opens a file and sees through gzip.
pub(super) fn open(path: &Path) -> Result<BufReader<Box<dyn io::Read>>, DataError> {
    let file = File::open(path).map_err(|error| io_error(path, error))?;
    let mut file = BufReader::new(file);
    let gzipped =
        file.fill_buf().map_err(|error| io_error(path, error))?.starts_with(&[0x1f, 0x8b]);
    let source: Box<dyn io::Read> =
        if gzipped { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    Ok(BufReader::new(source))
}

pub(super) fn io_error(path: &Path, source: std::io::Error) -> DataError {
    DataError::Io { file: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{fs, path::PathBuf};

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(path: &Path, labels: Option<&Path>) -> Result<Dataset, String> {
        read_file(path, labels, &ReadOptions::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_trainers_own_file_reads_back_exactly_plain_and_gzipped() {
        let folder = tempfile::tempdir().unwrap();
        let digits = super::super::digits().unwrap();
        let plain = folder.path().join("rows.csv");
        write_csv_file(&digits, &plain).unwrap();
        assert_eq!(read(&plain, None).unwrap(), digits);
        let zipped = folder.path().join("rows.CSV.gz");
        fs::write(&zipped, gzip(&fs::read(&plain).unwrap())).unwrap();
        assert_eq!(read(&zipped, None).unwrap(), digits);
    }

    #[test]
    fn a_pair_of_idx_files_is_told_by_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let (images, labels) = (folder.path().join("images"), folder.path().join("labels.gz"));
        fs::write(&images, [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 1, 255, 0]).unwrap();
        fs::write(&labels, gzip(&[0, 0, 8, 1, 0, 0, 0, 2, 1, 0])).unwrap();
        let data = read(&images, Some(&labels)).unwrap();
        assert_eq!((data.features(), data.labels()), (&[1.0, 0.0][..], &[1, 0][..]));
        assert!(read(&images, None).unwrap_err().contains("give it with --labels"));
    }

    #[test]
    fn mnist_is_read_where_it_is_at_hand() {
        let folder = std::env::var("DECENTRALML_DATA").map(PathBuf::from).unwrap_or_default();
        let file = |name: &str| folder.join("mnist").join(name);
        if !file("t10k-images-idx3-ubyte.gz").exists() {
            println!("skipped: set DECENTRALML_DATA to a folder with mnist/*.gz");
            return;
        }
        let labels = file("t10k-labels-idx1-ubyte.gz");
        let data = read(&file("t10k-images-idx3-ubyte.gz"), Some(&labels)).unwrap();
        assert_eq!((data.rows(), data.columns(), data.classes()), (10_000, 784, 10));
        assert_eq!(data.class_counts()[..3], [980, 1_135, 1_032]);
    }

    #[test]
    fn texts_and_folders_are_told_by_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let verses = folder.path().join("verses.TXT.gz");
        fs::write(&verses, gzip(&b"to be or not\n".repeat(20))).unwrap();
        let options = ReadOptions { steps: Some(6), ..ReadOptions::default() };
        let found = super::read(&verses, None, &options).unwrap();
        assert_eq!((found.format, found.data.columns()), (Format::Text, 6));
        assert_eq!((found.data.classes(), found.bad.count()), (96, 0));
        assert!(read(folder.path(), None).unwrap_err().contains("no folders in it"));
        assert!(read(folder.path(), Some(&verses)).unwrap_err().contains("unknown format"));
        let zipped = folder.path().join("rows.npz");
        fs::write(&zipped, b"PK\x03\x04 and no more").unwrap();
        assert!(read(&zipped, None).unwrap_err().contains("rows.npz: damaged"));
        let array = folder.path().join("x.npy");
        fs::write(&array, b"\x93NUMPY").unwrap();
        assert!(read(&array, None).unwrap_err().contains("give it with --labels"));
    }

    #[test]
    fn unreadable_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let absent = folder.path().join("absent.csv");
        let error = read(&absent, None).unwrap_err();
        assert!(error.contains("absent.csv: No such file") && error.ends_with("check the path"));
        let parquet = folder.path().join("rows.parquet");
        fs::write(&parquet, b"PAR1").unwrap();
        assert!(read(&parquet, None).unwrap_err().contains("rows.parquet: unknown format"));
        let broken = folder.path().join("broken.csv.gz");
        fs::write(&broken, &gzip(b"1,0\n2,1\n")[..18]).unwrap();
        assert!(read(&broken, None).unwrap_err().contains("broken.csv.gz: "));
    }
}
