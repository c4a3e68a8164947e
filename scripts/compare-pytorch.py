"""Times training by this project's programs and by PyTorch in turn; scripts/compare-pytorch.sh calls it.

Both sides are the same: workers that read requests from their standard input (client/learning/examples/train_on_request.rs says
which), one per core with one thread, and one with a thread per core. The faster arrangement of each counts.
"""

import argparse
import csv
import gzip
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

TOKENS = 96
STEPS = 80

# Learning rate, rows of a turn, and rows after which the model is tested.
MODELS = {
    "2nn": (0.1, 12_000, 60_000),
    "mcmahan-cnn": (0.1, 1_200, 12_000),
    "gru-char": (0.5, 80, 800),
}


def images(folder, name):
    import numpy

    with gzip.open(folder / f"{name}-images-idx3-ubyte.gz") as file:
        pixels = numpy.frombuffer(file.read(), numpy.uint8, offset=16).reshape(-1, 28 * 28)
    with gzip.open(folder / f"{name}-labels-idx1-ubyte.gz") as file:
        labels = numpy.frombuffer(file.read(), numpy.uint8, offset=8)
    return pixels.astype(numpy.float32) / 255, labels.astype(numpy.int64)


def text(path):
    import numpy

    raw = numpy.frombuffer(path.read_bytes(), numpy.uint8).astype(numpy.int64)
    tokens = numpy.where((raw >= 32) & (raw <= 126), raw - 32, TOKENS - 1)
    count = (len(tokens) - STEPS - 1) // STEPS + 1
    rows = numpy.stack([tokens[i * STEPS : i * STEPS + STEPS + 1] for i in range(count)])
    split = count // 10 * 9
    parts = rows[:split], rows[split:]
    return [(part[:, :-1], part[:, 1:]) for part in parts]


def digits(path):
    import numpy

    with gzip.open(path, "rt") as file:
        rows = [[float(cell) for cell in row] for row in csv.reader(file) if row[0].strip().isdigit()]
    rows = numpy.array(rows, numpy.float32)
    pixels, labels = rows[:, :-1] / 16, rows[:, -1].astype(numpy.int64)
    return (pixels[:-297], labels[:-297]), (pixels[-297:], labels[-297:])


