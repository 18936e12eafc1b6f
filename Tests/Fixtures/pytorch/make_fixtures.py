#!/usr/bin/env python3
"""Writes the fixtures of this folder with PyTorch in double precision. README.md describes them.

    python3 make_fixtures.py            # needs torch and safetensors
"""

import pathlib
from collections import OrderedDict

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

import operations

FOLDER = pathlib.Path(__file__).parent
STEPS, BATCH, CLASSES = 3, 6, 10
SGD = {"lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4}
# The smallest distance that a value keeps from a ReLU's kink or a max-pool's tie: far above float32's rounding, so
# that an engine in float32 takes the same branches.
MARGIN = 2e-5


class SpaceToDepth(nn.Module):
    """Channel (dy * 2 + dx) * C + c of the output is channel c at the offset (dy, dx) of every 2x2 square."""

    def forward(self, x):
        return torch.cat([x[:, :, dy::2, dx::2] for dy in (0, 1) for dx in (0, 1)], dim=1)


class ReLU(nn.Module):
    """Remembers how near to its kink an input came."""

    nearest = float("inf")
    # Another function in its place.
    function = staticmethod(functional.relu)

    def forward(self, x):
        ReLU.nearest = min(ReLU.nearest, x.detach().abs().min().item())
        return ReLU.function(x)


class MaxPool(nn.Module):
    """Remembers how near two values of a window came that compete for a gradient."""

    def forward(self, x):
        windows = functional.unfold(x.detach().flatten(0, 1).unsqueeze(1), 2, stride=2)
        first, second = windows.topk(2, dim=1).values.unbind(1)
        ReLU.nearest = min(ReLU.nearest, (first - second)[first > 0].min().item())
        return functional.max_pool2d(x, 2)


def sequence(*modules):
    return nn.Sequential(OrderedDict(modules))


def convolution(inputs, outputs, kernel, bias=False, stride=1):
    return sequence(
        ("conv", nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=bias)),
        ("batch_norm", nn.BatchNorm2d(outputs)),
        ("relu", ReLU()),
    )


def hidden(inputs, outputs):
    return sequence(
        ("linear", nn.Linear(inputs, outputs)), ("batch_norm", nn.BatchNorm1d(outputs)), ("relu", ReLU())
    )


def numbered(modules):
    return sequence(*((str(number), module) for number, module in enumerate(modules, start=1)))


