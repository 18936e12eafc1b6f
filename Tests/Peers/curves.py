"""The learning curves of `specs/dgl-curves.yaml` in PyTorch: the same net, data, augmentation and optimiser, other random numbers.

    python Tests/Peers/curves.py DATA --epochs 5                            # parallel
    python Tests/Peers/curves.py DATA --strategy sequential --epochs 2      # so many epochs a module

DATA is the folder that holds data_batch_1.bin. One JSON line per module, epoch and split, as in a run's metrics.jsonl.
"""
import argparse
import json
import time

import numpy
import torch
from torch import nn
from torch.nn import functional

from torch_step import dgl_curves

MEAN = torch.tensor([0.4914, 0.4822, 0.4465]).view(1, 3, 1, 1)
DEVIATION = torch.tensor([0.2023, 0.1994, 0.2010]).view(1, 3, 1, 1)


def images_of(folder, names):
    records = numpy.concatenate([numpy.fromfile(f"{folder}/{name}.bin", numpy.uint8).reshape(-1, 3073) for name in names])
    return torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32).copy()), torch.from_numpy(records[:, 0].astype(numpy.int64))


def augmented(pixels):
    """Padded with four zeros, cropped, flipped with probability 1/2, then normalised."""
    count = len(pixels)
    padded = functional.pad(pixels.float() / 255, (4, 4, 4, 4))
    rows = torch.randint(0, 9, (count, 1)) + torch.arange(32)
    columns = torch.randint(0, 9, (count, 1)) + torch.arange(32)
    columns = torch.where(torch.rand(count, 1) < 0.5, columns, columns.flip(1))
    sample = torch.arange(count)[:, None, None, None]
    channel = torch.arange(3)[None, :, None, None]
    return (padded[sample, channel, rows[:, None, :, None], columns[:, None, None, :]] - MEAN) / DEVIATION


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--strategy", choices=["parallel", "sequential"], default="parallel")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    train_x, train_y = images_of(options.data, [f"data_batch_{part}" for part in range(1, 6)])
    test_x, test_y = images_of(options.data, ["test_batch"])
    _, _, modules, heads = dgl_curves()
    layout = torch.channels_last
    for part in [*modules, *heads]:
        part.to(memory_format=layout)
        for norm in part.modules():
            if isinstance(norm, (nn.BatchNorm1d, nn.BatchNorm2d)):
                norm.weight.data.uniform_(0, 1)
    optimizers = [
        torch.optim.SGD([*module.parameters(), *head.parameters()], lr=0.1, momentum=0.9, weight_decay=5e-4, fused=True)
        for module, head in zip(modules, heads)
    ]
    indices = range(len(modules))
    stages = [list(indices)] if options.strategy == "parallel" else [[index] for index in indices]
    for trained in stages:
        for epoch in range(1, options.epochs + 1):
            start = time.perf_counter()
            for index in indices:
                modules[index].train(index in trained)
                heads[index].train(index in trained)
            for index in trained:
                optimizers[index].param_groups[0]["lr"] = 0.1 * 0.2 ** ((epoch - 1) // 15)
            losses, hits = [0.0] * len(modules), [0] * len(modules)
            for chosen in torch.randperm(len(train_y)).split(128):
                x, y = augmented(train_x[chosen]).contiguous(memory_format=layout), train_y[chosen]
                for index in range(trained[-1] + 1):
                    if index not in trained:
                        with torch.no_grad():
                            x = modules[index](x)
                        continue
                    x = modules[index](x)
                    logits = heads[index](x)
                    loss = functional.cross_entropy(logits, y)
                    optimizers[index].zero_grad(set_to_none=True)
                    loss.backward()
                    optimizers[index].step()
                    losses[index] += loss.item() * len(y)
                    hits[index] += (logits.argmax(1) == y).sum().item()
                    x = x.detach()
            seconds = time.perf_counter() - start
            for index in trained:
                emit(index, epoch, "train", losses[index], hits[index], len(train_y), seconds)
            test(modules, heads, trained, epoch, test_x, test_y)


def test(modules, heads, trained, epoch, pixels, labels):
    start = time.perf_counter()
    losses, hits = [0.0] * len(modules), [0] * len(modules)
    for part in [*modules, *heads]:
        part.eval()
    with torch.no_grad():
        for first in range(0, len(labels), 500):
            x, y = (pixels[first : first + 500].float() / 255 - MEAN) / DEVIATION, labels[first : first + 500]
            x = x.contiguous(memory_format=torch.channels_last)
            for index in range(trained[-1] + 1):
                x = modules[index](x)
                if index in trained:
                    logits = heads[index](x)
                    losses[index] += functional.cross_entropy(logits, y, reduction="sum").item()
                    hits[index] += (logits.argmax(1) == y).sum().item()
    for index in trained:
        emit(index, epoch, "test", losses[index], hits[index], len(labels), time.perf_counter() - start)


def emit(index, epoch, split, loss, hits, count, seconds):
    print(json.dumps({
        "module": index + 1, "epoch": epoch, "split": split, "loss": round(loss / count, 4), "top1": hits / count,
        "seconds": round(seconds, 1),
    }), flush=True)


if __name__ == "__main__":
    main()