def network(model, columns):
    from torch import nn

    if model == "2nn":
        return nn.Sequential(
            nn.Linear(columns, 200), nn.ReLU(), nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, 10)
        )
    if model == "mcmahan-cnn":
        side = round(columns**0.5)
        return nn.Sequential(
            nn.Unflatten(1, (1, side, side)),
            nn.Conv2d(1, 32, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * (side // 4) ** 2, 512),
            nn.ReLU(),
            nn.Linear(512, 10),
        )

    class Characters(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(TOKENS, 8)
            self.gru = nn.GRU(8, 256, num_layers=2, batch_first=True)
            self.output = nn.Linear(256, TOKENS)

        def forward(self, tokens):
            return self.output(self.gru(self.embedding(tokens))[0])

    return Characters()


def worker(model, batch, rate, data, device, threads):
    # Names of CUDA libraries that are not there are looked up when they are called, which is never.
    sys.setdlopenflags(os.RTLD_LAZY)
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    if data.endswith("digits.csv.gz"):
        training, test = digits(data)
    elif model.endswith("-char"):
        training, test = text(Path(data) / "tinyshakespeare" / "input.txt")
    else:
        training, test = (images(Path(data) / "mnist", name) for name in ("train", "t10k"))
    training = [torch.tensor(part).to(device) for part in training]
    test = [torch.tensor(part).to(device) for part in test]
    net = network(model, training[0].shape[1]).to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=rate)
    loss_of = torch.nn.CrossEntropyLoss()
    for request in sys.stdin:
        words = request.split()
        if words[0] == "train":
            first, rows = int(words[1]), int(words[2])
            order = (torch.randperm(rows) + first) % len(training[0])
            for rows in order.to(device).split(batch):
                optimizer.zero_grad()
                outputs = net(training[0][rows])
                loss = loss_of(outputs.flatten(0, -2), training[1][rows].flatten())
                loss.backward()
                optimizer.step()
                loss.item()
            print("trained", flush=True)
        else:
            with torch.no_grad():
                hits = torch.cat(
                    [(net(x).argmax(-1) == y).flatten().float() for x, y in zip(*(part.split(200) for part in test))]
                )
            print(f"{hits.mean().item():.4f}", flush=True)


class Arrangement:
    """Some workers of one system that train at once."""

    def __init__(self, command, threads, workers):
        environment = dict(os.environ, RAYON_NUM_THREADS=str(threads), OMP_NUM_THREADS=str(threads))
        self.workers = [
            subprocess.Popen(
                command + ([str(threads)] if command[0] == sys.executable else []),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            )
            for _ in range(workers)
        ]
        self.name = f"{workers} × {threads}"
        self.rows = 0

    def ask(self, request):
        for process in self.workers:
            process.stdin.write(request + "\n")
            process.stdin.flush()
        answers = [process.stdout.readline().strip() for process in self.workers]
        if not all(answers):
            raise SystemExit("compare-pytorch: a worker has ended; what it said is above")
        return answers

    def seconds_of_processors(self):
        def ticks(process):
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            return int(fields[11]) + int(fields[12])

        return sum(ticks(process) for process in self.workers) / os.sysconf("SC_CLK_TCK")

    def train(self, rows):
        """Rows per second, by the clock and by the processors' time."""
        share = rows // len(self.workers)
        clock, processors = time.monotonic(), self.seconds_of_processors()
        self.ask(f"train {self.rows} {share}")
        self.rows += share
        done = share * len(self.workers)
        clock, processors = time.monotonic() - clock, self.seconds_of_processors() - processors
        return done / clock, done / max(processors, 0.01)

    def stop(self):
        for process in self.workers:
            process.stdin.close()
        for process in self.workers:
            process.wait()


def compare(model, batch, options):
    rate, rows, tested_after = MODELS[model]
    rows = max(int(rows * options.scale), 2 * batch)
    device = options.device
    ours = [options.ours, model, str(batch), str(rate), options.data or "digits", device]
    data = options.data or options.digits
    theirs = [sys.executable, __file__, "--worker", model, str(batch), str(rate), data, device]
    cores = len(os.sched_getaffinity(0))
    # On a card one model; the one with all rows comes last.
    shapes = [(1, cores), (cores, 1)] if device == "cpu" and cores > 1 else [(cores, 1)]
    best, accuracy = {}, {}
    for threads, workers in shapes:
        pair = {"ours": Arrangement(ours, threads, workers), "pytorch": Arrangement(theirs, threads, workers)}
        speeds = {name: [] for name in pair}
        for turn in range(options.turns + 1):
            for name, arrangement in pair.items():
                speed = arrangement.train(rows)
                # The first turn warms up: pages, threads, kernels that are chosen by trying.
                if turn > 0:
                    speeds[name].append(speed)
        for name, arrangement in pair.items():
            # Of the arrangement in which all rows go to one model, the same for both sides.
            if len(arrangement.workers) == 1:
                rest = int(tested_after * options.scale) - arrangement.rows
                if rest >= batch:
                    arrangement.ask(f"train {arrangement.rows} {rest - rest % batch}")
                accuracy[name] = float(arrangement.ask("test")[0])
            clock = statistics.median(speed for speed, _ in speeds[name])
            processors = statistics.median(speed for _, speed in speeds[name])
            if name not in best or clock > best[name]["speed"]:
                best[name] = {
                    "speed": clock,
                    "per_processor": processors,
                    "arrangement": arrangement.name,
                }
            arrangement.stop()
    mine, other = best["ours"], best["pytorch"]
    return {
        "name": model,
        "batch": batch,
        "ours": round(mine["speed"], 1),
        "pytorch": round(other["speed"], 1),
        "speed_ratio": round(mine["speed"] / other["speed"], 3),
        "accuracy_ours": accuracy["ours"],
        "accuracy_pytorch": accuracy["pytorch"],
        "processor_time_ratio": round(mine["per_processor"] / other["per_processor"], 3),
        "arrangement_ours": mine["arrangement"],
        "arrangement_pytorch": other["arrangement"],
    }


def main():
    if sys.argv[1:2] == ["--worker"]:
        model, batch, rate, data, device, threads = sys.argv[2:]
        worker(model, int(batch), float(rate), data, device, int(threads))
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", required=True)
    parser.add_argument("--data", help="folder with mnist/ and tinyshakespeare/; the digits if not given")
    parser.add_argument("--digits", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--date", required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--batches", default="10,64")
    options = parser.parse_args()
    sys.setdlopenflags(os.RTLD_LAZY)
    import torch

    print("| Model | Batch | Ours, rows/s | PyTorch, rows/s | Ratio | by processor time | Accuracy |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    results = []
    for model in options.models.split(","):
        if model.endswith("-char") and not options.data:
            continue
        for batch in map(int, options.batches.split(",")):
            row = compare(model, batch, options)
            results.append(row)
            print(
                f"| `{model}` | {batch} | {row['ours']:,.0f} ({row['arrangement_ours']}) "
                f"| {row['pytorch']:,.0f} ({row['arrangement_pytorch']}) | **{row['speed_ratio']:.2f}** "
                f"| {row['processor_time_ratio']:.2f} "
                f"| {row['accuracy_ours']:.1%}, {row['accuracy_pytorch']:.1%} |",
                flush=True,
            )
            # After each, so that what is there when it is stopped is worth something.
            write(results, torch.__version__, options)


def write(results, version, options):
    report = {
        "date": options.date,
        "pytorch": version,
        "device": options.device,
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        "data": "files" if options.data else "digits",
        "models": results,
    }
    out = Path(options.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
