"""torchvision's networks and Strata's, both ways: made-up weights of torchvision's `state_dict()` are taken by `network.from` and come back
the same; and what a training step leaves is loaded by torchvision (strict), whose answers are compared with `strata predict`'s.

    python3 Tests/Peers/torchvision_names.py [NAME...] [--strata .build/release/strata]

Needs torch, torchvision, safetensors and numpy. Without names: resnet18, 34, 50, 101, 152, vgg11_bn and vgg11; the other VGGs by name.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torchvision
from safetensors.torch import load_file, save_file

TOLERANCE = 1e-4
CLASSES = 10
BLOCKS = {"resnet18": [2, 2, 2, 2], "resnet34": [3, 4, 6, 3], "resnet50": [3, 4, 6, 3], "resnet101": [3, 4, 23, 3],
          "resnet152": [3, 8, 36, 3]}
LAYERS = {"vgg11": [1, 1, 2, 2, 2], "vgg13": [2, 2, 2, 2, 2], "vgg16": [2, 2, 3, 3, 3], "vgg19": [2, 2, 4, 4, 4]}


def spec(name, side):
    if name in BLOCKS:
        stages = ", ".join(f"{{blocks: {n}, width: {64 << i}}}" for i, n in enumerate(BLOCKS[name]))
        block = "basic" if name in ("resnet18", "resnet34") else "bottleneck"
        network = (f"family: resnet, block: {block}, stem: {{width: 64, kernel: 7, stride: 2, pool: max}}, "
                   f"stages: [{stages}], shortcut: projection, head: gap")
        halving = ""
    else:
        layers = LAYERS[name.split("_")[0]]
        widths = [min(512, 64 << i) for i, n in enumerate(layers) for _ in range(n)]
        before = [sum(layers[:i]) + 1 for i in range(1, 5)]
        network = (f"family: vgg, widths: {widths}, bias: true, batch-norm: {str(name.endswith('_bn')).lower()}, head: vgg")
        halving = f"downsampling: {{kind: max-pool, before: {before}}}\n"
    return f"""strata: 1
name: peer
data: {{source: synthetic, limit: {{train: 10, test: 2}}}}
network: {{{network}, input: 3x{side}x{side}, classes: {CLASSES}}}
{halving}training: {{strategy: end-to-end, epochs: 1, batch: 10, optimizer: {{learning-rate: 0.001, momentum: 0.9}}}}
"""


def made_up(name, seed):
    """Weights that no training has made, with statistics that matter."""
    torch.manual_seed(seed)
    net = getattr(torchvision.models, name)(num_classes=CLASSES)
    for key, value in net.state_dict().items():
        if key.endswith("running_mean"):
            value.normal_(0, 0.1)
        elif key.endswith("running_var"):
            value.uniform_(0.5, 2)
        elif value.dim() == 1 and value.dtype == torch.float32:
            value.uniform_(0.2, 0.6) if key.endswith("weight") else value.normal_(0, 0.1)
    return net


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--strata", default=".build/release/strata")
    arguments = parser.parse_args()
    strata = os.path.abspath(arguments.strata)
    failed = False
    for name in arguments.names or [*BLOCKS, "vgg11_bn", "vgg11"]:
        side = 64 if name in BLOCKS else 224
        with tempfile.TemporaryDirectory() as folder:
            def run(*words):
                done = subprocess.run([strata, *words], cwd=folder, capture_output=True, text=True)
                if done.returncode != 0:
                    sys.exit(f"{name}: strata {' '.join(words)}: {done.stderr}")
                return done.stdout
            with open(f"{folder}/net.yaml", "w") as file:
                file.write(spec(name, side))
            weights = made_up(name, 1).state_dict()
            save_file(weights, f"{folder}/made-up.safetensors")

            # There and back: a rate that moves nothing, statistics apart, which batches move.
            run("run", "net.yaml", "-o", "still", "--set", "network.from=made-up.safetensors",
                "--set", "training.optimizer.learning-rate=1e-30")
            run("export", "still", "-o", "still.safetensors")
            back = load_file(f"{folder}/still.safetensors")
            kept = [key for key in weights if "running_" not in key and "num_batches" not in key]
            # A weight of zero moves even then.
            differing = [key for key in kept if not torch.allclose(back[key], weights[key], rtol=0, atol=1e-25)]
            moved = [key for key in weights if "running_" in key and back[key].shape != weights[key].shape]

            # A step, and what torchvision makes of it.
            run("run", "net.yaml", "-o", "step", "--set", "network.from=made-up.safetensors")
            run("export", "step", "-o", "step.safetensors")
            net = getattr(torchvision.models, name)(num_classes=CLASSES).eval()
            net.load_state_dict(load_file(f"{folder}/step.safetensors"), strict=True)
            images = np.random.default_rng(2).normal(size=(3, 3, side, side)).astype(np.float32)
            np.save(f"{folder}/x.npy", images)
            told = json.loads(run("predict", "step/model.safetensors", "x.npy", "--top", str(CLASSES), "--json"))
            ours = np.zeros((len(images), CLASSES))
            for row, prediction in enumerate(told["predictions"]):
                for entry in prediction["top"]:
                    ours[row, told["classes"].index(entry["class"])] = entry["probability"]
            with torch.no_grad():
                theirs = torch.log_softmax(net(torch.from_numpy(images)).double(), 1).numpy()
            # Probabilities that are zero in 32 bits have no logarithm to compare.
            seen = ours > 1e-30
            difference = abs(theirs[seen] - np.log(ours[seen])).max() / max(1, abs(theirs[seen]).max())
            bad = bool(differing or moved) or seen.mean() < 0.5 or not difference < TOLERANCE
            failed = failed or bad
            print(f"{name}: {len(kept)} of {len(kept)} tensors came back the same" if not differing else
                  f"{name}: {len(differing)} tensors differ, {differing[:3]}",
                  f"; log-probabilities differ by {difference:.1e} relative{' FAILED' if bad else ''}")
    sys.exit(1 if failed else 0)


main()
