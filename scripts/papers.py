"""Runs what scripts/papers_tables.py lists and tells what has come of it; scripts/papers.sh calls it."""

import argparse
import hashlib
import json
import math
import os
import signal
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

from papers_tables import LAYERS, TABLES

# Rows per client of the runs by which speeds are measured: a few seconds each.
PROBES = {"2nn": 10_000, "byzantine-mlp": 5_000, "niid-cnn": 2_000, "mcmahan-cnn": 300, "transformer-char": 100}
MNIST, TEXT = 60_000, 12_500


def toml(value):
    """A value as TOML has it, tables on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


class Run:
    """One cell with one seed."""

    def __init__(self, settings, seed, options):
        self.settings, self.seed, self.options = settings, seed, options
        text = json.dumps(settings, sort_keys=True)
        self.folder = Path(options.out) / f"{settings['model']}-{hashlib.sha256(text.encode()).hexdigest()[:12]}-{seed}"

    def text(self):
        settings = dict(self.settings, seed=self.seed)
        model, data = settings.pop("model"), Path(self.options.data)
        if model in LAYERS:
            layers = {"version": 2, "input": [1, 28, 28], "layers": LAYERS[model]}
            file = Path(self.options.out) / f"{model}.json"
            file.write_text(json.dumps(layers))
            model = {"file": str(file.absolute())}
        else:
            # MNIST's images come without channels.
            model = {"name": model, "input": [1, 28, 28]} if model == "mcmahan-cnn" else {"name": model}
        if settings.pop("text", False):
            rows = {"file": str(data / "tinyshakespeare" / "input.txt"), "held_out": 0.1}
        else:
            names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
            files = [str(data / "mnist" / f"{name}-ubyte.gz") for name in names]
            rows = dict(zip(("file", "labels", "test", "test_labels"), files))
        if "data_rows" in settings:
            rows["rows"] = settings.pop("data_rows")
        return "".join(f"{key} = {toml(value)}\n" for key, value in {**settings, "model": model, "data": rows}.items())

    def report(self):
        """What has come of it, if it has ended."""
        try:
            return json.loads((self.folder / "report.json").read_text())
        except FileNotFoundError:
            return None

    def go(self, deadline, restart=False):
        """Runs it or goes on with it; whether it has ended before the deadline."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        file = self.folder.with_suffix(".toml")
        file.write_text(self.text())
        words = [self.options.program, "--json", "simulate", str(file), "--out", str(self.folder)]
        words += ["--restart"] if restart or self.options.restart else []
        with open(self.folder.with_suffix(".log"), "w") as log:
            # In a group of its own, so that Ctrl-C reaches it once: a second request would cost what it did since its last checkpoint.
            process = subprocess.Popen(words, stdout=log, stderr=log, process_group=0)
            try:
                process.wait(None if deadline is None else max(deadline - time.time(), 0))
            except (subprocess.TimeoutExpired, KeyboardInterrupt) as stop:
                # It writes a checkpoint and ends.
                process.send_signal(signal.SIGINT)
                process.wait()
                if isinstance(stop, KeyboardInterrupt):
                    raise
                return False
        if process.returncode:
            said = self.folder.with_suffix(".log").read_text()[-500:]
            print(f"papers: {file} has failed: {said}", file=sys.stderr)
        return process.returncode == 0

    def rows_trained(self):
        """How many rows all clients together train on."""
        settings, training = self.settings, self.settings["training"]
        cohort = settings.get("clients_per_round", settings["clients"])
        if "steps" in training:
            each = training["steps"] * training["batch_size"]
        else:
            each = training["epochs"] * settings.get("data_rows", MNIST) / settings["clients"]
        return settings["rounds"] * cohort * each


def measured(report, settings, measure):
    """The measure of a run that has ended; none where it has none."""
    metrics = [record["metrics"]["accuracy"] for record in report["rounds"] if record["metrics"]]
    if measure == "best":
        return 100 * max(metrics)
    if measure == "final":
        return 100 * metrics[-1]
    if measure == "reached":
        return report["reached"]
    steps = settings["training"]["steps"] * sum(record["clients"] for record in report["rounds"])
    return 4 * report["parameters"] * steps / report["bytes_up"]


