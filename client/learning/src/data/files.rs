use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter, Read, Write},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;

use super::{
    CsvOptions, DataError, Dataset, Header, Limits, idx::looks_like_idx, read_csv, read_idx,
    write_csv,
};

/// How files are to be understood, whatever their format.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// Name of the label's column in a CSV file; the last column if not given.
    pub label: Option<String>,
    /// Whether a CSV file has a header.
    pub header: Header,
    /// Every feature is multiplied by it; 1 for CSV and 1/255 for IDX if not given.
    pub scale: Option<f32>,
    /// Number of classes; one more than the largest label if not given.
    pub classes: Option<usize>,
    /// What may be read.
    pub limits: Limits,
}

/// Reads a CSV file, or the images of an IDX pair whose labels are in `labels`. Both may be gzipped,
/// which is told by their content.
pub fn read_file(
    path: &Path,
    labels: Option<&Path>,
    options: &ReadOptions,
) -> Result<Dataset, DataError> {
    let name = path.display().to_string();
    let mut source = open(path)?;
    let start = source.fill_buf().map_err(|error| io_error(path, error))?;
    if looks_like_idx(start) {
        let Some(labels) = labels else {
            let problem =
                "an IDX file of images needs a second file with the labels; give it with --labels";
            return Err(DataError::Idx { file: name, problem: problem.to_owned() });
        };
        let label_name = labels.display().to_string();
        let scale = options.scale.unwrap_or(1.0 / 255.0);
        let names = (name.as_str(), label_name.as_str());
        return read_idx(source, open(labels)?, names, scale, options.classes, options.limits);
    }
    let lower = name.to_lowercase();
    let is_csv = [".csv", ".csv.gz"].iter().any(|ending| lower.ends_with(ending));
    if !is_csv || labels.is_some() {
        return Err(DataError::UnknownFormat { file: name });
    }
    let csv = CsvOptions {
        label: options.label.clone(),
        header: options.header,
        scale: options.scale.unwrap_or(1.0),
        classes: options.classes,
        limits: options.limits,
    };
    read_csv(source, &name, &csv)
}

/// Writes the rows as CSV; [`read_file`] reads them back exactly.
pub fn write_csv_file(data: &Dataset, path: &Path) -> Result<(), DataError> {
    let mut file = BufWriter::new(File::create(path).map_err(|error| io_error(path, error))?);
    write_csv(data, &mut file, &path.display().to_string())?;
    file.flush().map_err(|error| io_error(path, error))
}

/// Opens a file and sees through gzip.
fn open(path: &Path) -> Result<BufReader<Box<dyn Read>>, DataError> {
    let file = File::open(path).map_err(|error| io_error(path, error))?;
    let mut file = BufReader::new(file);
    let gzipped =
        file.fill_buf().map_err(|error| io_error(path, error))?.starts_with(&[0x1f, 0x8b]);
    let source: Box<dyn Read> =
        if gzipped { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    Ok(BufReader::new(source))
}

fn io_error(path: &Path, source: std::io::Error) -> DataError {
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