def quarter(size):
    return nn.AdaptiveAvgPool2d(-(-size // 4))


def mlp_sr(channels, size, convolutions, layers):
    flat = 4 * channels
    return sequence(
        ("pool", quarter(size)),
        ("convolutions", numbered(convolution(channels, channels, 1) for _ in range(convolutions))),
        ("squares", nn.AdaptiveAvgPool2d(2)),
        ("flatten", nn.Flatten()),
        ("hidden", numbered(hidden(flat, flat) for _ in range(layers))),
        ("output", nn.Linear(flat, CLASSES)),
    )


def mlp(channels, size, widths):
    inputs = [4 * channels] + widths[:-1]
    return sequence(
        ("pool", quarter(size)),
        ("squares", nn.AdaptiveAvgPool2d(2)),
        ("flatten", nn.Flatten()),
        ("hidden", numbered(hidden(a, b) for a, b in zip(inputs, widths))),
        ("output", nn.Linear(widths[-1], CLASSES)),
    )


def cnn(channels, size, k):
    """k = 1 is `linear`."""
    return sequence(
        ("convolutions", numbered(convolution(channels, channels, 3) for _ in range(k - 1))),
        ("squares", nn.AdaptiveAvgPool2d(2)),
        ("batch_norm", nn.BatchNorm2d(channels)),
        ("flatten", nn.Flatten()),
        ("output", nn.Linear(4 * channels, CLASSES)),
    )


def gap(channels, size):
    return sequence(
        ("mean", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten()), ("output", nn.Linear(channels, CLASSES))
    )


class Net(nn.Module):
    """Layers 3x8x8 -> 8x8x8 -> 12x4x4, every one a module with its classifier."""

    def __init__(self, downsampling, auxiliary, head):
        super().__init__()
        before, inputs, stride = {
            "max-pool": (MaxPool(), 8, 1),
            "invertible": (SpaceToDepth(), 32, 1),
            "stride": (nn.Identity(), 8, 2),
        }[downsampling]
        self.layers = numbered([convolution(3, 8, 3, bias=True), convolution(inputs, 12, 3, bias=True, stride=stride)])
        self.before = before
        self.auxiliaries = numbered([auxiliary(8, 8)])
        self.head = head(12, 4)

    def module(self, number, x):
        """What module `number` outputs, and its classifier's logits."""
        if number == 1:
            features = self.layers[0](x)
            return features, self.auxiliaries[0](features)
        features = self.layers[1](self.before(x))
        return features, self.head(features)

    def parameters_of(self, number):
        classifier = self.auxiliaries[0] if number == 1 else self.head
        return [*self.layers[number - 1].parameters(), *classifier.parameters()]

    def tensors(self, auxiliaries=True):
        return {
            name: tensor
            for name, tensor in self.state_dict().items()
            if "num_batches_tracked" not in name and (auxiliaries or not name.startswith("auxiliaries."))
        }


NETS = {
    "max-pool-mlp-sr": (
        "max-pool",
        lambda channels, size: mlp_sr(channels, size, convolutions=1, layers=1),
        lambda channels, size: mlp(channels, size, widths=[16, 16]),
    ),
    "invertible-cnn": (
        "invertible",
        lambda channels, size: cnn(channels, size, k=2),
        lambda channels, size: cnn(channels, size, k=2),
    ),
    "stride-linear-gap": ("stride", lambda channels, size: cnn(channels, size, k=1), gap),
}


def exact(tensor):
    """Rounded to float32, so that the engine starts from the very same numbers."""
    return tensor.to(torch.float32).to(tensor.dtype)


def initialized(kind, seed, dtype):
    """PyTorch's own initial weights, and batch norms that are nothing in particular."""
    torch.manual_seed(seed)
    net = Net(*NETS[kind]).double()
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                module.weight.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.5, 0.5)
                module.running_mean.uniform_(-0.5, 0.5)
                module.running_var.uniform_(0.5, 1.5)
        for tensor in net.tensors().values():
            tensor.copy_(exact(tensor))
    images = exact(torch.randn(BATCH, 3, 8, 8, dtype=torch.float64))
    labels = torch.randint(CLASSES, (BATCH,))
    return net.to(dtype), images.to(dtype), labels


def gradients(net):
    return {name: p.grad.clone() for name, p in net.named_parameters() if p.grad is not None}


def evaluated(net, images, numbers):
    """Every module's logits with the running statistics."""
    net.eval()
    x, logits = images, []
    with torch.no_grad():
        for number in (1, 2):
            x, output = net.module(number, x)
            logits.append(output)
    return torch.stack([logits[number - 1] for number in numbers])


def train_parallel(net, images, labels):
    optimizers = [torch.optim.SGD(net.parameters_of(number), **SGD) for number in (1, 2)]
    losses, first = [], None
    net.train()
    for _ in range(STEPS):
        x, row = images, []
        for number, optimizer in enumerate(optimizers, start=1):
            x, logits = net.module(number, x)
            loss = functional.cross_entropy(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            x = x.detach()
            row.append(loss.detach())
        first = first or gradients(net)
        for optimizer in optimizers:
            optimizer.step()
        losses.append(torch.stack(row))
    return torch.stack(losses), first, net.tensors(), evaluated(net, images, (1, 2))


def train_sequential(net, images, labels):
    columns, first = [], {}
    x = images
    for number in (1, 2):
        optimizer = torch.optim.SGD(net.parameters_of(number), **SGD)
        net.train()
        column = []
        for step in range(STEPS):
            loss = functional.cross_entropy(net.module(number, x)[1], labels)
            net.zero_grad(set_to_none=True)
            loss.backward()
            if step == 0 and number > 1:  # the first module's are those of `parallel`
                first |= gradients(net)
            optimizer.step()
            column.append(loss.detach())
        columns.append(torch.stack(column))
        if number == 1:
            net.layers[0].eval()
            with torch.no_grad():
                x = net.layers[0](images)
    return torch.stack(columns, dim=1), first, net.tensors(), evaluated(net, images, (1, 2))


def train_end_to_end(net, images, labels):
    optimizer = torch.optim.SGD([*net.layers.parameters(), *net.head.parameters()], **SGD)
    losses, first = [], None
    net.train()
    for _ in range(STEPS):
        features = net.layers[0](images)
        loss = functional.cross_entropy(net.module(2, features)[1], labels)
        optimizer.zero_grad()
        loss.backward()
        first = first or gradients(net)
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses).unsqueeze(1), first, net.tensors(auxiliaries=False), evaluated(net, images, (2,))


STRATEGIES = {"parallel": train_parallel, "sequential": train_sequential, "end-to-end": train_end_to_end}


def dump(kind, seed, dtype):
    """All tensors of a fixture, and how near the computation came to a kink or a tie."""
    ReLU.nearest = float("inf")
    net, images, labels = initialized(kind, seed, dtype)
    tensors = {"images": images, "labels": labels}
    tensors |= {f"initial.{name}": tensor.clone() for name, tensor in net.tensors().items()}
    for strategy, train in STRATEGIES.items():
        net, images, labels = initialized(kind, seed, dtype)
        loss, first, final, logits = train(net, images, labels)
        tensors[f"loss.{strategy}"] = loss
        tensors[f"logits.{strategy}"] = logits
        tensors |= {f"gradient.{strategy}.{name}": tensor for name, tensor in first.items()}
        tensors |= {f"final.{strategy}.{name}": tensor for name, tensor in final.items()}
    return tensors, ReLU.nearest


def report_float32(kind, seed, expected):
    """How far PyTorch itself is off in float32: what an engine may be measured by."""
    actual, _ = dump(kind, seed, torch.float32)
    worst, largest = {}, {}
    for name, tensor in expected.items():
        group = ".".join(name.split(".")[:2])
        largest[group] = max(largest.get(group, 0), tensor.double().norm().item())
    for name, tensor in expected.items():
        group = ".".join(name.split(".")[:2])
        if group.startswith(("loss.", "logits.", "gradient.", "final.")):
            # A bias in front of a batch norm has no gradient but rounding: it is measured by the group's largest.
            norm = tensor.norm().item()
            scale = norm if norm > 1e-12 else largest[group]
            worst[group] = max(worst.get(group, 0), (actual[name].double() - tensor).norm().item() / scale)
    return ", ".join(f"{group} {error:.1e}" for group, error in worst.items())


def write(name, tensors):
    path = FOLDER / f"{name}.safetensors"
    save_file({key: tensors[key].contiguous() for key in sorted(tensors)}, path)
    path.chmod(0o644)
    print(f"{path.name}: {path.stat().st_size} bytes")


def main():
    torch.set_num_threads(1)
    for kind in NETS:
        for seed in range(1, 10_000):
            tensors, nearest = dump(kind, seed, torch.float64)
            if nearest >= MARGIN:
                break
        print(f"{kind}: seed {seed}, nearest kink {nearest:.1e}; float32: {report_float32(kind, seed, tensors)}")
        write(kind, {n: t.to(torch.float32) if t.is_floating_point() else t for n, t in tensors.items()})
    write("operations", operations.tensors())


if __name__ == "__main__":
    main()
