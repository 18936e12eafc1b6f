#!/usr/bin/env python3
"""Writes `losses/` with PyTorch in double precision: small nets of every other kind. README.md describes them.

    python3 make_loss_fixtures.py       # needs torch and safetensors
"""

import sys
from functools import partial

import torch
from torch import nn
from torch.nn import functional

from make_fixtures import (
    BATCH, CLASSES, MARGIN, MaxPool, ReLU, STEPS, cnn, convolution, exact, gap, hidden, mlp, mlp_sr, numbered,
    quarter, sequence, write,
)

# The share of the similarity loss in predsim.
BETA = 0.99
# How far PyTorch's own float32 may be off, relative to the loss: a net that is worse conditioned tells nothing.
FLOAT32_ERROR = {"cross-entropy": 2e-6, "sim": 2e-5, "predsim": 2e-5}

linear = partial(cnn, k=1)
sgd = partial(torch.optim.SGD, lr=0.1, momentum=0.9, weight_decay=5e-4)
nesterov = partial(torch.optim.SGD, lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
adam = partial(torch.optim.Adam, lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=5e-4)


def adamw(parameters):
    """Decay on weights alone: not on biases, nor on batch norm's scales and shifts."""
    parameters = list(parameters)
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": 0.1},
        {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=0.01, betas=(0.9, 0.999), eps=1e-8)


class ZeroPad(nn.Module):
    """Every other pixel, and zeros for the channels that are missing."""

    def __init__(self, channels, stride):
        super().__init__()
        self.channels, self.stride = channels, stride

    def forward(self, x):
        x = x[:, :, :: self.stride, :: self.stride]
        return functional.pad(x, (0, 0, 0, 0, 0, self.channels - x.shape[1]))


class Block(nn.Module):
    """A residual block: `shapes` are the outputs, kernels and strides of its convolutions."""

    def __init__(self, inputs, shapes, shortcut):
        super().__init__()
        outputs, stride = shapes[-1][0], max(stride for _, _, stride in shapes)
        self.count = len(shapes)
        width = inputs
        for number, (out, kernel, step) in enumerate(shapes, start=1):
            self.add_module(f"conv{number}", nn.Conv2d(width, out, kernel, step, kernel // 2, bias=False))
            self.add_module(f"batch_norm{number}", nn.BatchNorm2d(out))
            width = out
        if (inputs, 1) == (outputs, stride):
            self.shortcut = nn.Identity()
        elif shortcut == "zero-pad":
            self.shortcut = ZeroPad(outputs, stride)
        else:
            self.shortcut = sequence(
                ("conv", nn.Conv2d(inputs, outputs, 1, stride, bias=False)), ("batch_norm", nn.BatchNorm2d(outputs))
            )
        self.relu = ReLU()

    def forward(self, x):
        y = x
        for number in range(1, self.count + 1):
            y = self.get_submodule(f"batch_norm{number}")(self.get_submodule(f"conv{number}")(y))
            y = self.relu(y if number < self.count else y + self.shortcut(x))
        return y


def basic(inputs, width, stride=1, shortcut="projection"):
    return Block(inputs, [(width, 3, stride), (width, 3, 1)], shortcut)


def bottleneck(inputs, width, stride=1, shortcut="projection"):
    return Block(inputs, [(width, 1, 1), (width, 3, stride), (4 * width, 1, 1)], shortcut)


def plain_mlp(channels, size, layers):
    """mlp-sr without its convolutions."""
    return sequence(
        ("pool", quarter(size)),
        ("squares", nn.AdaptiveAvgPool2d(2)),
        ("flatten", nn.Flatten()),
        ("hidden", numbered(hidden(4 * channels, 4 * channels) for _ in range(layers))),
        ("output", nn.Linear(4 * channels, CLASSES)),
    )


def vgg_auxiliary(channels, size):
    """Two convolutions without padding on half the image."""

    def unpadded(inputs):
        layer = convolution(inputs, 2 * channels, 3)
        layer.conv.padding = (0, 0)
        return layer

    return sequence(
        ("pool", nn.AdaptiveAvgPool2d(-(-size // 2))),
        ("convolutions", numbered([unpadded(channels), unpadded(2 * channels)])),
        ("squares", nn.AdaptiveAvgPool2d(2)),
        ("batch_norm", nn.BatchNorm2d(2 * channels)),
        ("flatten", nn.Flatten()),
        ("output", nn.Linear(8 * channels, CLASSES)),
    )


class Similarity(nn.Module):
    """Nøkland and Eidnes' loss of a module's features."""

    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)

    @staticmethod
    def cosines(rows):
        rows = rows - rows.mean(1, keepdim=True)
        rows = rows / (rows.norm(dim=1, keepdim=True) + 1e-8)
        return rows @ rows.T

    def forward(self, features, labels):
        deviations = self.conv(features).flatten(2).std(2, unbiased=True)
        targets = functional.one_hot(labels, CLASSES).to(features.dtype)
        return functional.mse_loss(self.cosines(deviations), self.cosines(targets))


class Net(nn.Module):
    """Modules and their classifiers under the model file's names."""

    def __init__(self, items, channels, sizes, auxiliary, head, loss="cross-entropy", before=None):
        """
        items: by module, the name and the module itself.
        channels, sizes: by module, of its output.
        before: by module from 0, what its images go through first.
        """
        super().__init__()
        self.smoothing = 0.0
        self.path, self.loss, self.before = [name for name, _ in items], loss, before or {}
        groups = {}
        for name, item in items:
            group, _, number = name.partition(".")
            if number:
                groups.setdefault(group, {})[number] = item
            else:
                self.add_module(name, item)
        for group, members in groups.items():
            self.add_module(group, sequence(*members.items()))
        shapes = list(zip(channels, sizes))
        self.auxiliaries = numbered([auxiliary(*shape) for shape in shapes[:-1]])
        if loss != "cross-entropy":
            for classifier, count in zip(self.auxiliaries, channels):
                classifier.similarity = Similarity(count)
        self.head = head(*shapes[-1])

    def classifier(self, index):
        return self.head if index == len(self.path) - 1 else self.auxiliaries[index]

    @staticmethod
    def logits(classifier, features):
        for name, layer in classifier.named_children():
            if name != "similarity":
                features = layer(features)
        return features

    def step(self, index, x, labels):
        """What a module outputs, what it minimises with its classifier, and the loss it reports."""
        features = self.get_submodule(self.path[index])(self.before.get(index, nn.Identity())(x))
        classifier = self.classifier(index)
        if not hasattr(classifier, "similarity"):
            logits = self.logits(classifier, features)
            loss = functional.cross_entropy(logits, labels, label_smoothing=self.smoothing)
            return features, loss, loss
        similarity = classifier.similarity(features, labels)
        if self.loss == "sim":
            beside = functional.cross_entropy(self.logits(classifier, features.detach()), labels)
            return features, similarity + beside, similarity
        loss = (1 - BETA) * functional.cross_entropy(self.logits(classifier, features), labels) + BETA * similarity
        return features, loss, loss

    def parameters_of(self, index):
        return [*self.get_submodule(self.path[index]).parameters(), *self.classifier(index).parameters()]


def resnet(block, widths, outputs, auxiliary=linear, head=gap, shortcut="projection", size=8):
    """A stem of 4 channels, a block of every width, the image halved before every block but the first."""
    items, channels, sizes = [("stem", convolution(3, 4, 3))], [4], [size]
    for number, (width, out) in enumerate(zip(widths, outputs), start=1):
        stride = 1 if number == 1 else 2
        items.append((f"blocks.{number}", block(channels[-1], width, stride, shortcut)))
        channels.append(out)
        sizes.append(-(-sizes[-1] // stride))
    return Net(items, channels, sizes, auxiliary, head)


def vgg(auxiliary, head, widths=(8, 12), size=8, pool=None, loss="cross-entropy", smoothing=0.0):
    """Two layers; `pool` halves the image before the second."""
    items, inputs = [], 3
    for number, width in enumerate(widths, start=1):
        items.append((f"layers.{number}", convolution(inputs, width, 3, bias=True)))
        inputs = width
    sizes = (size, size // 2 if pool else size)
    net = Net(items, widths, sizes, auxiliary, head, loss, {1: pool} if pool else None)
    net.smoothing = smoothing
    return net


def max_pool_mlp_sr():
    return vgg(partial(mlp_sr, convolutions=1, layers=1), partial(mlp, widths=[16, 16]), pool=MaxPool())


# Name: the net, its optimizer, the side of its images.
NETS = {
    "resnet-basic": (lambda: resnet(basic, [4, 8], [4, 8]), sgd, 8),
    "resnet-bottleneck": (lambda: resnet(bottleneck, [2], [8], head=linear), sgd, 8),
    "resnet-zero-pad": (lambda: resnet(basic, [4, 8], [4, 8], shortcut="zero-pad"), sgd, 8),
    "average-pool-mlp": (lambda: vgg(partial(plain_mlp, layers=2), gap, widths=(6, 8), pool=nn.AvgPool2d(2)), sgd, 8),
    "vgg-auxiliary": (lambda: vgg(vgg_auxiliary, gap, widths=(4, 6), size=12), sgd, 12),
    "sim": (lambda: vgg(linear, gap, pool=MaxPool(), loss="sim"), sgd, 8),
    "predsim": (lambda: vgg(linear, gap, pool=MaxPool(), loss="predsim"), sgd, 8),
    "adam": (max_pool_mlp_sr, adam, 8),
    "adamw": (lambda: resnet(basic, [4, 8], [4, 8]), adamw, 8),
    "smoothed": (lambda: vgg(linear, gap, pool=MaxPool(), smoothing=0.1), sgd, 8),
    "leaky-relu": (lambda: resnet(basic, [4, 8], [4, 8], shortcut="zero-pad"), sgd, 8),
    "gelu": (lambda: resnet(basic, [4, 8], [4, 8]), sgd, 8),
    "silu": (max_pool_mlp_sr, sgd, 8),
    "nesterov": (max_pool_mlp_sr, nesterov, 8),
    "odd-max-pool": (lambda: vgg(linear, gap, size=7, pool=MaxPool()), sgd, 7),
    "odd-average-pool": (lambda: vgg(linear, gap, size=7, pool=nn.AvgPool2d(2)), sgd, 7),
    "odd-projection": (lambda: resnet(basic, [4, 8], [4, 8], size=7), sgd, 7),
    "odd-zero-pad": (lambda: resnet(bottleneck, [2, 3], [8, 12], shortcut="zero-pad", size=5), sgd, 5),
}


# Behind every layer, where it is another one than ReLU.
ACTIVATIONS = {
    "leaky-relu": partial(functional.leaky_relu, negative_slope=0.1), "gelu": functional.gelu, "silu": functional.silu
}


def tensors_of(net):
    return {name: tensor for name, tensor in net.state_dict().items() if "num_batches_tracked" not in name}


def trained(kind, seed, dtype):
    """All tensors of a fixture, and how near the computation came to a kink or a tie."""
    make, optimizer, size = NETS[kind]
    ReLU.nearest = float("inf")
    ReLU.function = staticmethod(ACTIVATIONS.get(kind, functional.relu))
    torch.manual_seed(seed)
    net = make().double()
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                module.weight.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.5, 0.5)
                module.running_mean.uniform_(-0.5, 0.5)
                module.running_var.uniform_(0.5, 1.5)
        for tensor in tensors_of(net).values():
            tensor.copy_(exact(tensor))
    images = exact(torch.randn(BATCH, 3, size, size, dtype=torch.float64)).to(dtype)
    labels = torch.randint(4, (BATCH,))  # few, so that some images are of one class
    net = net.to(dtype).train()
    tensors = {"images": images, "labels": labels}
    tensors |= {f"initial.{name}": tensor.clone() for name, tensor in tensors_of(net).items()}
    optimizers = [optimizer(net.parameters_of(index)) for index in range(len(net.path))]
    losses = []
    for _ in range(STEPS):
        x, row = images, []
        for index, optimizer in enumerate(optimizers):
            features, minimized, reported = net.step(index, x, labels)
            optimizer.zero_grad()
            minimized.backward()
            x = features.detach()
            row.append(reported.detach())
        for optimizer in optimizers:
            optimizer.step()
        losses.append(torch.stack(row))
    tensors["loss.parallel"] = torch.stack(losses)
    tensors |= {f"final.parallel.{name}": tensor for name, tensor in tensors_of(net).items()}
    return tensors, ReLU.nearest, net.loss


def main():
    torch.set_num_threads(1)
    # Named ones alone, if any are.
    for kind in sys.argv[1:] or NETS:
        for seed in range(1, 10_000):
            tensors, nearest, loss = trained(kind, seed, torch.float64)
            if nearest < MARGIN:
                continue
            expected = tensors["loss.parallel"]
            single = {name: tensor.double() for name, tensor in trained(kind, seed, torch.float32)[0].items()}
            error = ((single["loss.parallel"] - expected).abs() / expected).max().item()
            if error < FLOAT32_ERROR[loss]:
                break
        final, worst = max(
            ((single[name] - tensor).norm().item() / tensor.norm().item(), name)
            for name, tensor in tensors.items()
            if name.startswith("final.")
        )
        print(f"{kind}: seed {seed}, nearest kink {nearest:.1e}; float32: losses {error:.1e}, {worst} {final:.1e}")
        write(f"losses/{kind}", {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()})


if __name__ == "__main__":
    main()
