#!/usr/bin/env python3
"""Planned against measured peak memory of `strata run`, over specs and variants of them.

Each case is planned (`strata plan --json`), then trained for two steps and evaluated (`strata run`) in a process of its
own. Its largest resident set is read twice: by the program itself (VmHWM, in its summary) and from outside (the kernel's
ru_maxrss of the ended child). Needs nothing but Python 3 and a release build. See README.md beside this file.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

REPOSITORY = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
MIB = 1 << 20

# Name, spec, values that are set, batches to train on (None: the whole set).
CASES = [
    ("vgg mlp-sr 32px b128 parallel", "dgl-curves", {}, 2),
    ("vgg mlp-sr 32px b128 sequential", "dgl-curves", {"training.strategy": "sequential"}, 2),
    ("vgg mlp-sr 32px b256 end-to-end", "dgl-curves", {"training.strategy": "end-to-end", "training.batch": 256}, 2),
    ("vgg cnn 32px b64 parallel", "dgl-auxiliaries-cnn", {"training.batch": 64}, 2),
    ("vgg mlp 32px b128 parallel", "dgl-auxiliaries-mlp", {}, 2),
    ("simcnn linear invertible 32px b128 sequential", "simcnn-k1", {"network.widths": "[128, 128, 128, 128, 128]"}, 2),
    ("simcnn cnn invertible 32px b32 sequential", "simcnn-k3", {"training.batch": 32}, 2),
    ("simcnn cnn invertible 32px b128 end-to-end", "simcnn-k2", {"training.strategy": "end-to-end"}, 2),
    ("resnet mlp-sr 32px b128 parallel", "resnet18-dgl", {}, 2),
    ("resnet 32px b128 end-to-end", "resnet18-dgl", {"training.strategy": "end-to-end"}, 2),
    ("resnet accelerated 32px b256 parallel", "accelerated-resnet18",
     {"training.batch": 256, "training.strategy": "parallel"}, 2),
    ("resnet18 linear 224px b32 parallel", "resnet18", {}, 2),
    ("resnet18 linear 224px b32 sequential", "resnet18", {"training.strategy": "sequential"}, 1),
    ("resnet50 linear 224px b32 parallel", "resnet50", {}, 1),
    ("vgg11 mlp-sr 224px b16 parallel", "vgg11-dgl-224", {}, 1),
    ("vgg11 224px b32 end-to-end", "vgg11", {"training.strategy": "end-to-end"}, 1),
    ("vgg 32px, all 60,000 images", None, {}, None),
]

# Networks whose memory is the programs themselves, and a run of many epochs: figures of `strata run` as well.
MADE_UP = """strata: 1
name: made-up
data: {source: synthetic, limit: {train: 32, test: 16}}
network: {family: vgg, input: 1x4x4, classes: 10, widths: [{width: 4, repeat: %d}]}
training: {strategy: %s, epochs: %d, batch: 16}
"""

CASES += [
    ("vgg 80 layers sequential", MADE_UP % (80, "sequential", 1), {}, None),
    ("vgg 120 layers sequential", MADE_UP % (120, "sequential", 1), {}, None),
    ("vgg 50 layers sequential, compressed",
     MADE_UP % (50, "sequential", 1) + "compression: {width: [%s], epochs: 1, fine-tune: module}\n" % ", ".join(50 * ["2"]),
     {}, None),
    ("vgg 120 layers parallel", MADE_UP % (120, "parallel", 1), {}, None),
    ("vgg 30 layers parallel, 200 epochs", MADE_UP % (30, "parallel", 200), {}, None),
    ("vgg 3 layers parallel, 6,000 epochs", MADE_UP % (3, "parallel", 6000), {}, None),
]

SMALL = """strata: 1
name: whole-set
data: {source: cifar10, path: %s}
network: {family: vgg, widths: [16, 16], head: gap}
downsampling: {kind: stride, before: [1, 2]}
auxiliary: {kind: linear}
training: {strategy: parallel, epochs: 1, batch: 250}
"""


def make_cifar(folder):
    """Files of CIFAR-10's size and format, of made-up bytes: memory does not depend on what the images show."""
    record = bytes(range(256)) * 12
    for name in ["data_batch_%d.bin" % i for i in range(1, 6)] + ["test_batch.bin"]:
        with open(os.path.join(folder, name), "wb") as file:
            for index in range(10000):
                shift = index % 251
                file.write(bytes([index % 10]) + record[shift:] + record[:shift])


