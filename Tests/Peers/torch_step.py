"""One training step of a workload in PyTorch on the CPU: what `strata bench SPEC` is compared with.

Each module is trained by its own loss and its own fused SGD; the activation that it outputs is cut from the graph.
Prints one JSON line. `compare.py` calls this in a process of its own, since the peak of memory is a process's.
"""
import argparse
import functools
import json
import resource
import time

import torch
from torch import nn
from torch.nn import functional

torch.ones(8, 8) @ torch.ones(8, 8)
IMPORT_BYTES = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def layer(inputs, outputs, bias=True, before=()):
    return nn.Sequential(
        *before, nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def dense(inputs, outputs):
    return [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()]


def mlp_sr(channels, size, classes, convolutions=3, hidden=3):
    """Pool to a quarter, 1x1 convolutions, pool to 2x2, hidden layers of four times the channels."""
    parts = [nn.AdaptiveAvgPool2d(-(-size // 4))]
    for _ in range(convolutions):
        parts += [nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
    parts += [nn.AdaptiveAvgPool2d(2), nn.Flatten()]
    for _ in range(hidden):
        parts += dense(4 * channels, 4 * channels)
    return nn.Sequential(*parts, nn.Linear(4 * channels, classes))


def cnn(channels, k, classes):
    """k - 1 further 3x3 convolutions, pool to 2x2, batch norm, linear."""
    parts = []
    for _ in range(k - 1):
        parts += [nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
    parts += [nn.AdaptiveAvgPool2d(2), nn.BatchNorm2d(channels), nn.Flatten(), nn.Linear(4 * channels, classes)]
    return nn.Sequential(*parts)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs),
        )
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
        )

    def forward(self, x):
        return functional.relu(self.body(x) + self.shortcut(x))


def dgl_curves():
    pool = [nn.MaxPool2d(2)]
    modules = [layer(3, 64), layer(64, 128, before=pool), layer(128, 128), layer(128, 256, before=pool)]
    heads = [mlp_sr(64, 32, 10), mlp_sr(128, 16, 10), mlp_sr(128, 16, 10), mlp_sr(256, 8, 10, 0, 2)]
    return (128, 3, 32, 32), 10, modules, heads


def simcnn_k3():
    modules = [
        layer(3, 128, False), layer(128, 128, False),
        layer(512, 256, False, [nn.PixelUnshuffle(2)]), layer(256, 256, False),
    ]
    return (128, 3, 32, 32), 10, modules, [cnn(width, 3, 10) for width in (128, 128, 256, 256)]


def resnet18_dgl():
    modules, heads = [layer(3, 64, False)], [mlp_sr(64, 32, 10)]
    inputs, size = 64, 32
    for outputs, stride in ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)):
        size //= stride
        modules.append(Block(inputs, outputs, stride))
        heads.append(mlp_sr(outputs, size, 10))
        inputs = outputs
    return (128, 3, 32, 32), 10, modules, heads


def vgg11_dgl_224():
    modules, heads, inputs, size = [], [], 3, 224
    widths = ((64, False), (128, True), (256, True), (256, False), (512, True), (512, False), (512, True), (512, False))
    for outputs, halves in widths:
        size //= 2 if halves else 1
        modules.append(layer(inputs, outputs, before=[nn.MaxPool2d(2)] if halves else []))
        heads.append(mlp_sr(outputs, size, 1000))
        inputs = outputs
    return (16, 3, 224, 224), 1000, modules, heads


def plain(widths, kernel=3, image=(3, 32, 32), classes=10, batch=128):
    """The specs of the folder `odd`: equal layers, linear auxiliaries, and a global average pool at the end."""
    modules, heads, inputs = [], [], image[0]
    for width in widths:
        modules.append(nn.Sequential(
            nn.Conv2d(inputs, width, kernel, padding=kernel // 2), nn.BatchNorm2d(width), nn.ReLU()
        ))
        heads.append(cnn(width, 1, classes))
        inputs = width
    heads[-1] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))
    return (batch, *image), classes, modules, heads


WORKLOADS = {
    "dgl-curves": dgl_curves, "simcnn-k3": simcnn_k3, "resnet18-dgl": resnet18_dgl, "vgg11-dgl-224": vgg11_dgl_224,
    **{f"width-{width}": functools.partial(plain, [width] * 4) for width in (1, 3, 7, 8, 12, 33)},
    "kernel-5": lambda: plain([64, 64], kernel=5), "kernel-7": lambda: plain([48, 48], kernel=7),
    "kernel-11": lambda: plain([32, 32], kernel=11),
    "row-1024": lambda: plain([16, 16], image=(8, 1, 1024), batch=32),
    "classes-100000": lambda: plain([16, 16], image=(3, 8, 8), classes=100_000, batch=32),
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--layout", choices=["nchw", "nhwc"], default="nhwc")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--stage", type=int, help="train this module alone, from 1, behind a frozen prefix")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    shape, classes, modules, heads = WORKLOADS[options.workload]()
    layout = torch.channels_last if options.layout == "nhwc" else torch.contiguous_format
    if options.stage is not None:
        # What comes behind is not there, and no module before has anything that trains it.
        modules = modules[: options.stage]
        heads = [None] * (options.stage - 1) + [heads[options.stage - 1]]
    modules = [module.to(memory_format=layout).train() for module in modules]
    heads = [head.to(memory_format=layout).train() if head else None for head in heads]
    images = torch.randn(shape).contiguous(memory_format=layout)
    labels = torch.randint(0, classes, shape[:1])
    optimizers = [
        torch.optim.SGD(
            [*module.parameters(), *head.parameters()], lr=0.1, momentum=0.9, weight_decay=5e-4, fused=True
        ) if head else None
        for module, head in zip(modules, heads)
    ]

    def train(index, x):
        y = modules[index](x)
        loss = functional.cross_entropy(heads[index](y), labels)
        optimizers[index].zero_grad(set_to_none=True)
        loss.backward()
        optimizers[index].step()
        return y.detach()

    def step():
        x = images
        if options.stage is None:
            for index in range(len(modules)):
                x = train(index, x)
            return
        with torch.no_grad():
            for module in modules[: options.stage - 1]:
                x = module.eval()(x)
        train(options.stage - 1, x)

    step()
    step()
    seconds = []
    for _ in range(options.steps):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    print(json.dumps({
        "seconds": sorted(seconds)[len(seconds) // 2], "importBytes": IMPORT_BYTES,
        "peakBytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, "torch": torch.__version__,
    }))


if __name__ == "__main__":
    main()
