"""A run's `model.safetensors` in PyTorch, by the lines of `specs/RUNS.md` and nothing else: every classifier's test loss and accuracy
must be those that `strata evaluate` prints.

    python Tests/Peers/load_model.py RUN [--data DIR] [--strata PROGRAM]

RUN was trained on digits, cifar10 or npy arrays of 8-bit or float pixels (n, channels, height, width); DIR is their folder. Exit code 1
where the figures differ.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys

import numpy
import torch
from torch.nn import functional

ROOT = pathlib.Path(__file__).resolve().parents[2]


def published_lines():
    """The loader as people read it."""
    text = (ROOT / "specs/RUNS.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    [loader] = [block for block in blocks if "class Network" in block]
    scope = {}
    exec(compile(loader, "specs/RUNS.md", "exec"), scope)
    return scope["Network"]


def digits():
    packed = numpy.fromfile(ROOT / "Sources/Datasets/Resources/digits.bin", numpy.uint8)
    bits = numpy.unpackbits(packed[: 1797 * 40].reshape(1797, 8, 5), axis=2, bitorder="little").reshape(1797, 64, 5)
    pixels = (bits * [1, 2, 4, 8, 16]).sum(2).reshape(1797, 1, 8, 8)
    halves = packed[1797 * 40 :]
    labels = numpy.stack([halves & 15, halves >> 4], 1).reshape(-1)[:1797]
    return pixels[::5], labels[::5]


def test_images(source, folder):
    if source == "digits":
        return digits()
    if source == "cifar10":
        records = numpy.fromfile(f"{folder}/test_batch.bin", numpy.uint8).reshape(-1, 3073)
        return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]
    if source == "npy":
        return numpy.load(f"{folder}/test_images.npy"), numpy.load(f"{folder}/test_labels.npy")
    sys.exit(f"no images of '{source}' here")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--data")
    parser.add_argument("--strata", default=str(ROOT / ".build/release/strata"))
    options = parser.parse_args()
    torch.set_num_threads(2)
    spec = (pathlib.Path(options.run) / "spec.yaml").read_text()
    source = re.search(r"source: (\S+)", spec)[1].strip(",}")
    limit = re.search(r"test: (\d+)", spec)
    pixels, labels = test_images(source, options.data)
    count = int(limit[1]) if limit else len(labels)
    pixels, labels = torch.from_numpy(pixels[:count].copy()), torch.from_numpy(labels[:count].astype(numpy.int64))

    network = published_lines()(f"{options.run}/model.safetensors")
    logits = {}
    with torch.no_grad():
        for part in pixels.split(500):
            for name, answer in network(part).items():
                logits.setdefault(name, []).append(answer)
    logits = {name: torch.cat(parts) for name, parts in logits.items()}

    arguments = [options.strata, "evaluate", options.run, "--json"] + (["--data", options.data] if options.data else [])
    evaluation = json.loads(subprocess.run(arguments, check=True, stdout=subprocess.PIPE).stdout)
    last = evaluation["modules"][-1]["index"]
    failed = len(logits) != len(evaluation["modules"])
    for module in evaluation["modules"]:
        name = "head" if module["index"] == last else f"auxiliaries.{module['index']}"
        loss = functional.cross_entropy(logits[name].double(), labels).item()
        top1 = (logits[name].argmax(1) == labels).double().mean().item()
        # The loss of `sim` and `predsim` is not the cross entropy of these logits.
        is_cross_entropy = f"{name}.similarity.conv.weight" not in network.tensors
        differs = abs(top1 - module["testTop1"]) > 1.5 / count
        differs |= is_cross_entropy and abs(loss - module["testLoss"]) > 1e-4 * max(1, abs(loss))
        failed |= differs
        print(
            f"{name:>14}: loss {loss:.6f}, strata {module['testLoss']:.6f}; top1 {top1:.4f}, strata {module['testTop1']:.4f}"
            + (" DIFFERS" if differs else ""))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