def output_of(command):
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if ended.returncode != 0:
        sys.exit("%s\n%s" % (" ".join(command), ended.stderr))
    return json.loads(ended.stdout)


def run(command, log):
    """Runs to the end; the largest resident set of the child, in bytes.

    The child is a fresh process image: of this script's own memory the kernel counts at most what was resident before
    the exec, which is less than the program's own share.
    """
    pid = os.fork()
    if pid == 0:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.execv(command[0], command)
    _, status, usage = os.wait4(pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        with open(log) as file:
            sys.exit("%s\n%s" % (" ".join(command), file.read()))
    return usage.ru_maxrss * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--strata", default=os.path.join(REPOSITORY, ".build", "release", "strata"))
    parser.add_argument("--data", help="folder of CIFAR-10's binary files; files of the same size are made up without it")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", help="cases whose name holds this")
    options = parser.parse_args()
    strata = os.path.abspath(options.strata)

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        data = options.data
        if not data:
            data = os.path.join(folder, "cifar")
            os.mkdir(data)
            make_cifar(data)
        data = os.path.abspath(data)
        for number, (name, spec, values, batches) in enumerate(CASES):
            if options.only and options.only not in name:
                continue
            is_kept = spec is not None and not spec.startswith("strata:")
            if is_kept:
                path = os.path.join(REPOSITORY, "specs", spec + ".yaml")
            else:
                path = os.path.join(folder, "small.yaml")
                with open(path, "w") as file:
                    file.write(spec or SMALL % data)
            common = [path, "--threads", str(options.threads)]
            sets = dict(values)
            if is_kept:
                sets["training.epochs"] = 1
            with open(path) as file:
                text = file.read()
            if batches:
                batch = values.get("training.batch") or int(text.split("\n  batch: ")[1].split()[0])
                sets["data.limit.train"] = batches * batch
                sets["data.limit.test"] = batch
            for key, value in sets.items():
                common += ["--set", "%s=%s" % (key, value)]
            if "source: cifar10" in text:
                common += ["--data", data]
            plan = output_of([strata, "plan"] + common + ["--json"])
            out = os.path.join(folder, "run-%d" % number)
            outside = run([strata, "run"] + common + ["-o", out], os.path.join(folder, "log"))
            with open(os.path.join(out, "summary.json")) as file:
                summary = json.load(file)
            planned = plan["memory"]["peakBytes"]
            inside = summary["memory"]["measuredPeakBytes"]
            rows.append((name, plan["memory"]["arenaBytes"], planned, inside, outside))
            report(rows[-1])
    if not rows:
        sys.exit("no case of that name")
    # From outside a small process cannot be told from this script, which it was before its exec.
    worst = [max(abs(inside / planned - 1), abs(outside / planned - 1) if planned > 64 * MIB else 0)
             for _, _, planned, inside, outside in rows]
    print("\n%d cases: median deviation %.2f%%, worst %.2f%% (%s)" % (
        len(rows), 100 * statistics.median(worst), 100 * max(worst), rows[worst.index(max(worst))][0]))
    sys.exit(0 if max(worst) <= 0.05 and statistics.median(worst) <= 0.02 else 1)


def report(row):
    name, arena, planned, inside, outside = row
    print("| %-46s | %8.1f | %8.1f | %8.1f | %8.1f | %+6.2f%% | %+6.2f%% |" % (
        name, arena / MIB, planned / MIB, inside / MIB, outside / MIB,
        100 * (inside / planned - 1), 100 * (outside / planned - 1)), flush=True)


if __name__ == "__main__":
    print("| %-46s | %8s | %8s | %8s | %8s | %7s | %7s |" % (
        "MiB", "arena", "planned", "VmHWM", "outside", "", ""))
    print("|---|---:|---:|---:|---:|---:|---:|", flush=True)
    main()
