"""The tables of scripts/papers.py: which runs they are made of, and what was published.

A table has a title, column names, and rows; a row has a name and cells. A cell is the settings of a run, as a run file has them, the
measure that is taken of it, and the published figure or none.
"""

from collections import namedtuple

Table = namedtuple("Table", "title columns rows")
Cell = namedtuple("Cell", "run measure published")

# LeNet-like, of NIID-Bench (Li et al. 2022).
NIID_CNN = [
    {"conv2d": {"filters": 6, "kernel": 5}}, "relu", {"max_pool": {"size": 2, "stride": 2}},
    {"conv2d": {"filters": 16, "kernel": 5}}, "relu", {"max_pool": {"size": 2, "stride": 2}},
    "flatten", {"dense": {"units": 120}}, "relu", {"dense": {"units": 84}}, "relu", {"dense": {"units": 10}},
]  # fmt: skip
# Of FLANDERS (Gabrielli et al. 2023).
BYZANTINE_MLP = [
    "flatten", {"dense": {"units": 128}}, "relu", {"dense": {"units": 256}}, "relu", {"dense": {"units": 10}},
]  # fmt: skip
LAYERS = {"niid-cnn": NIID_CNN, "byzantine-mlp": BYZANTINE_MLP}

# Of the Byzantine table: of the integers of updates, and the rules that are tried at a small size.
FRACTION_BITS = 14
SOME_RULES = (
    "mean", "median", "multi-Krum", "nearest neighbors, trimmed mean", "centered clipping", "worker momentum 0.9, centered clipping",
)  # fmt: skip

SGD = {"optimizer": "sgd"}
IID = "iid"
SKEWED = {"dirichlet": {"alpha": 0.5, "minimum": 10}}
MEAN = {"rule": "mean"}


def run(model, clients, rounds, training, **more):
    """Settings of a run; those that are None are left out."""
    settings = {"model": model, "clients": clients, "rounds": rounds, "training": training, "partition": IID, **more}
    return {key: value for key, value in settings.items() if value is not None}


def mcmahan(small):
    published = {
        (5, 10): (20, 229), (1, 10): (34, 350), (5, 50): (29, 334), (20, 10): (18, 173),
    }  # fmt: skip
    rows = []
    for (epochs, batch), rounds in published.items():
        if small and (epochs, batch) != (1, 10):
            continue
        cells = []
        for partition, most in zip((IID, {"shards": {"per_part": 2}}), rounds):
            training = {**SGD, "epochs": epochs, "batch_size": batch, "learning_rate": 0.1 if partition == IID else 0.05}
            settings = run("mcmahan-cnn", 100, most, training, partition=partition, clients_per_round=10, target=0.99)
            cells.append(Cell(settings, "reached", most))
        rows.append((f"E = {epochs}, B = {batch}", cells[:1] if small else cells))
    title = "McMahan et al. 2017, Table 2: rounds to 99 % on MNIST, CNN, 100 clients, 10 in a round; at most as many as published"
    if small:
        title += ". Of the cells only the one that takes the least time"
    return Table(title, ["IID", "2 shards each"][: 1 if small else 2], rows)


def niid(small):
    published = {
        "IID": ("99.09 ± 0.05", "99.16 ± 0.04", "99.06 ± 0.15", "99.05 ± 0.06"),
        "Dirichlet(0.5)": ("98.89 ± 0.07", "99.02 ± 0.02", "99.07 ± 0.06", "98.03 ± 0.06"),
        "1 label": ("19.33 ± 11.8", "51.79 ± 26.8", "9.93 ± 0.1", "52.58 ± 14.1"),
        "2 labels": ("96.86 ± 0.30", "96.85 ± 0.15", "96.92 ± 0.52", "96.65 ± 0.39"),
        "3 labels": (None, None, None, None),
    }
    splits = [IID, SKEWED] + [{"pathological": {"labels": labels}} for labels in (1, 2, 3)]
    rounds, epochs, some = (10, 5, 3_000) if small else (50, 10, None)
    rows = []
    for (name, figures), partition in zip(published.items(), splits):
        training = {**SGD, "momentum": 0.9, "epochs": epochs, "batch_size": 64, "learning_rate": 0.01}
        samples = {"rule": "mean", "count": {"samples": {}}}
        kinds = [
            (training, samples, None),
            ({**training, "proximal": 0.01}, samples, None),
            # Its variates are gradients: those of plain steps.
            ({**training, "momentum": 0.0, "learning_rate": 0.05}, samples, True),
            (training, {"rule": "mean", "count": {"nova": {}}}, None),
        ]
        cells = [
            Cell(
                run("niid-cnn", 10, rounds, how, partition=partition, aggregation=rule, scaffold=scaffold, data_rows=some),
                "best",
                figure,
            )
            for (how, rule, scaffold), figure in zip(kinds, figures)
        ]
        rows.append((name, cells))
    title = f"NIID-Bench, MNIST, its CNN, 10 clients, all in each of {rounds} rounds of {epochs} epochs: best accuracy in %"
    if small:
        title += (
            ". With 3,000 rows in place of 60,000, 10 rounds in place of 50 and 5 epochs in place of 10, so not to be compared with "
            "what was published"
        )
    return Table(title, ["FedAvg", "FedProx", "SCAFFOLD", "FedNova"], rows)


