"""Flower's side of scripts/compare-flower.py: a federation on its simulation engine, and its aggregates.

A module of its own because the engine's workers, Ray's actors, import it.
"""

import functools
import importlib
import json
import os
import resource
import statistics
import sys
import time
from pathlib import Path

from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import ServerApp
from flwr.serverapp.strategy import FedAvg
from flwr.simulation import run_simulation

# Names of CUDA libraries that are not there are looked up when they are called, which is never: in the workers too.
sys.setdlopenflags(os.RTLD_LAZY)
import torch  # noqa: E402

torch.set_num_threads(1)
peers = importlib.import_module("compare-pytorch")


@functools.cache
def rows(data, part):
    """Features and labels, read once by each process."""
    if data.endswith("digits.csv.gz"):
        found = peers.digits(data)[0 if part == "train" else 1]
    else:
        found = peers.images(Path(data) / "mnist", part)
    return [torch.tensor(array) for array in found]


def accuracy(net, data):
    features, labels = rows(data, "t10k")
    with torch.no_grad():
        parts = zip(features.split(500), labels.split(500))
        hits = [(net(x).argmax(-1) == y).float() for x, y in parts]
    return torch.cat(hits).mean().item()


client_app = ClientApp()


@client_app.train()
def train(message, context):
    config = message.content["config"]
    features, labels = rows(config["data"], "train")
    net = peers.network(config["model"], features.shape[1])
    net.load_state_dict(message.content["arrays"].to_torch_state_dict())
    optimizer = torch.optim.SGD(net.parameters(), lr=config["rate"])
    loss_of = torch.nn.CrossEntropyLoss()
    each = config["rows"]
    own = (torch.arange(each) + int(context.node_config["partition-id"]) * each) % len(labels)
    for _ in range(config["epochs"]):
        for batch in own[torch.randperm(each)].split(config["batch"]):
            optimizer.zero_grad()
            loss = loss_of(net(features[batch]), labels[batch])
            loss.backward()
            optimizer.step()
    metrics = MetricRecord({"num-examples": each, "loss": loss.item()})
    content = RecordDict({"arrays": ArrayRecord(net.state_dict()), "metrics": metrics})
    return Message(content=content, reply_to=message)


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

    def ours(process):
        while process in parents and process != os.getpid():
            process = parents[process]
        return process == os.getpid()

    return sum(ticks for process, ticks in used.items() if ours(process)) / os.sysconf("SC_CLK_TCK")


def simulate(settings):
    """After each round, the time, the processor time and the accuracy; the first is before the first round."""
    torch.manual_seed(1)
    data, model = settings["data"], settings["model"]
    net = peers.network(model, rows(data, "train")[0].shape[1])
    marks, done = [], []

    def evaluate(_round, arrays):
        net.load_state_dict(arrays.to_torch_state_dict())
        found = accuracy(net, data)
        marks.append((time.monotonic(), processor_seconds(), found))
        return MetricRecord({"accuracy": found})

    server_app = ServerApp()
    strategy = FedAvg(
        fraction_train=settings["cohort"] / settings["clients"],
        fraction_evaluate=0.0,
        min_available_nodes=settings["clients"],
    )

    @server_app.main()
    def main(grid, context):
        result = strategy.start(
            grid=grid,
            initial_arrays=ArrayRecord(net.state_dict()),
            num_rounds=settings["rounds"],
            train_config=ConfigRecord(settings),
            evaluate_fn=evaluate,
        )
        # It goes on without clients that have failed.
        done.append(len(result.train_metrics_clientapp) == settings["rounds"])

    # One client per core, each with a thread: as ours, and PyTorch's better arrangement for these models.
    backend = {"client_resources": {"num_cpus": 1, "num_gpus": 0.0}}
    run_simulation(server_app, client_app, num_supernodes=settings["clients"], backend_config=backend)
    if done != [True]:
        raise SystemExit("clients have failed; what they said is above")
    return marks


def aggregates(file, updates, hostile, samples, out):
    """Seconds of the mean and of multi-Krum over the same arrays, by Flower's strategies of today and by those of its earlier
    interface; and what the former come to, in files."""
    import numpy
    from flwr.common import FitRes, Code, Status, ndarrays_to_parameters, parameters_to_ndarrays
    from flwr.server.strategy import aggregate as earlier
    from flwr.serverapp.strategy import multikrum, strategy_utils

    arrays = numpy.fromfile(file, numpy.float32).reshape(updates, -1)
    replies = [
        RecordDict({"arrays": ArrayRecord([row]), "metrics": MetricRecord({"num-examples": 1})}) for row in arrays
    ]
    kept = updates - hostile

    def krum():
        chosen = multikrum.select_multikrum(replies, hostile, kept)
        return strategy_utils.aggregate_arrayrecords(chosen, "num-examples")

    def mean():
        return strategy_utils.aggregate_arrayrecords(replies, "num-examples")

    seconds = {"mean": [], "krum": []}
    for _ in range(samples):
        for name, work in (("mean", mean), ("krum", krum)):
            start = time.monotonic()
            found = work()
            seconds[name].append(time.monotonic() - start)
            found.to_numpy_ndarrays()[0].astype("<f4").tofile(Path(out) / f"{name}.flower.f32")
    # As its earlier interface gets them: messages, each an array with its number of examples.
    results = [(None, FitRes(Status(Code.OK, ""), ndarrays_to_parameters([row]), 1, {})) for row in arrays]
    start = time.monotonic()
    lists = [(parameters_to_ndarrays(result.parameters), result.num_examples) for _, result in results]
    earlier.aggregate_krum(lists, hostile, kept)
    seconds["earlier_krum"] = [time.monotonic() - start]
    medians = {name: statistics.median(samples) for name, samples in seconds.items()}
    return {**medians, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def run(job):
    """One job, its result into a file, since what is printed is Flower's."""
    job = json.loads(job)
    if job["what"] == "simulate":
        found = simulate(job["settings"])
    else:
        found = aggregates(job["file"], job["updates"], job["hostile"], job["samples"], job["out"])
    Path(job["result"]).write_text(json.dumps(found))