def is_number(report):
    """Whether the model has stayed one: a loss that is no number is written as the largest one."""
    losses = [record["metrics"]["loss"] for record in report["rounds"] if record["metrics"]]
    return all(loss is not None and loss < sys.float_info.max for loss in losses)


def trouble(reports):
    """What a reader of a cell has to know of its runs, behind it."""
    diverged = sum(record["diverged"] for report in reports for record in report["rounds"])
    broken = sum(not is_number(report) for report in reports)
    found = [(diverged, "updates diverged"), (broken, "runs have become no numbers")]
    return "".join(f" ({count} {what})" for count, what in found if count)


def told(values, seeds, measure, published):
    """A cell of a table in Markdown."""
    found = [value for value in values if value is not None]
    if not values:
        text = "not run"
    elif not found:
        text = f"not within {published}"
    else:
        places = {"reached": 1, "fewer_bytes": 0}.get(measure, 2)
        text = f"{statistics.mean(found):,.{places}f}"
        if len(found) > 1 and measure != "fewer_bytes":
            text += f" ± {statistics.stdev(found):.{places}f}"
        if len(found) < len(values):
            text += f" ({len(found)} of {len(values)} runs; the others not within {published})"
    if values and len(values) < seeds:
        text += f" (seeds: {len(values)})"
    return f"{text} [{published}]" if published is not None else text


def speeds(runs, options):
    """Rows per second of each model that is to be trained, by runs of one round."""
    cores = len(os.sched_getaffinity(0))
    found = {}
    for run in runs:
        model = run.settings["model"]
        if model in found:
            continue
        probe = {key: run.settings[key] for key in ("model", "training", "text") if key in run.settings}
        training = {key: value for key, value in probe["training"].items() if key != "steps"}
        probe.update(
            clients=cores, rounds=1, rows_per_client=PROBES[model], training={**training, "epochs": 1},
            fairness_clients=0, checkpoint_every=0,
        )  # fmt: skip
        measure = Run(probe, 0, options)
        print(f"measuring how fast {model} trains …", file=sys.stderr, flush=True)
        # Anew each time: how fast it is depends on what else the machine does.
        if not measure.go(None, restart=True):
            raise SystemExit(1)
        found[model] = cores * PROBES[model] / measure.report()["seconds"]
    return found


def hours(seconds):
    return f"{seconds / 3600:.1f} h" if seconds > 5_400 else f"{max(seconds / 60, 0):.0f} min"


def main():
    parser = argparse.ArgumentParser(usage="scripts/papers.sh [--small] [--tables LIST] [--seeds N] [--minutes N] [--list] [--restart]")
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--data", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--out", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--restart", action="store_true", help="forget runs of an earlier version of the program")
    options = parser.parse_args()
    deadline = None if options.minutes is None else time.time() + 60 * options.minutes
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    names = options.tables.split(",")
    for name in names:
        if name not in TABLES:
            parser.error(f"no table is called {name}: {', '.join(TABLES)}")
    tables = {name: TABLES[name](options.small) for name in names}
    runs = {name: [] for name in names}
    for name, table in tables.items():
        # All seeds of a cell before the next cell, so that what is there when it is stopped is worth something.
        for _, cells in table.rows:
            for cell in cells:
                for seed in range(1, options.seeds + 1):
                    run = Run(cell.run, seed, options)
                    if run.folder not in [other.folder for other in runs[name]]:
                        runs[name].append(run)
    left = {name: [run for run in runs[name] if options.restart or not run.report()] for name in names}
    try:
        rates = speeds([run for some in left.values() for run in some], options)
    except KeyboardInterrupt:
        sys.exit("papers: stopped before the first run")

    def estimate(some):
        return sum(run.rows_trained() / rates[run.settings["model"]] for run in some)

    for name, some in left.items():
        print(f"{name}: {len(runs[name])} runs, {len(some)} left, {hours(estimate(some))}", file=sys.stderr)
    failed = 0 if options.list else work(left, estimate, deadline)
    broken = tell(tables, runs, rates, options)
    if broken:
        print(f"papers: {broken} runs without attackers have become no numbers", file=sys.stderr)
    if failed:
        sys.exit(f"papers: {failed} runs have failed; why is said above")
    sys.exit(1 if broken else 0)


