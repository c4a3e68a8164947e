"""pfl-research's side of scripts/compare-pfl.py: a federation on its simulated backend.

A module of its own because it joins the other workers, if any, as it is imported: PFL_WORKER_RANK and PFL_WORKER_ADDRESSES tell
pfl-research which.
"""

import functools
import json
import os
import sys
import time
from pathlib import Path

import federation
import numpy

# Names of CUDA libraries that are not there are looked up when they are called, which is never.
sys.setdlopenflags(os.RTLD_LAZY)
import torch  # noqa: E402
from pfl.aggregate.simulate import SimulatedBackend  # noqa: E402
from pfl.algorithm.base import NNAlgorithmParams  # noqa: E402
from pfl.algorithm.federated_averaging import FederatedAveraging  # noqa: E402
from pfl.callback.base import TrainingProcessCallback  # noqa: E402
from pfl.callback.central_evaluation import CentralEvaluationCallback  # noqa: E402
from pfl.data.dataset import Dataset  # noqa: E402
from pfl.data.federated_dataset import FederatedDataset  # noqa: E402
from pfl.data.sampling import get_user_sampler  # noqa: E402
from pfl.hyperparam.base import NNEvalHyperParams, NNTrainHyperParams  # noqa: E402
from pfl.metrics import Metrics, Weighted  # noqa: E402
from pfl.model.pytorch import PyTorchModel  # noqa: E402


class Net(torch.nn.Module):
    def __init__(self, model, columns):
        super().__init__()
        self.layers = federation.peers.network(model, columns)

    def loss(self, features, labels):
        return torch.nn.functional.cross_entropy(self.layers(features), labels)

    @torch.no_grad()
    def metrics(self, features, labels):
        hits = (self.layers(features).argmax(-1) == labels).sum().item()
        return {"accuracy": Weighted(hits, len(labels))}


class Marks(TrainingProcessCallback):
    """After each round, the time, the processor time and the accuracy; after the first that of the model before it."""

    def __init__(self):
        self.found = []

    def after_central_iteration(self, aggregate_metrics, model, *, central_iteration):
        found = aggregate_metrics.to_simple_dict()["Central val | accuracy"]
        self.found.append((time.monotonic(), federation.processor_seconds(), float(found)))
        return False, Metrics()


def simulate(settings):
    # The same in all workers, who have to agree on first weights and on cohorts.
    numpy.random.seed(1)
    torch.manual_seed(1)
    features, labels = federation.rows(settings["data"], "train")

    # Kept, and with them the batches that it has cut: a client's rows come in one order, whatever the epoch.
    @functools.cache
    def client(number):
        own = federation.own(number, settings["rows"], len(labels))
        return Dataset((features[own], labels[own]), user_id=str(number))

    net = Net(settings["model"], features.shape[1])
    model = PyTorchModel(
        model=net,
        local_optimizer_create=torch.optim.SGD,
        central_optimizer=torch.optim.SGD(net.parameters(), lr=1.0),
    )
    clients = FederatedDataset(client, get_user_sampler("minimize_reuse", list(range(settings["clients"]))))
    marks = Marks()
    evaluation = NNEvalHyperParams(local_batch_size=500)
    FederatedAveraging().run(
        algorithm_params=NNAlgorithmParams(
            central_num_iterations=settings["rounds"],
            # Of clients on their own rows: in the first round alone, which does not count.
            evaluation_frequency=settings["rounds"],
            train_cohort_size=settings["cohort"],
            val_cohort_size=None,
        ),
        backend=SimulatedBackend(training_data=clients, val_data=clients),
        model=model,
        model_train_params=NNTrainHyperParams(
            local_num_epochs=settings["epochs"],
            local_learning_rate=settings["rate"],
            local_batch_size=settings["batch"],
        ),
        model_eval_params=evaluation,
        callbacks=[
            CentralEvaluationCallback(Dataset(federation.rows(settings["data"], "t10k")), evaluation),
            marks,
        ],
        send_metrics_to_platform=False,
    )
    return marks.found


def run(job):
    """Simulates, the result of the first worker into a file, since what is printed is pfl-research's."""
    torch.set_num_threads(job["threads"])
    found = simulate(job["settings"])
    if os.environ.get("PFL_WORKER_RANK", "0") == "0":
        Path(job["result"]).write_text(json.dumps(found))