def byzantine(small):
    attacks = [
        ("none", None), ("Gaussian", {"gaussian": {"deviation": 1.0}}), ("ALIE", {"alie": {}}), ("Fang", "fang"),
        ("min-max", "min_max"),
    ]  # fmt: skip
    neighbors = {"before": {"nearest_neighbors": {"hostile": 20}}}
    buckets = {"before": {"buckets": {"size": 2}}}
    # In units of the encoding: a norm of 2, about that of an honest update.
    clipping = {"rule": {"centered_clipping": {"radius": 2 << FRACTION_BITS, "steps": 3}}}
    rules = {
        "mean": (MEAN, (".86", ".20", ".17", ".67", ".45")),
        "median": ({"rule": "median"}, (".83", ".80", ".66", ".79", ".59")),
        "trimmed mean": ({"rule": {"trimmed_mean": {"k": 20}}}, (".85", ".86", ".52", ".73", ".61")),
        "multi-Krum": ({"rule": {"multi_krum": {"hostile": 20, "kept": 80}}}, (".68", ".78", ".77", ".81", ".82")),
        "Bulyan": ({"rule": {"bulyan": {"hostile": 20}}}, (".86", ".82", ".84", ".84", ".83")),
        "geometric median": ({"rule": {"geometric_median": {"steps": 8}}}, (None,) * 5),
        "nearest neighbors, trimmed mean": ({"rule": {"trimmed_mean": {"k": 20}}, **neighbors}, (None,) * 5),
        "nearest neighbors, multi-Krum": ({"rule": {"multi_krum": {"hostile": 20, "kept": 80}}, **neighbors}, (None,) * 5),
        "centered clipping": (clipping, (None,) * 5),
        # Of 50 buckets, 20 can have a hostile update in them.
        "buckets of 2, median": ({"rule": "median", **buckets}, (None,) * 5),
        "buckets of 2, multi-Krum": ({"rule": {"multi_krum": {"hostile": 20, "kept": 30}}, **buckets}, (None,) * 5),
        "worker momentum 0.9, centered clipping": (clipping, (None,) * 5),
        "worker momentum 0.9, nearest neighbors, trimmed mean": ({"rule": {"trimmed_mean": {"k": 20}}, **neighbors}, (None,) * 5),
    }
    rounds, epochs, some = (10, 3, 10_000) if small else (50, 1, None)
    training = {"optimizer": "adam", "learning_rate": 0.001, "epochs": epochs, "batch_size": 32}
    encoding = {"bits": 16, "fraction_bits": FRACTION_BITS}
    rows = []
    for name, (rule, figures) in rules.items():
        if small and name not in SOME_RULES:
            continue
        momentum = 0.9 if name.startswith("worker momentum") else None
        cells = []
        for (_, kind), figure in zip(attacks, figures):
            attack = None if kind is None else {"share": 0.2, "kind": kind}
            settings = run(
                "byzantine-mlp", 100, rounds, training, partition=SKEWED, aggregation=rule, encoding=encoding,
                attack=attack, data_rows=some, fairness_clients=0, worker_momentum=momentum,
            )  # fmt: skip
            cells.append(Cell(settings, "final", figure))
        rows.append((name, cells))
    title = (
        f"Byzantine clients: MNIST, Dirichlet(0.5), 100 clients, 20 of them hostile, all in each of {rounds} rounds; "
        "MLP 784-128-256, Adam 1e-3: final accuracy in %; published as shares"
    )
    if small:
        title += (
            ". With 10,000 rows in place of 60,000 and 10 rounds of 3 epochs in place of 50, so not to be compared with what was published"
        )
    return Table(title, [name for name, _ in attacks], rows)