def work(left, estimate, deadline):
    """Does what is left, until the deadline; how many runs have failed."""
    failed = 0
    everything = [run for some in left.values() for run in some]
    for index, run in enumerate(everything):
        if deadline is not None and time.time() >= deadline:
            break
        rest = hours(estimate(everything[index:]))
        print(f"{index + 1} of {len(everything)} runs: {run.folder.name}; {rest} left", file=sys.stderr, flush=True)
        try:
            ended = run.go(deadline)
            failed += not ended and (deadline is None or time.time() < deadline)
        except KeyboardInterrupt:
            print("papers: stopped; the same command goes on", file=sys.stderr)
            break
    return failed


def tell(tables, runs, rates, options):
    """Prints the tables and writes the file; how many runs without attackers have ended with a loss that is no number."""
    results, broken = {}, 0
    for name, table in tables.items():
        known = any(cell.published is not None for _, cells in table.rows for cell in cells)
        brackets = " In brackets: published." if known else ""
        print(f"\n{table.title}.{brackets}\n\n| | " + " | ".join(table.columns) + " |")
        print("| --- " * (len(table.columns) + 1) + "|")
        rows = []
        for row, cells in table.rows:
            line = []
            for column, cell in zip(table.columns, cells):
                reports = [Run(cell.run, seed, options).report() for seed in range(1, options.seeds + 1)]
                reports = [report for report in reports if report]
                values = [measured(report, cell.run, cell.measure) for report in reports]
                known = [value for value in values if value is not None]
                if "attack" not in cell.run:
                    broken += sum(not is_number(report) for report in reports)
                line.append(told(values, options.seeds, cell.measure, cell.published) + trouble(reports))
                rows.append({
                    "row": row, "column": column, "measure": cell.measure, "values": values, "published": cell.published,
                    "mean": statistics.mean(known) if known else None,
                    "deviation": statistics.stdev(known) if len(known) > 1 else None,
                    "diverged": [sum(record["diverged"] for record in report["rounds"]) for report in reports],
                    "numbers": all(map(is_number, reports)),
                    "seconds": [report["seconds"] for report in reports], "run": cell.run,
                })  # fmt: skip
            print(f"| {row} | " + " | ".join(line) + " |")
        rest = [run for run in runs[name] if not run.report()]
        missing = sum(run.rows_trained() / rates.get(run.settings["model"], math.inf) for run in rest)
        if rest:
            small = " --small" if options.small else ""
            print(f"\nLeft: {len(rest)} of {len(runs[name])} runs, about {hours(missing)}: `scripts/papers.sh{small} --tables {name}`")
        ended = [run.report() for run in runs[name] if run.report()]
        if ended:
            numbers = sum(map(is_number, ended))
            diverged = sum(record["diverged"] for report in ended for record in report["rounds"])
            no_nan = "No NaN in any of" if numbers == len(ended) else f"NaN in {len(ended) - numbers} of"
            print(f"\n{no_nan} {len(ended)} runs; {diverged} updates diverged and were not sent.")
        results[name] = {"title": table.title, "left": len(rest), "seconds_left": missing, "cells": rows}
    report = {
        "date": date.today().isoformat(), "small": options.small, "seeds": options.seeds,
        "cores": len(os.sched_getaffinity(0)), "rows_per_second": rates, "tables": results,
    }  # fmt: skip
    out = Path(options.out).with_suffix(".json")
    # Tables that were not asked for stay as they were found with the same settings.
    before = json.loads(out.read_text()) if out.exists() else {}
    if [before.get("small"), before.get("seeds")] == [options.small, options.seeds]:
        report["tables"] = {**before["tables"], **results}
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = out.with_suffix(".json.new")
    aside.write_text(json.dumps(report, indent=2) + "\n")
    aside.replace(out)
    return broken


if __name__ == "__main__":
    main()
