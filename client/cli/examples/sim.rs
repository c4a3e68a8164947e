use decentralml_learning::*;
use decentralml_learning::data::digits;
use decentralml_protocol::verdict;
use decentralml_types::Outcome;
use std::ops::ControlFlow;
fn main() {
    let args: Vec<f64> = std::env::args().skip(1).map(|a| a.parse().unwrap()).collect();
    let (epochs, lr, hidden, alpha, s, momentum, share, sorted, repeats, batch) = (args[0] as u32, args[1], args[2] as u32, args[3], args[4] as u8, args[5], args[6] as u32, args[7] > 0.0, args[8] as u8, args[9] as u32);
    let base_seed: [u8;32] = *b"who has which handwritten digits";
    let mut seed = base_seed; if s > 0 { seed[0] = s; }
    let data = digits().unwrap();
    let p = data.split(&[share, (100 - share) / 2, (100 - share) / 2], seed);
    let mut parts = p[0].partition_dirichlet(6, alpha, 40, seed).unwrap();
    if sorted { parts.sort_by_key(|p| std::cmp::Reverse(p.rows())); }
    let sizes: Vec<usize> = parts.iter().map(|p| p.rows()).collect();
    let spec = ModelSpec::mlp(64, &[hidden], 10);
    let init = Weights::init(&spec, [9; 32]);
    let enc = Encoding::new(16, 12, 32767).unwrap();
    let local = LocalTraining { epochs, batch_size: batch, learning_rate: lr, optimizer: Optimizer::Sgd { momentum }, weight_decay: 0.0 };
    let val = Evaluator::new(&spec, &p[1]).unwrap();
    let test = Evaluator::new(&spec, &p[2]).unwrap();
    let mut min_test = vec![1.0_f64; 16];
    let targets = [0.95, 0.955, 0.96, 0.965, 0.97];
    let mut at: Vec<Vec<(u8, f64)>> = vec![vec![]; 5];
    let mut odd = 0;
    for rep in 0..repeats {
        let mut base = init.clone();
        let mut running = [0_i64; 6];
        let mut trend = None;
        let mut hit = [false; 5];
        for round in 1..=15u8 {
            let ups: Vec<Update> = parts.iter().enumerate().map(|(i, d)| {
                let mut sd = [rep; 32]; sd[0] = round; sd[1] = i as u8;
                if i == 5 { return Update::zero(&spec, enc); }
                let o = train(&spec, &base, d, &local, sd, |_| ControlFlow::Continue(())).unwrap();
                let u = Update::from_delta(&base, &o.weights, enc).unwrap();
                if i == 4 { u.negated() } else { u }
            }).collect();
            let refs: Vec<&Update> = ups.iter().collect();
            let scores = score_updates(&val, &base, &refs, [round; 32], &ShapleyOptions::default()).unwrap();
            let total: u64 = scores.iter().map(|s| s.unsigned_abs()).sum();
            let t = verdict::trend(trend, total); trend = Some(t);
            let mut acc = vec![]; let mut names = vec![];
            for i in 0..6 {
                running[i] = verdict::running(running[i], scores[i], t);
                if let Outcome::Accepted { .. } = verdict::outcome(running[i], scores[i], total) { acc.push(refs[i]); names.push(i + 1); }
            }
            if names != [1, 2, 3, 4] { odd += 1; }
            if acc.is_empty() { continue; }
            base = aggregate(&base, &acc, Rule::Mean).unwrap();
            let (v, te) = (val.evaluate(&base).unwrap().accuracy, test.evaluate(&base).unwrap().accuracy);
            min_test[round as usize] = min_test[round as usize].min(te);
            for k in 0..5 { if v >= targets[k] && !hit[k] { hit[k] = true; at[k].push((round, te)); } }
        }
    }
    println!("sizes {sizes:?} odd {odd} min test r8 {:.3} r12 {:.3} r15 {:.3}", min_test[8], min_test[12], min_test[15]);
    for k in 0..5 {
        let n = at[k].len();
        let tests: Vec<f64> = at[k].iter().map(|x| x.1).collect();
        let rounds: Vec<u8> = at[k].iter().map(|x| x.0).collect();
        println!("  target {} reached {n}/{repeats}, rounds {:?}..{:?}, test min {:.3} mean {:.3}, below .95: {}", targets[k], rounds.iter().min(), rounds.iter().max(), tests.iter().cloned().fold(1.0, f64::min), tests.iter().sum::<f64>() / n.max(1) as f64, tests.iter().filter(|t| **t < 0.95).count());
    }
    let alone: Vec<f64> = parts.iter().enumerate().map(|(n, d)| {
        let o = train(&spec, &init, d, &LocalTraining { epochs: epochs * 15, ..local }, [n as u8; 32], |_| ControlFlow::Continue(())).unwrap();
        test.evaluate(&o.weights).unwrap().accuracy }).collect();
    let o = train(&spec, &init, &p[0], &LocalTraining { epochs: epochs * 15, ..local }, [1; 32], |_| ControlFlow::Continue(())).unwrap();
    println!("  alone {:.3?} central {:.4}", alone, test.evaluate(&o.weights).unwrap().accuracy);
}
