"""Times simulated federated rounds and aggregation here and in Flower; scripts/compare-flower.sh calls it.

Both sides of a federation: the same clients with as many rows each, as many of them in a round, the same model, local training and
mean, one client per core, and an evaluation of the model after each round. The first round, in which workers start, does not count.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EPOCHS, BATCH, RATE = 5, 10, 0.1

# Rounds that count.
MODELS = {"2nn": 5, "mcmahan-cnn": 2}

# Updates, their weights, and the hostile ones that multi-Krum has to bear. Weights are integers of at most 8,191 times 2^-18, which
# `f32` holds, and both encodings.
UPDATES, WEIGHTS, HOSTILE = 100, 1_663_370, 20
LARGEST, FRACTION = 8_191, 18
ENCODINGS = {"16 bits": f"16,{FRACTION},{LARGEST}", "32 bits": f"32,24,{2**31 - 1}"}


def flower(job, folder):
    """Runs a job of Flower's in a process of its own, and returns what it has found."""
    job = dict(job, result=str(folder / "flower.json"))
    log = folder / "flower.log"
    with open(log, "w") as said:
        words = [sys.executable, __file__, "--flower", json.dumps(job)]
        # A thread per client, but for aggregates as many as there are cores.
        several = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
        environment = several if job["what"] == "aggregate" else dict(several, OMP_NUM_THREADS="1")
        done = subprocess.run(words, stdout=said, stderr=said, env=environment)
    if done.returncode or not Path(job["result"]).exists():
        raise SystemExit("compare-flower: Flower has failed:\n" + log.read_text()[-3000:])
    return json.loads(Path(job["result"]).read_text())


def speeds(marks):
    """Rounds per second by the clock and by processor time, and the final accuracy, of marks after each round; the first round
    does not count."""
    (first, first_used, _), (last, last_used, found) = marks[0], marks[-1]
    rounds = len(marks) - 1
    return rounds / (last - first), rounds / (last_used - first_used), found


def ours(settings, program, folder):
    data = settings["data"]
    if data.endswith("digits.csv.gz"):
        # As many for the evaluation as on the other side, of 1,797.
        said = f'file = "digits"\nheld_out = {297 / 1797}\n'
    else:
        mnist = f"{data}/mnist"
        said = (
            f'file = "{mnist}/train-images-idx3-ubyte.gz"\nlabels = "{mnist}/train-labels-idx1-ubyte.gz"\n'
            f'test = "{mnist}/t10k-images-idx3-ubyte.gz"\ntest_labels = "{mnist}/t10k-labels-idx1-ubyte.gz"\n'
        )
    side = 8 if data.endswith("digits.csv.gz") else 28
    shape = f"input = [1, {side}, {side}]\n" if settings["model"] == "mcmahan-cnn" else ""
    file = folder / "run.toml"
    file.write_text(
        f"clients = {settings['clients']}\nclients_per_round = {settings['cohort']}\nrounds = {settings['rounds']}\n"
        f"rows_per_client = {settings['rows']}\nfairness_clients = 0\n[model]\nname = \"{settings['model']}\"\n{shape}"
        f"[data]\n{said}[training]\nepochs = {EPOCHS}\nbatch_size = {BATCH}\nlearning_rate = {RATE}\noptimizer = \"sgd\"\n"
    )
    words = [program, "--json", "simulate", str(file), "--out", str(folder / "ours")]
    marks = []
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if "record" not in (found := json.loads(line)):
                continue
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            marks.append((time.monotonic(), used, found["record"]["metrics"]["accuracy"]))
    if process.returncode or len(marks) != settings["rounds"]:
        raise SystemExit(f"compare-flower: {' '.join(words)} has failed")
    return marks


def federations(options, report):
    print("| Model | rounds/s here | Flower | ratio | by processor time | accuracy here | Flower |")
    print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for model in options.models.split(","):
        settings = {
            "model": model, "data": options.data or options.digits, "clients": options.clients, "cohort": options.cohort,
            "rows": options.rows, "rounds": (options.rounds or MODELS[model]) + 1,
            "epochs": EPOCHS, "batch": BATCH, "rate": RATE,
        }  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            here = speeds(ours(settings, options.ours, Path(folder)))
            marks = flower({"what": "simulate", "settings": settings}, Path(folder))
        # Its first mark is from before the first round.
        theirs = speeds(marks[1:])
        ratio, by_processor = here[0] / theirs[0], here[1] / theirs[1]
        print(
            f"| `{model}` | {here[0]:.3f} | {theirs[0]:.3f} | {ratio:.2f} | {by_processor:.2f} "
            f"| {100 * here[2]:.2f} % | {100 * theirs[2]:.2f} % |",
            flush=True,
        )
        report["models"].append({
            "name": model, "rounds": settings["rounds"] - 1, "rounds_per_second_ours": here[0],
            "rounds_per_second_flower": theirs[0], "speed_ratio": ratio, "processor_time_ratio": by_processor,
            "accuracy_ours": here[2], "accuracy_flower": theirs[2],
        })  # fmt: skip
        prefix = "" if model == "2nn" else "cnn_"
        report[f"{prefix}speed_ratio"], report[f"{prefix}processor_time_ratio"] = ratio, by_processor
        report[f"{prefix}accuracy_ours"], report[f"{prefix}accuracy_flower"] = here[2], theirs[2]


