//! What each encoding of an update takes: bytes, and the time to write and to read it on one core.
//!
//! Usage: `codecs [samples]`, by default 5 of each; updates have 1,663,000 weights, and the table shows medians. `scripts/codecs.sh`
//! runs it, beside what the encodings do to the models.

use std::{env, error::Error, hint::black_box, time::Instant};

use decentralml_learning::{Codec, Draw, Encoding, ModelSpec, Update, Weights};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How an update is written: as integers of these bits and fraction bits, or packed.
enum Way {
    Plain(u8, u8),
    Packed(Codec),
}

/// Those of `client/simulator/examples/codecs.toml`.
fn ways() -> [(&'static str, Way); 10] {
    let packed = |bits, keep, deflate| Way::Packed(Codec { bits, keep, deflate });
    [
        ("32 bits", Way::Plain(32, 24)),
        ("16 bits", Way::Plain(16, 14)),
        ("8 bits", Way::Plain(8, 8)),
        ("4 bits", Way::Plain(4, 5)),
        ("16 bits, stochastic", packed(16, None, false)),
        ("8 bits, stochastic", packed(8, None, false)),
        ("4 bits, stochastic", packed(4, None, false)),
        ("4 bits, stochastic, deflated", packed(4, None, true)),
        ("8 bits, a tenth of the weights", packed(8, Some(1_000), false)),
        ("4 bits, a hundredth of the weights, deflated", packed(4, Some(100), true)),
    ]
}

fn main() -> Outcome<()> {
    let samples = env::args().nth(1).map_or(Ok(5), |samples| samples.parse())?;
    // One layer of about as many weights as `mcmahan-cnn` has.
    let spec = ModelSpec::mlp(1_662, &[], 1_000);
    let base = Weights::init(&spec, [0; 32]);
    let trained = changed(&spec, &base)?;
    let wide = Update::byte_length(&spec, Encoding::new(32, 24, i32::MAX)?);
    println!("| {} weights | bytes | of 32 bits | write, ms | read, ms |", spec.parameter_count());
    println!("| --- | --- | --- | --- | --- |");
    for (name, way) in ways() {
        let [mut writing, mut reading] = [Vec::new(), Vec::new()];
        let mut length = 0;
        for round in 0..samples {
            let start = Instant::now();
            let bytes = write(&way, &base, &trained, round)?;
            writing.push(start.elapsed().as_secs_f64());
            let start = Instant::now();
            black_box(read(&way, &bytes, &spec)?);
            reading.push(start.elapsed().as_secs_f64());
            length = bytes.len();
        }
        println!(
            "| {name} | {length} | {:.2} % | {:.1} | {:.1} |",
            100.0 * length as f64 / wide as f64,
            1e3 * median(&mut writing),
            1e3 * median(&mut reading),
        );
    }
    Ok(())
}

fn encoding(way: &Way) -> Outcome<Encoding> {
    Ok(match *way {
        Way::Plain(bits, fraction) => {
            Encoding::new(bits, fraction, ((1_i64 << (bits - 1)) - 1) as i32)?
        }
        Way::Packed(_) => Encoding::new(32, 24, i32::MAX)?,
    })
}

fn write(way: &Way, base: &Weights, trained: &Weights, round: u32) -> Outcome<Vec<u8>> {
    let encoding = encoding(way)?;
    Ok(match way {
        Way::Plain(..) => Update::from_delta(base, trained, encoding)?.to_bytes(),
        Way::Packed(codec) => {
            let draw = Draw { run: [1; 32], round, client: 0 };
            codec.pack(base, trained, encoding, &draw, None)?.bytes
        }
    })
}

fn read(way: &Way, bytes: &[u8], spec: &ModelSpec) -> Outcome<Update> {
    let encoding = encoding(way)?;
    Ok(match way {
        Way::Plain(..) => Update::from_bytes(bytes, spec, encoding)?,
        Way::Packed(codec) => codec.unpack(bytes, spec, encoding)?,
    })
}

/// Weights whose changes look like a bell with a deviation of about 0.01.
fn changed(spec: &ModelSpec, base: &Weights) -> Outcome<Weights> {
    let mut state = 1_u64;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let change = |weight: &f32| weight + 0.0173 * (uniform() + uniform() + uniform() + uniform());
    Ok(Weights::new(spec, base.values().iter().map(change).collect())?)
}

fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}