def fewer_bytes(model, clients, all_steps, training, text=None):
    """Rows of the same number of local steps, exchanged ever more rarely and ever shorter."""
    packed = {"bits": 16, "fraction_bits": 14, "rounding": "stochastic", "deflate": True, "error_feedback": True}
    outer = {"server": {"di_lo_co": {"rate": 0.7, "momentum": 0.9}}}
    ways = [
        ("every step, 32 bits", 1, {}, None),
        ("every 10 steps, 32 bits", 10, {}, None),
        ("every 50 steps, 32 bits", 50, {}, None),
        ("every 50 steps, 8 bits", 50, {**packed, "wire_bits": 8}, None),
        ("every 50 steps, 4 bits", 50, {**packed, "wire_bits": 4}, None),
        ("every 50 steps, 4 bits, the largest 10 %", 50, {**packed, "wire_bits": 4, "keep": 0.1}, None),
        ("every 50 steps, 4 bits, the largest 5 %", 50, {**packed, "wire_bits": 4, "keep": 0.05}, None),
        ("every 100 steps, 4 bits, the largest 10 %", 100, {**packed, "wire_bits": 4, "keep": 0.1}, None),
        ("every 100 steps, outer Nesterov, 4 bits, the largest 10 %", 100, {**packed, "wire_bits": 4, "keep": 0.1}, outer),
    ]
    rows = []
    for name, steps, encoding, aggregation in ways:
        rounds = all_steps // steps
        settings = run(
            model, clients, rounds, {**training, "steps": steps}, encoding=encoding or None, aggregation=aggregation,
            evaluate_every=max(rounds // 10, 1), checkpoint_every=max(rounds // 10, 1), fairness_clients=0, text=text,
        )  # fmt: skip
        rows.append((name, [Cell(settings, "final", None), Cell(settings, "fewer_bytes", None)]))
    return rows


def communication(small):
    steps = 1_000 if small else 4_000
    rows = fewer_bytes("2nn", 10, steps, {**SGD, "batch_size": 32, "learning_rate": 0.1})
    title = (
        f"Communication, MNIST, `2nn`, IID, 10 clients of {steps:,} steps of 32 rows each: final accuracy, and how many times fewer "
        "bytes clients send than 32 bits of every gradient at every step"
    )
    return Table(title, ["accuracy, %", "times fewer bytes"], rows)


def shakespeare(small):
    clients, steps = (4, 100) if small else (10, 4_000)
    training = {"optimizer": "adamw", "learning_rate": 0.001, "batch_size": 16}
    rows = fewer_bytes("transformer-char", clients, steps, training, text=True)
    title = (
        f"Communication, Shakespeare, `transformer-char`, IID, {clients} clients of {steps:,} steps of 16 rows each: final accuracy, and "
        "how many times fewer bytes"
    )
    if small:
        rows = [rows[index] for index in (0, 3, 5)]
        title += ". Far too few steps for a model worth something: it shows what gets lost on the way alone"
    return Table(title, ["accuracy, %", "times fewer bytes"], rows)


def central(small):
    epochs = 10 if small else 30
    training = {**SGD, "epochs": 1, "batch_size": 10, "learning_rate": 0.1}
    ways = {"central": (1, IID), "10 clients, IID": (10, IID), "10 clients, Dirichlet(0.5)": (10, SKEWED)}
    rows = []
    for name, (clients, partition) in ways.items():
        rule = {"rule": "mean", "count": {"samples": {}}}
        settings = run("2nn", clients, epochs, training, partition=partition, aggregation=rule)
        rows.append((name, [Cell(settings, "best", None), Cell(settings, "final", None)]))
    title = f"Federated and central training, MNIST, `2nn`, {epochs} epochs over all rows, an exchange after each: accuracy in %"
    return Table(title, ["best", "last"], rows)


# In this order: what takes the least time comes first.
TABLES = {
    "central": central, "communication": communication, "byzantine": byzantine, "niid": niid, "mcmahan": mcmahan,
    "shakespeare": shakespeare,
}  # fmt: skip
