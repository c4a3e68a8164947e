"""Flower's side of scripts/compare-flower.py: a federation on its simulation engine, and its aggregates.

A module of its own because the engine's workers, Ray's actors, import it.
"""

import json
import os
import statistics
import sys
import time
from pathlib import Path

import federation
import numpy
from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import ServerApp
from flwr.serverapp.strategy import FedAvg, multikrum, strategy_utils
from flwr.simulation import run_simulation

# Names of CUDA libraries that are not there are looked up when they are called, which is never: in the workers too.
sys.setdlopenflags(os.RTLD_LAZY)
import torch  # noqa: E402

torch.set_num_threads(1)

# Seconds after which arrays are not aggregated once more.
ENOUGH = 120


def accuracy(net, data):
    features, labels = federation.rows(data, "t10k")
    with torch.no_grad():
        parts = zip(features.split(500), labels.split(500))
        hits = [(net(x).argmax(-1) == y).float() for x, y in parts]
    return torch.cat(hits).mean().item()


client_app = ClientApp()


@client_app.train()
def train(message, context):
    config = message.content["config"]
    features, labels = federation.rows(config["data"], "train")
    net = federation.peers.network(config["model"], features.shape[1])
    net.load_state_dict(message.content["arrays"].to_torch_state_dict())
    optimizer = torch.optim.SGD(net.parameters(), lr=config["rate"])
    loss_of = torch.nn.CrossEntropyLoss()
    each = config["rows"]
    own = federation.own(int(context.node_config["partition-id"]), each, len(labels))
    for _ in range(config["epochs"]):
        for batch in own[torch.randperm(each)].split(config["batch"]):
            optimizer.zero_grad()
            loss = loss_of(net(features[batch]), labels[batch])
            loss.backward()
            optimizer.step()
    metrics = MetricRecord({"num-examples": each, "loss": loss.item()})
    content = RecordDict({"arrays": ArrayRecord(net.state_dict()), "metrics": metrics})
    return Message(content=content, reply_to=message)


def simulate(settings):
    """After each round, the time, the processor time and the accuracy; the first is before the first round."""
    torch.manual_seed(1)
    data, model = settings["data"], settings["model"]
    net = federation.peers.network(model, federation.rows(data, "train")[0].shape[1])
    marks, done = [], []

    def evaluate(_round, arrays):
        net.load_state_dict(arrays.to_torch_state_dict())
        found = accuracy(net, data)
        marks.append((time.monotonic(), federation.processor_seconds(), found))
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


def replies(file, updates):
    """The arrays, as this interface gets them."""
    arrays = numpy.fromfile(file, numpy.float32).reshape(updates, -1)
    return [RecordDict({"arrays": ArrayRecord([row]), "metrics": MetricRecord({"num-examples": 1})}) for row in arrays]


def aggregates(file, updates, hostile, samples, rules, out):
    """Seconds of rules, of the mean and multi-Krum, over the same arrays, by the strategies of today; and what they come to, in files."""
    contents = replies(file, updates)

    def krum():
        chosen = multikrum.select_multikrum(contents, hostile, updates - hostile)
        return strategy_utils.aggregate_arrayrecords(chosen, "num-examples")

    def mean():
        return strategy_utils.aggregate_arrayrecords(contents, "num-examples")

    works = {"mean": mean, "krum": krum}
    seconds = {name: [] for name in rules}
    begun = time.monotonic()
    for _ in range(samples):
        for name in rules:
            start = time.monotonic()
            found = works[name]()
            seconds[name].append(time.monotonic() - start)
            found.to_numpy_ndarrays()[0].astype("<f4").tofile(Path(out) / f"{name}.flower.f32")
        if time.monotonic() - begun > ENOUGH:
            break
    return {name: statistics.median(found) for name, found in seconds.items()}


def earlier(file, updates, hostile):
    """Seconds of multi-Krum over the same arrays by the earlier interface, n² differences one after the other; once."""
    from flwr.common import Code, FitRes, Status, ndarrays_to_parameters, parameters_to_ndarrays
    from flwr.server.strategy import aggregate

    arrays = numpy.fromfile(file, numpy.float32).reshape(updates, -1)
    # Messages, each an array with its number of examples.
    results = [(None, FitRes(Status(Code.OK, ""), ndarrays_to_parameters([row]), 1, {})) for row in arrays]
    start = time.monotonic()
    lists = [(parameters_to_ndarrays(result.parameters), result.num_examples) for _, result in results]
    aggregate.aggregate_krum(lists, hostile, updates - hostile)
    return time.monotonic() - start


def run(job):
    """One job, its result into a file, since what is printed is Flower's."""
    if job["what"] == "simulate":
        found = simulate(job["settings"])
    elif job["what"] == "aggregate":
        found = aggregates(job["file"], job["updates"], job["hostile"], job["samples"], job["rules"], job["out"])
    else:
        found = earlier(job["file"], job["updates"], job["hostile"])
    Path(job["result"]).write_text(json.dumps(found))
