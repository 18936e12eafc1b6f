#!/usr/bin/env python3
"""Strata against PyTorch: the same training steps, in turns, on this machine. See README.md."""
import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
PARALLEL = ["--set", "training.strategy=parallel"]
WORKLOADS = ["dgl-curves", "simcnn-k3", "resnet18-dgl", "vgg11-dgl-224"]
ODD = sorted(name.removesuffix(".yaml") for name in os.listdir(os.path.join(HERE, "odd")))


def run(command):
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{result.stderr}")
    return json.loads(result.stdout)


def strata(options, workload, stage):
    folder = os.path.join(HERE, "odd") if workload in ODD else os.path.join(ROOT, "specs")
    command = [options.strata, "bench", os.path.join(folder, f"{workload}.yaml"), "--json"]
    command += ["--threads", str(options.threads), "--steps", str(options.steps)]
    return run(command + (PARALLEL if stage is None else ["--mode", f"stage:{stage}"]))


def peer(options, workload, stage, layout):
    command = [options.python, os.path.join(HERE, "torch_step.py"), workload, "--layout", layout]
    command += ["--threads", str(options.threads), "--steps", str(options.steps)]
    return run(command + ([] if stage is None else ["--stage", str(stage)]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workloads", nargs="*", default=WORKLOADS, help="all four without; odd: those of the folder odd")
    parser.add_argument("--strata", default=os.path.join(ROOT, ".build", "release", "strata"))
    parser.add_argument("--python", default=sys.executable, help="a Python that has torch")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3, help="turns that each side takes")
    parser.add_argument("--stage", type=int, help="one module behind its frozen prefix, from 1")
    options = parser.parse_args()
    print("| spec | Strata ms | PyTorch ms | speed | Strata MiB, whole | PyTorch MiB, net of import | memory |")
    print("|---|---|---|---|---|---|---|")
    for workload in [name for given in options.workloads for name in (ODD if given == "odd" else [given])]:
        ours, theirs = [], {"nhwc": [], "nchw": []}
        for _ in range(options.rounds):
            ours.append(strata(options, workload, options.stage))
            for layout, results in theirs.items():
                results.append(peer(options, workload, options.stage, layout))
        seconds = statistics.median(result["step"]["medianSeconds"] for result in ours)
        peer_seconds = {
            layout: statistics.median(result["seconds"] for result in results) for layout, results in theirs.items()
        }
        layout = min(peer_seconds, key=peer_seconds.get)
        peak = max(result["peakBytes"] for result in ours) / 2**20
        net = min(result["peakBytes"] - result["importBytes"] for result in theirs[layout]) / 2**20
        print(
            f"| `{workload}` | {1000 * seconds:.0f} | {1000 * peer_seconds[layout]:.0f} ({layout}) "
            f"| {peer_seconds[layout] / seconds:.2f} | {peak:.0f} | {net:.0f} | {peak / net:.2f} |", flush=True,
        )


main()
