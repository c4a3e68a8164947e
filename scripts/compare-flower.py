"""Times simulated federated rounds and aggregation here and in Flower; scripts/compare-flower.sh calls it.

One client per core on both sides.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from collections import namedtuple
from pathlib import Path

import federation

# Rounds that count.
MODELS = {"2nn": 5, "mcmahan-cnn": 2}

# Updates and their weights; multi-Krum has to bear that a fifth are hostile.
UPDATES, WEIGHTS = 100, 1_663_370
# Arrays: their weights are integers of at most `largest` times 2^-`fraction`, which `f32` and these encodings hold exactly. What
# integers of 8 bits hold is little, so they have arrays of their own, of which means are compared.
Arrays = namedtuple("Arrays", "largest fraction encodings rules")
SMALL = Arrays(127, 12, {"8 bits": "8,12,127"}, ("mean",))
LARGE = Arrays(8_191, 18, {"16 bits": "16,18,8191", "32 bits": f"32,24,{2**31 - 1}"}, ("mean", "krum"))


def federations(options, report):
    federation.heading("Flower")
    for model in options.models.split(","):
        settings = federation.settings(options, model, MODELS[model])
        here = federation.speeds(federation.ours(settings, options.ours))
        # Its first mark is from before the first round.
        marks = federation.peer({"what": "simulate", "settings": settings}, threads=1)[1:]
        found = federation.row(f"`{model}`", "flower", here, federation.speeds(marks))
        report["models"].append({"name": model, "rounds": settings["rounds"] - 1, **found})
        prefix = "" if model == "2nn" else "cnn_"
        for name in ("speed_ratio", "cpu_ratio", "accuracy_ours", "accuracy_flower"):
            report[prefix + name] = found[name]
        federation.write(options, report)


def write(kind, file, updates, weights):
    import numpy

    draws = numpy.random.default_rng(1)
    with open(file, "wb") as out:
        for _ in range(updates):
            drawn = numpy.clip(numpy.rint(draws.normal(0, kind.largest / 3, weights)), -kind.largest, kind.largest)
            (drawn / 2**kind.fraction).astype("<f4").tofile(out)


def aggregate(options, encoding, file, own):
    """Seconds of the mean and of multi-Krum of the arrays here; what they come to lies in the folder `own`."""
    own.mkdir()
    numbers = [str(number) for number in (options.updates, options.updates // 5, options.samples)]
    words = [options.aggregate, str(file), *numbers, encoding, str(own)]
    seconds = json.loads(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout)
    for update in own.glob("*.update"):
        update.unlink()
    return {rule: statistics.median(samples) for rule, samples in seconds.items()}


def compare(options, report, kind, folder):
    """Aggregates arrays of a kind here and there; the job that tells Flower of them."""
    import numpy

    folder.mkdir()
    file = folder / "arrays.f32"
    write(kind, file, options.updates, options.weights)
    job = {"file": str(file), "updates": options.updates, "hostile": options.updates // 5}
    more = {"samples": options.samples, "rules": kind.rules, "out": str(folder)}
    theirs = federation.peer(dict(job, what="aggregate", **more))
    for name, encoding in kind.encodings.items():
        own = folder / name.replace(" ", "")
        ours = aggregate(options, encoding, file, own)
        for rule in kind.rules:
            seconds = ours[rule]
            results = own / f"{rule}.f32", folder / f"{rule}.flower.f32"
            here, there = (numpy.fromfile(path, "<f4") for path in results)
            difference, ratio = float(abs(here - there).max()), theirs[rule] / seconds
            print(
                f"| {'multi-Krum' if rule == 'krum' else rule} | {name} | {seconds:.3f} | {theirs[rule]:.3f} "
                f"| {ratio:.1f} | {difference:.1e} |",
                flush=True,
            )
            suffix = "" if name == "16 bits" else f"_{name.replace(' ', '_')}"
            report[f"{rule}_ratio{suffix}"] = ratio
            report["aggregates"].append({
                "rule": rule, "integers": name, "seconds_ours": seconds, "seconds_flower": theirs[rule],
                "ratio": ratio, "largest_difference": difference,
            })  # fmt: skip
    federation.write(options, report)
    return job


def aggregates(options, report):
    print(f"\n{options.updates} updates of {options.weights} weights:\n")
    print("| Rule | integers of | seconds here | Flower | ratio | largest difference |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        compare(options, report, SMALL, Path(folder) / "small")
    with tempfile.TemporaryDirectory() as folder:
        job = compare(options, report, LARGE, Path(folder) / "large")
        # The longest, and last.
        earlier = report["seconds_earlier_krum"] = federation.peer(dict(job, what="earlier"))
    for found in report["aggregates"]:
        if found["rule"] == "krum":
            suffix = "" if found["integers"] == "16 bits" else "_32_bits"
            ratio = report[f"krum_earlier_ratio{suffix}"] = earlier / found["seconds_ours"]
            print(
                f"| multi-Krum, Flower's earlier interface | {found['integers']} | {found['seconds_ours']:.3f} "
                f"| {earlier:.1f} | {ratio:.0f} | |"
            )
    federation.write(options, report)


def main():
    if sys.argv[1:2] == ["--peer"]:
        # Imported, not run: its functions then have a name by which Ray's workers find them.
        import flower_peer

        flower_peer.run(json.loads(sys.argv[2]))
        return
    parser = federation.arguments()
    parser.add_argument("--aggregate", required=True)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--updates", type=int, default=UPDATES)
    parser.add_argument("--weights", type=int, default=WEIGHTS)
    parser.add_argument("--samples", type=int, default=3)
    options = parser.parse_args()
    report = federation.begun(options, {"flower": "flwr", "ray": "ray", "pytorch": "torch"})
    report |= {
        "engine": "run_simulation with Ray", "updates": options.updates, "weights": options.weights, "aggregates": [],
    }  # fmt: skip
    federations(options, report)
    aggregates(options, report)


if __name__ == "__main__":
    main()
