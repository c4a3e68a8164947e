//! Aggregates arrays that another program has written: `aggregate_arrays FILE UPDATES HOSTILE SAMPLES BITS,FRACTION,CLIP OUT`.
//!
//! `FILE` has `UPDATES` arrays of equally many little-endian `f32`, one after the other, whose numbers the encoding holds exactly.
//! Prints a line of JSON with the seconds of each sample, of the mean and of multi-Krum without `HOSTILE` of the updates, and writes
//! what they come to into the folder `OUT`, as `mean.f32` and `krum.f32`. The updates lie in files there while it runs.
//! `scripts/compare-flower.sh` runs it.

use std::{
    env,
    error::Error,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    time::Instant,
};

use decentralml_learning::{
    Encoding, ModelSpec, Rule, Update, UpdateFile, Weights, aggregate_from,
};
use serde_json::json;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [file, updates, hostile, samples, encoding, out] = words.as_slice() else {
        return Err(
            "usage: aggregate_arrays FILE UPDATES HOSTILE SAMPLES BITS,FRACTION,CLIP OUT".into()
        );
    };
    let numbers: Vec<&str> = encoding.split(',').collect();
    let [bits, fraction, clip] = numbers.as_slice() else {
        return Err("an encoding is three numbers: BITS,FRACTION,CLIP".into());
    };
    let encoding = Encoding::new(bits.parse()?, fraction.parse()?, clip.parse()?)?;
    let (updates, hostile) = (updates.parse::<usize>()?, hostile.parse::<usize>()?);
    let out = PathBuf::from(out);
    let (base, files) = read(Path::new(file), updates, encoding, &out)?;
    let kept = updates.checked_sub(hostile).ok_or("fewer updates than hostile ones")?;
    let rules = [("mean", Rule::Mean), ("krum", Rule::MultiKrum { hostile, kept })];
    let mut seconds = [Vec::new(), Vec::new()];
    for _ in 0..samples.parse::<usize>()?.max(1) {
        for ((name, rule), seconds) in rules.into_iter().zip(&mut seconds) {
            let start = Instant::now();
            let next = aggregate_from(&base, files.as_slice(), rule)?;
            seconds.push(start.elapsed().as_secs_f64());
            let bytes: Vec<u8> = next.values().iter().flat_map(|x| x.to_le_bytes()).collect();
            fs::write(out.join(format!("{name}.f32")), bytes)?;
        }
    }
    let [mean, krum] = seconds;
    println!("{}", json!({ "mean": mean, "krum": krum }));
    Ok(())
}

/// The arrays as updates in files, and the model of zeros that they are updates to.
fn read(
    path: &Path,
    updates: usize,
    encoding: Encoding,
    out: &Path,
) -> Outcome<(Weights, Vec<UpdateFile>)> {
    let mut file = File::open(path)?;
    let bytes = usize::try_from(file.metadata()?.len())?;
    if updates == 0 || !bytes.is_multiple_of(4 * updates) {
        return Err(format!("{} has not {updates} arrays of one length", path.display()).into());
    }
    let weights = bytes / 4 / updates;
    // One dense layer with two outputs: each has a weight for every input, and a bias.
    if weights < 4 || !weights.is_multiple_of(2) {
        return Err("arrays need an even number of weights, at least four".into());
    }
    let spec = ModelSpec::mlp(u32::try_from(weights / 2 - 1)?, &[], 2);
    let zero = Weights::new(&spec, vec![0.0; weights])?;
    let mut buffer = vec![0; 4 * weights];
    let mut files = Vec::new();
    for index in 0..updates {
        file.read_exact(&mut buffer)?;
        let values: Vec<f32> =
            buffer.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let update = Update::from_delta(&zero, &Weights::new(&spec, values.clone())?, encoding)?;
        let unit = 0.5_f64.powi(i32::from(encoding.fraction_bits()));
        let same = |(value, q): (&f32, &i32)| f64::from(*value) == f64::from(*q) * unit;
        if !values.iter().zip(update.values()).all(same) {
            return Err(format!("the encoding does not hold array {index} exactly").into());
        }
        files.push(UpdateFile::write(&out.join(format!("{index}.update")), &update)?);
    }
    Ok((zero, files))
}
