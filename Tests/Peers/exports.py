"""Exported models beside the engine: random specs are trained for a few steps; then the answers of `strata predict`, of the ONNX model in
ONNX Runtime and of the PyTorch module are compared on the same images, for every module and for the ensemble.

    python3 Tests/Peers/exports.py [--count 40] [--seed 1] [--strata .build/release/strata]

Needs torch, onnx, onnxruntime and numpy.
"""

import argparse
import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
import torch

TOLERANCE = 1e-4


def spec(rng):
    """A small network of either family, and every kind of halving, auxiliary and head."""
    family = rng.choice(["vgg", "resnet"])
    side = rng.choice([8, 9, 12, 13, 16])
    channels = rng.choice([1, 3])
    norm = rng.choice(["true", "false"]) if family == "vgg" else rng.choice(["true", "true", "false"])
    kinds = ["max-pool", "average-pool", "stride"] + (["invertible"] if side in (8, 12, 16) else [])
    kind = rng.choice(kinds)
    auxiliary = rng.choice([
        "{kind: linear}", "{kind: cnn, k: 1}", "{kind: cnn, k: 2, width: 6}", "{kind: mlp, hidden: 1}",
        "{kind: mlp-sr, convolutions: 1, hidden: 1}", "{kind: linear, pool: 1}", "{kind: linear, pool: 3}"])
    head = rng.choice(["", ", head: gap", ", head: {kind: mlp, hidden: [12]}", ", head: {kind: mlp-sr, convolutions: 1, hidden: 2}"])
    ensemble = rng.choice(["", ", ensemble: probabilities"])
    ensemble += rng.choice(["", "", ", activation: leaky-relu", ", activation: gelu", ", activation: silu"])
    if family == "vgg":
        widths = [rng.choice([4, 6, 8]) for _ in range(rng.randint(2, 4))]
        body = f"family: vgg, widths: {widths}, kernel: {rng.choice([3, 3, 5, 1])}, bias: {rng.choice(['true', 'false'])}"
        items = len(widths)
    else:
        block = rng.choice(["basic", "bottleneck"])
        shortcut = "projection" if kind == "invertible" else rng.choice(["projection", "zero-pad"])
        stages = [{"blocks": rng.randint(1, 2), "width": width} for width in [4, 6][: rng.randint(1, 2)]]
        text = ", ".join(f"{{blocks: {s['blocks']}, width: {s['width']}}}" for s in stages)
        stem = f"{{width: 4, kernel: 3, stride: {rng.choice([1, 1, 2])}, pool: {rng.choice(['none', 'max'])}}}"
        body = f"family: resnet, block: {block}, stem: {stem}, stages: [{text}], shortcut: {shortcut}"
        items = sum(s["blocks"] for s in stages)
    before = sorted(rng.sample(range(1, items + 1), min(items, rng.randint(0, 2))))
    return side, channels, f"""strata: 1
name: peer
data: {{source: synthetic, limit: {{train: 96, test: 40}}}}
network: {{{body}, batch-norm: {norm}, input: {channels}x{side}x{side + rng.choice([0, 0, 1] if kind != "invertible" else [0])}, classes: 5{head}{ensemble}}}
downsampling: {{kind: {kind}, before: {before}}}
auxiliary: {auxiliary}
training: {{strategy: parallel, epochs: 2, batch: 32, optimizer: {{learning-rate: 0.02}}}}
"""


def module(path):
    definition = importlib.util.spec_from_file_location("exported", path)
    loaded = importlib.util.module_from_spec(definition)
    definition.loader.exec_module(loaded)
    return loaded


def softmax(logits):
    powers = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--strata", default=".build/release/strata")
    arguments = parser.parse_args()
    strata = os.path.abspath(arguments.strata)
    worst = {"onnx": 0.0, "torch": 0.0}
    compared, skipped, failed = 0, 0, 0
    for seed in range(arguments.seed, arguments.seed + arguments.count * 3):
        if compared >= arguments.count:
            break
        rng = random.Random(seed)
        side, channels, text = spec(rng)
        with tempfile.TemporaryDirectory() as folder:
            run = lambda *words: subprocess.run([strata, *words], cwd=folder, capture_output=True, text=True)
            with open(f"{folder}/net.yaml", "w") as file:
                file.write(text)
            done = run("run", "net.yaml", "-o", "out", "--threads", "2")
            if done.returncode != 0:
                # Images that are halved away, or a shortcut that can't be.
                skipped += 1
                continue
            shape = [int(n) for n in text.split("input: ")[1].split(",")[0].split("x")]
            images = np.random.default_rng(seed).normal(size=(7, *shape)).astype(np.float32)
            np.save(f"{folder}/x.npy", images)
            modules = len(json.loads(run("evaluate", "out", "--json").stdout)["modules"])
            answers = [["--module", str(m + 1)] for m in range(modules)] + ([["--ensemble"]] if modules > 1 else [])
            for answer in answers:
                for file in ("net.onnx", "model.py"):
                    done = run("export", "out", "-o", file, *answer)
                    if done.returncode != 0:
                        sys.exit(f"seed {seed} {answer}: {done.stderr}\n{text}")
                onnx.checker.check_model(onnx.load(f"{folder}/net.onnx"), full_check=True)
                session = onnxruntime.InferenceSession(f"{folder}/net.onnx", providers=["CPUExecutionProvider"])
                (runtime,) = session.run(None, {"images": images})
                with torch.no_grad():
                    pytorch = module(f"{folder}/model.py").load()(torch.from_numpy(images)).numpy()
                told = json.loads(run("predict", "out/model.safetensors", "x.npy", "--top", "5", "--json", *answer).stdout)
                classes = told["classes"]
                ours = np.zeros((len(images), len(classes)))
                for row, prediction in enumerate(told["predictions"]):
                    for entry in prediction["top"]:
                        ours[row, classes.index(entry["class"])] = entry["probability"]
                for side_name, logits in (("onnx", runtime), ("torch", pytorch)):
                    difference = abs(np.log(softmax(logits)) - np.log(ours)).max() / max(1, abs(np.log(ours)).max())
                    worst[side_name] = max(worst[side_name], difference)
                    if not difference < TOLERANCE:
                        failed += 1
                        print(f"seed {seed} {answer} {side_name}: {difference}\n{text}")
            compared += 1
    print(f"{compared} specs ({skipped} more that are refused), largest relative differences of log-probabilities: "
          f"ONNX Runtime {worst['onnx']:.1e}, PyTorch {worst['torch']:.1e}; {failed} beyond {TOLERANCE}")
    sys.exit(1 if failed or compared < arguments.count else 0)


main()
