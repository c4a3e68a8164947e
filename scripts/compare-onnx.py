"""Holds exported models against ONNX Runtime and the checker of ONNX; called by scripts/onnx.sh."""

import argparse
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime

# How far an output may be from ours, absolute.
TOLERANCE = 1e-4


def difference(folder, case, rows):
    """The largest difference between an output of ONNX Runtime, with its optimizations and without, and ours."""
    name = case["name"]
    model = os.path.join(folder, name + ".onnx")
    onnx.checker.check_model(model, full_check=True)
    kind = np.int64 if case["tokens"] else np.float32
    whole = np.fromfile(os.path.join(folder, name + ".input"), dtype=kind)
    rows_of_input = whole.reshape([-1] + case["input"])[:rows]
    expected = np.fromfile(os.path.join(folder, name + ".output"), dtype=np.float32)
    expected = expected.reshape(-1, case["outputs"])[:rows]
    most = 0.0
    for level in (
        onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
        onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
    ):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = level
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        (output,) = session.run(["output"], {"input": rows_of_input})
        if output.shape[0] != rows or output.size != expected.size:
            raise ValueError(f"an output of shape {list(output.shape)}")
        distance = np.abs(output.reshape(expected.shape) - expected)
        most = max(most, float("inf") if np.isnan(distance).any() else float(distance.max()))
    return most


def evaluate(folder, case, rows):
    """The result of one model: all its rows at once, and the first alone, as the batch may have any size."""
    try:
        most = max(difference(folder, case, rows), difference(folder, case, 1))
    except Exception as error:  # Whatever a runtime says of a model is a result.
        return {"equal": False, "error": str(error).strip().splitlines()[0]}
    return {"equal": most <= TOLERANCE, "difference": most}


def shown(result):
    if result is None:
        return "-"
    if "error" in result:
        return "FAILED: " + result["error"][:60]
    return f"{result['difference']:.1e}" + ("" if result["equal"] else " TOO FAR")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--tract", help="what the check with tract has printed")
    parser.add_argument("--out", required=True)
    parser.add_argument("--date", required=True)
    arguments = parser.parse_args()
    with open(os.path.join(arguments.folder, "cases.json")) as file:
        document = json.load(file)
    tract = {}
    if arguments.tract:
        with open(arguments.tract) as file:
            tract = {case["name"]: case for case in json.load(file)["cases"]}

    results = []
    print("| Model | Parameters | Bytes | ONNX Runtime | tract |")
    print("| --- | --- | --- | --- | --- |")
    for case in document["cases"]:
        runtime = evaluate(arguments.folder, case, document["rows"])
        other = tract.get(case["name"])
        results.append(dict(case, onnxruntime=runtime, tract=other))
        print(f"| {case['name']} | {case['parameters']} | {case['bytes']} | {shown(runtime)} | {shown(other)} |")
    bad = [
        case["name"]
        for case in results
        if not case["onnxruntime"]["equal"] or (arguments.tract and not (case["tract"] or {}).get("equal"))
    ]
    report = {
        "date": arguments.date,
        "tolerance": TOLERANCE,
        "onnxruntime": onnxruntime.__version__,
        "onnx": onnx.__version__,
        "kinds": document["kinds"],
        "models": results,
        "failed": bad,
    }
    os.makedirs(os.path.dirname(arguments.out) or ".", exist_ok=True)
    with open(arguments.out, "w") as file:
        json.dump(report, file, indent=2)
        file.write("\n")
    print(f"{len(results) - len(bad)} models agree within {TOLERANCE}, {len(bad)} do not{': ' + ', '.join(bad) if bad else ''}")
    return 1 if bad else 0


sys.exit(main())