def aggregates(options, report):
    import numpy

    updates, weights, hostile = options.updates, options.weights, options.updates // 5
    found, differences = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        file = folder / "arrays.f32"
        draws = numpy.random.default_rng(1)
        with open(file, "wb") as out:
            for _ in range(updates):
                drawn = numpy.clip(numpy.rint(draws.normal(0, 2_600, weights)), -LARGEST, LARGEST)
                (drawn / 2**FRACTION).astype("<f4").tofile(out)
        job = {"what": "aggregate", "file": str(file), "updates": updates, "hostile": hostile, "samples": options.samples}
        theirs = flower(dict(job, out=str(folder)), folder)
        for name, encoding in ENCODINGS.items():
            own = folder / name.replace(" ", "")
            own.mkdir()
            words = [options.aggregate, str(file), str(updates), str(hostile), str(options.samples), encoding, str(own)]
            seconds = json.loads(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout)
            for rule in ("mean", "krum"):
                found[name, rule] = statistics.median(seconds[rule])
                mine, other = (numpy.fromfile(path, "<f4") for path in (own / f"{rule}.f32", folder / f"{rule}.flower.f32"))
                differences[name, rule] = float(abs(mine - other).max())
            for update in own.glob("*.update"):
                update.unlink()
    print(f"\n{updates} updates of {weights} weights:\n")
    print("| Rule | integers of | seconds here | Flower | ratio | Flower's earlier interface | ratio | largest difference |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for (name, rule), seconds in found.items():
        ratio = theirs[rule] / seconds
        suffix = "" if name == "16 bits" else "_32_bits"
        report[f"{rule}_ratio{suffix}"] = ratio
        earlier = " | "
        if rule == "krum":
            report[f"krum_earlier_ratio{suffix}"] = theirs["earlier_krum"] / seconds
            earlier = f"{theirs['earlier_krum']:.1f} | {theirs['earlier_krum'] / seconds:.0f}"
        print(
            f"| {'multi-Krum' if rule == 'krum' else rule} | {name} | {seconds:.3f} | {theirs[rule]:.3f} | {ratio:.1f} "
            f"| {earlier} | {differences[name, rule]:.1e} |"
        )
        report["aggregates"].append({
            "rule": rule, "integers": name, "seconds_ours": seconds, "seconds_flower": theirs[rule], "ratio": ratio,
            "largest_difference": differences[name, rule],
        })  # fmt: skip
    report["seconds_earlier_krum"] = theirs["earlier_krum"]


def main():
    if sys.argv[1:2] == ["--flower"]:
        # Imported, not run: its functions then have a name by which Ray's workers find them.
        import flower_peer

        flower_peer.run(sys.argv[2])
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", required=True)
    parser.add_argument("--aggregate", required=True)
    parser.add_argument("--digits", required=True)
    parser.add_argument("--data", help="folder with mnist/; the digits if not given")
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--cohort", type=int, default=10)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--updates", type=int, default=UPDATES)
    parser.add_argument("--weights", type=int, default=WEIGHTS)
    parser.add_argument("--samples", type=int, default=3)
    parser.add_argument("--out", required=True)
    parser.add_argument("--date", required=True)
    parser.add_argument("--flower-version", required=True)
    options = parser.parse_args()
    report = {
        "date": options.date, "flower": options.flower_version, "engine": "run_simulation with Ray",
        "cores": len(os.sched_getaffinity(0)), "load_before": os.getloadavg()[0],
        "data": "mnist" if options.data else "digits", "clients": options.clients,
        "clients_per_round": options.cohort, "rows_per_client": options.rows, "epochs": EPOCHS, "batch_size": BATCH,
        "learning_rate": RATE, "updates": options.updates, "weights": options.weights, "models": [], "aggregates": [],
    }  # fmt: skip
    federations(options, report)
    aggregates(options, report)
    report["load_after"] = os.getloadavg()[0]
    out = Path(options.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
