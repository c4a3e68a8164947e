//! How fast updates in files are aggregated, beside how fast the same program reads the same files.
//!
//! Usage: `aggregation [updates] [weights] [samples] [out.json]`, by default 100 updates of 1,663,370
//! weights and 5 samples. Files lie in the folder for temporary files and are read once before anything
//! is measured, so that they come from the disk cache. In every sample all measures are taken one after
//! the other; the table shows medians, and means of the processor's time, in which other programs are seen less. `scripts/aggregation.sh` runs it.

use std::{
    env,
    error::Error,
    fs::{self, File},
    hint::black_box,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::Instant,
};

use decentralml_learning::{
    Encoding, ModelSpec, Rule, Update, UpdateFile, Weights, aggregate_from,
};
use rayon::prelude::*;
use serde_json::json;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Bits, fraction bits and clip of the updates that are measured.
const ENCODINGS: [(u8, u8, i32); 4] =
    [(8, 11, 127), (16, 18, 8_191), (16, 21, 32_767), (32, 24, i32::MAX)];

fn main() -> Outcome<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let number = |index: usize, default: usize| -> Outcome<usize> {
        Ok(arguments.get(index).map_or(Ok(default), |argument| argument.parse())?)
    };
    let (updates, weights, samples) = (number(0, 100)?, number(1, 1_663_370)?, number(2, 5)?);
    let folder = env::temp_dir().join(format!("decentralml-aggregation-{}", std::process::id()));
    fs::create_dir(&folder)?;
    let outcome = measure(&folder, updates, weights, samples);
    fs::remove_dir_all(&folder)?;
    let report = outcome?;
    if let Some(path) = arguments.get(3) {
        fs::write(path, serde_json::to_vec_pretty(&report)?)?;
    }
    Ok(())
}

fn measure(
    folder: &Path,
    count: usize,
    weights: usize,
    samples: usize,
) -> Outcome<serde_json::Value> {
    // One dense layer of about as many weights.
    let classes = weights.min(1_000) as u32;
    let inputs = (weights as u32 / classes).saturating_sub(1).max(1);
    let spec = ModelSpec::mlp(inputs, &[], classes);
    let threads = rayon::current_num_threads();
    println!("{count} updates of {} weights, {threads} threads", spec.parameter_count());
    println!(
        "| bits, clip | what | median s | GB/s | of reading | times the mean | processor s | of reading | times the mean |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut tables = Vec::new();
    for (bits, fraction, clip) in ENCODINGS {
        let encoding = Encoding::new(bits, fraction, clip)?;
        let (base, files) = write(folder, &spec, encoding, count)?;
        let paths: Vec<PathBuf> = (0..count).map(|index| folder.join(index.to_string())).collect();
        let bytes = (count * spec.parameter_count() * usize::from(bits / 8)) as f64;
        let hostile = count / 5;
        let rules = [
            ("mean", Rule::Mean),
            ("median", Rule::Median),
            ("trimmed mean", Rule::TrimmedMean { k: hostile }),
            ("multi-krum", Rule::MultiKrum { hostile, kept: count - hostile }),
        ];
        let mut seconds = vec![Vec::new(); rules.len() + 1];
        let mut used = vec![0.0; rules.len() + 1];
        read_all(&paths)?;
        for _ in 0..samples.max(1) {
            for (place, (own, used)) in seconds.iter_mut().zip(&mut used).enumerate() {
                let (start, before) = (Instant::now(), processor_seconds());
                match place.checked_sub(1).and_then(|rule| rules.get(rule)) {
                    None => read_all(&paths)?,
                    Some((_, rule)) => {
                        black_box(aggregate_from(&base, files.as_slice(), *rule)?);
                    }
                }
                own.push(start.elapsed().as_secs_f64());
                *used += (processor_seconds() - before) / samples.max(1) as f64;
            }
        }
        let medians: Vec<f64> = seconds.iter().map(|samples| median(samples)).collect();
        let [read, mean, ..] = medians[..] else { return Err("nothing was measured".into()) };
        let names = ["reading"].into_iter().chain(rules.map(|(name, _)| name));
        let mut rows = Vec::new();
        let [read_used, mean_used, ..] = used[..] else {
            return Err("nothing was measured".into());
        };
        for (((name, seconds), samples), used) in names.zip(medians).zip(&seconds).zip(&used) {
            println!(
                "| {bits}, {clip} | {name} | {seconds:.4} | {:.2} | {:.0} % | {:.2} | {used:.3} | {:.0} % | {:.2} |",
                bytes / seconds / 1e9,
                100.0 * read / seconds,
                seconds / mean,
                100.0 * read_used / used,
                used / mean_used,
            );
            rows.push(json!({
                "name": name,
                "seconds": seconds,
                "samples": samples,
                "bytes_per_second": bytes / seconds,
                "share_of_reading": read / seconds,
                "times_the_mean": seconds / mean,
                "processor_seconds": used,
                "share_of_reading_by_processor": read_used / used,
                "times_the_mean_by_processor": used / mean_used,
            }));
        }
        tables.push(json!({ "bits": bits, "clip": clip, "bytes": bytes, "measures": rows }));
    }
    Ok(json!({
        "updates": count,
        "weights": spec.parameter_count(),
        "threads": threads,
        "encodings": tables,
    }))
}

/// Updates whose changes look like a bell with a deviation of about 0.01.
fn write(
    folder: &Path,
    spec: &ModelSpec,
    encoding: Encoding,
    count: usize,
) -> Outcome<(Weights, Vec<UpdateFile>)> {
    let zero = Weights::new(spec, vec![0.0; spec.parameter_count()])?;
    let file = |index: usize| -> Outcome<UpdateFile> {
        let mut state = index as u64 + 1;
        let mut uniform = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 24) as f32 - 0.5
        };
        let changes = (0..spec.parameter_count())
            .map(|_| 0.0173 * (uniform() + uniform() + uniform() + uniform()));
        let trained = Weights::new(spec, changes.collect())?;
        let update = Update::from_delta(&zero, &trained, encoding)?;
        Ok(UpdateFile::write(&folder.join(index.to_string()), &update)?)
    };
    let files = (0..count).into_par_iter().map(file).collect::<Outcome<_>>()?;
    Ok((zero, files))
}

/// Reads all files on all threads, in pieces that stay in a core's cache.
fn read_all(paths: &[PathBuf]) -> Outcome<()> {
    // Halves, so that two files more or less do not leave a thread without work.
    let halves: Vec<(&PathBuf, u64)> =
        paths.iter().flat_map(|path| [(path, 0), (path, 1)]).collect();
    halves.into_par_iter().try_for_each_init(
        || vec![0_u8; 64 << 10],
        |buffer, (path, half)| -> Outcome<()> {
            let mut file = File::open(path)?;
            let middle = file.metadata()?.len() / 2;
            let mut left = if half == 0 { middle } else { file.metadata()?.len() - middle };
            file.seek(SeekFrom::Start(half * middle))?;
            while left > 0 {
                let piece = left.min(buffer.len() as u64) as usize;
                let buffer = buffer.get_mut(..piece).unwrap_or_default();
                file.read_exact(buffer)?;
                black_box(&buffer);
                left -= piece as u64;
            }
            Ok(())
        },
    )
}

/// What all threads have used so far, in steps of 10 ms; nothing where the system does not say it as Linux does.
fn processor_seconds() -> f64 {
    let said = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = said.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
