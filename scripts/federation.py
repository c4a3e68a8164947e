"""One federation, here and in another program: what scripts/compare-flower.py and scripts/compare-pfl.py share.

Both sides: the same clients with as many rows each, as many of them in a round, the same model, local training and mean, and an
evaluation of the model after each round. The first round, in which workers start, does not count.
"""

import argparse
import functools
import importlib
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EPOCHS, BATCH, RATE = 5, 10, 0.1

peers = importlib.import_module("compare-pytorch")


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", required=True)
    parser.add_argument("--digits", required=True)
    parser.add_argument("--data", help="folder with mnist/; the digits if not given")
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--cohort", type=int, default=10)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--out", required=True)
    parser.add_argument("--date", required=True)
    return parser


def begun(options, packages):
    """A report with what is known before anything runs, also the versions of the other program's packages."""
    said = subprocess.run([options.ours, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return {
        "date": options.date, "decentralml": said.split()[-1],
        **{name: importlib.metadata.version(package) for name, package in packages.items()},
        "cores": len(os.sched_getaffinity(0)), "load_before": os.getloadavg()[0],
        "data": "mnist" if options.data else "digits", "clients": options.clients,
        "clients_per_round": options.cohort, "rows_per_client": options.rows, "epochs": EPOCHS, "batch_size": BATCH,
        "learning_rate": RATE, "models": [],
    }  # fmt: skip


def write(options, report):
    """Written anew after each part: what comes later may take too long for whoever waits."""
    report["load_after"] = os.getloadavg()[0]
    out = Path(options.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=2) + "\n")


def settings(options, model, rounds):
    return {
        "model": model, "data": options.data or options.digits, "clients": options.clients, "cohort": options.cohort,
        "rows": options.rows, "rounds": (options.rounds or rounds) + 1, "epochs": EPOCHS, "batch": BATCH, "rate": RATE,
    }  # fmt: skip


def peer(job, threads=None):
    """Runs a job of the other program's in a process of its own, with so many threads if told, and returns what it has found."""
    with tempfile.TemporaryDirectory() as folder:
        result, log = Path(folder) / "peer.json", Path(folder) / "peer.log"
        environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
        if threads:
            environment["OMP_NUM_THREADS"] = str(threads)
        with open(log, "w") as said:
            words = [sys.executable, sys.argv[0], "--peer", json.dumps(dict(job, result=str(result)))]
            done = subprocess.run(words, stdout=said, stderr=said, env=environment)
        if done.returncode or not result.exists():
            raise SystemExit(f"{Path(sys.argv[0]).stem}: the other program has failed:\n{log.read_text()[-3000:]}")
        return json.loads(result.read_text())


def ours(settings, program):
    """After each round, the time, the processor time and the accuracy."""
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
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.toml"
        file.write_text(
            f"clients = {settings['clients']}\nclients_per_round = {settings['cohort']}\nrounds = {settings['rounds']}\n"
            f"rows_per_client = {settings['rows']}\nfairness_clients = 0\n[model]\nname = \"{settings['model']}\"\n{shape}"
            f"[data]\n{said}[training]\nepochs = {EPOCHS}\nbatch_size = {BATCH}\nlearning_rate = {RATE}\noptimizer = \"sgd\"\n"
        )
        words = [program, "--json", "simulate", str(file), "--out", f"{folder}/ours"]
        marks = []
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if "record" not in (found := json.loads(line)):
                    continue
                fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
                used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
                marks.append((time.monotonic(), used, found["record"]["metrics"]["accuracy"]))
    if process.returncode or len(marks) != settings["rounds"]:
        raise SystemExit(f"{Path(sys.argv[0]).stem}: {' '.join(words)} has failed")
    return marks


def speeds(marks):
    """Rounds per second by the clock and by processor time, and the final accuracy, of marks after each round; the first round
    does not count."""
    (first, first_used, _), (last, last_used, found) = marks[0], marks[-1]
    rounds = len(marks) - 1
    return rounds / (last - first), rounds / (last_used - first_used), found


def heading(title):
    print(f"| Model | rounds/s here | {title} | ratio | by processor time | accuracy here | {title} |")
    print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)


def row(name, key, here, theirs):
    """Prints the speeds of both sides, and returns them as they are in the report, the other program's by its key."""
    ratio, by_processor = here[0] / theirs[0], here[1] / theirs[1]
    print(
        f"| {name} | {here[0]:.3f} | {theirs[0]:.3f} | {ratio:.2f} | {by_processor:.2f} "
        f"| {100 * here[2]:.2f} % | {100 * theirs[2]:.2f} % |",
        flush=True,
    )
    return {
        "rounds_per_second_ours": here[0], f"rounds_per_second_{key}": theirs[0], "speed_ratio": ratio,
        "cpu_ratio": by_processor, "accuracy_ours": here[2], f"accuracy_{key}": theirs[2],
    }  # fmt: skip


@functools.cache
def rows(data, part):
    """Features and labels as PyTorch's tensors, read once by each process."""
    import torch

    if data.endswith("digits.csv.gz"):
        found = peers.digits(data)[0 if part == "train" else 1]
    else:
        found = peers.images(Path(data) / "mnist", part)
    return [torch.tensor(array) for array in found]


def own(client, each, count):
    """The numbers of a client's rows, of so many; clients share them where there are fewer than all want."""
    import torch

    return (torch.arange(each) + client * each) % count


def processor_seconds():
    """What this process and all that it has started have used so far; none of them ends before the last round does."""
    parents, used = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        process = int(stat.parent.name)
        parents[process], used[process] = int(fields[1]), int(fields[11]) + int(fields[12])

    def started_here(process):
        while process in parents and process != os.getpid():
            process = parents[process]
        return process == os.getpid()

    return sum(ticks for process, ticks in used.items() if started_here(process)) / os.sysconf("SC_CLK_TCK")
