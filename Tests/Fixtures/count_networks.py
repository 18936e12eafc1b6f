"""Counts parameters and multiply-adds of the specs' networks with PyTorch and torchvision, as an independent word on what
Strata's lowering makes of specs/. Needed only to make the table of NetworkTests anew:

    python Tests/Fixtures/count_networks.py > Tests/NetworkTests/counts.txt

A line a spec: name, parameters and MACs of layers and head, then of the auxiliaries (all classifiers but the last). Of a
spec with compression that is what is left in the end; `NAME:trained` is what is trained.
"""
import torch
import torchvision
from torch import nn
from torch.nn import functional as F


class Pool(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size = size

    def forward(self, x):
        return F.adaptive_avg_pool2d(x, self.size)


class Quarter(nn.Module):
    """Average pool to a quarter of the side, rounded up."""

    def forward(self, x):
        return F.adaptive_avg_pool2d(x, -(-x.shape[-1] // 4))


class Half(nn.Module):
    def forward(self, x):
        return F.adaptive_avg_pool2d(x, -(-x.shape[-1] // 2))


def convolution(cin, cout, size=3, pad=None, bias=False, norm=True):
    pad = size // 2 if pad is None else pad
    layers = [nn.Conv2d(cin, cout, size, padding=pad, bias=bias)]
    return nn.Sequential(*layers, *([nn.BatchNorm2d(cout)] if norm else []), nn.ReLU())


def hidden(widths, norm=True):
    layers = []
    for a, b in zip(widths, widths[1:]):
        layers += [nn.Linear(a, b)] + ([nn.BatchNorm1d(b)] if norm else []) + [nn.ReLU()]
    return layers


def pooled(width, classes, norm=True):
    return [Pool(2), *([nn.BatchNorm2d(width)] if norm else []), nn.Flatten(), nn.Linear(4 * width, classes)]


def linear(f, classes, norm=True):
    return nn.Sequential(*pooled(f, classes, norm))


class Similarity(nn.Module):
    """A linear classifier, and the convolution whose output is matched by similarity beside it."""

    def __init__(self, f, classes):
        super().__init__()
        self.matched, self.classifier = nn.Conv2d(f, f, 3, padding=1, bias=False), linear(f, classes)

    def forward(self, x):
        self.matched(x)
        return self.classifier(x)


def cnn(f, classes, k, width):
    widths = [f] + [width] * (k - 1)
    return nn.Sequential(*[convolution(a, b) for a, b in zip(widths, widths[1:])], *pooled(width, classes))


def mlp_sr(f, classes, convolutions=3, layers=3):
    return nn.Sequential(
        Quarter(), *[convolution(f, f, 1) for _ in range(convolutions)], Pool(2), nn.Flatten(),
        *hidden([4 * f] * (layers + 1)), nn.Linear(4 * f, classes))


def mlp(f, classes, widths):
    return nn.Sequential(Quarter(), Pool(2), nn.Flatten(), *hidden([4 * f, *widths]), nn.Linear(widths[-1], classes))


def vgg_auxiliary(f, classes):
    g = 2 * f
    return nn.Sequential(Half(), convolution(f, g, pad=0), convolution(g, g, pad=0), *pooled(g, classes))


def vgg_head(f, classes):
    return nn.Sequential(
        nn.MaxPool2d(2), nn.Flatten(), *hidden([f * 49, 4096, 4096], norm=False), nn.Linear(4096, classes))


def gap(f, classes):
    return nn.Sequential(Pool(1), nn.Flatten(), nn.Linear(f, classes))


def vgg(widths, halvings, fold=False, bias=True, norm=True, channels=3):
    """Layers in order; `halvings` count from 1."""
    layers, cin = [], channels
    for number, width in enumerate(widths, 1):
        before = []
        if number in halvings:
            before = [nn.PixelUnshuffle(2)] if fold else [nn.MaxPool2d(2)]
            cin *= 4 if fold else 1
        b = bias[number - 1] if isinstance(bias, list) else bias
        layers.append(nn.Sequential(*before, convolution(cin, width, bias=b, norm=norm)))
        cin = width
    return layers


class Basic(nn.Module):
    def __init__(self, cin, c, stride, pads):
        super().__init__()
        self.first = nn.Conv2d(cin, c, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(c, c, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(c), nn.BatchNorm2d(c)])
        self.shortcut = None
        if (stride > 1 or cin != c) and not pads:
            self.shortcut = nn.Sequential(nn.Conv2d(cin, c, 1, stride, bias=False), nn.BatchNorm2d(c))
        self.stride, self.extra = stride, c - cin

    def forward(self, x):
        y = F.relu(self.norms[0](self.first(x)))
        y = self.norms[1](self.second(y))
        if self.shortcut is not None:
            x = self.shortcut(x)
        elif self.extra:
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.extra))
        return F.relu(y + x)


def small_resnet(stem, stages, strides, pads=False):
    """A 3x3 stem, then blocks of (width, count); `strides` by block."""
    layers, cin, strides = [convolution(3, stem)], stem, iter(strides)
    for width, count in stages:
        for _ in range(count):
            layers.append(Basic(cin, width, next(strides), pads))
            cin = width
    return layers


def torchvision_modules(model):
    stem = nn.Sequential(model.conv1, model.bn1, model.relu, model.maxpool)
    return [stem, *[block for stage in (model.layer1, model.layer2, model.layer3, model.layer4) for block in stage]]


def cut(layers, firsts):
    """Modules that begin at these layers (0: the stem)."""
    ends = firsts[1:] + [len(layers)]
    return [nn.Sequential(*layers[a:b]) for a, b in zip(firsts, ends)]


def multiply_adds(modules, x):
    total = 0

    def count(module, _, y):
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += y[0].numel() * module.in_channels * module.kernel_size[0] * module.kernel_size[1]
        else:
            total += y[0].numel() * module.in_features

    hooks = [m.register_forward_hook(count) for m in modules.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    with torch.no_grad():
        y = modules(x)
    for hook in hooks:
        hook.remove()
    return total, y


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def report(name, modules, auxiliary, head, size=32, classes=10, channels=3):
    """`auxiliary`: from (module from 0, channels) to a network; `head` from channels."""
    x, network, extra = torch.zeros(1, channels, size, size), [0, 0], [0, 0]
    for index, module in enumerate(modules):
        module.eval()
        macs, x = multiply_adds(module, x)
        network = [network[0] + parameters(module), network[1] + macs]
        is_last = index == len(modules) - 1
        classifier = (head(x.shape[1]) if is_last else auxiliary(index, x.shape[1])).eval()
        macs, y = multiply_adds(classifier, x)
        assert y.shape == (1, classes), (name, y.shape)
        target = network if is_last else extra
        target[0] += parameters(classifier)
        target[1] += macs
    print(name, *network, *extra, flush=True)
    return network


def standard(name, model, layers, head):
    """A torchvision model, cut into its layers or blocks, with linear auxiliaries."""
    network = report(name, layers, lambda _, f: linear(f, 1000), head, 224, 1000)
    macs, _ = multiply_adds(model.eval(), torch.zeros(1, 3, 224, 224))
    assert network == [parameters(model), macs], (name, network, parameters(model), macs)


A, B = [64, 128, 256, 256, 512, 512, 512, 512], [64, 64, 128, 128, 256, 256, 512, 512, 512, 512]
D = [64, 64, 128, 128] + [256] * 3 + [512] * 6
E = [64, 64, 128, 128] + [256] * 4 + [512] * 8


def main():
    models = torchvision.models
    head = lambda f: vgg_head(f, 1000)
    for depth, widths, halvings in [
        (11, A, [2, 3, 5, 7]), (13, B, [3, 5, 7, 9]), (16, D, [3, 5, 8, 11]), (19, E, [3, 5, 9, 13])
    ]:
        standard(f"vgg{depth}", getattr(models, f"vgg{depth}_bn")(), vgg(widths, halvings), head)
    for depth in (18, 34, 50, 101, 152):
        model = getattr(models, f"resnet{depth}")()
        standard(f"resnet{depth}", model, torchvision_modules(model), lambda f: gap(f, 1000))

    def sr(classes):
        return lambda _, f: mlp_sr(f, classes)

    strides = [2 if i in (18, 36) else 1 for i in range(54)]
    deep = small_resnet(16, [(16, 18), (32, 18), (64, 18)], strides, pads=True)
    report("resnet110", cut(deep, [0, 27]), sr(10), lambda f: gap(f, 10))
    stages = [(64, 2), (128, 2), (256, 2), (512, 2)]
    report(
        "resnet18-dgl", small_resnet(64, stages, [1, 1, 2, 1, 2, 1, 2, 1]), sr(10), lambda f: mlp_sr(f, 10))
    report(
        "accelerated-resnet18", small_resnet(64, stages, [2, 1, 2, 1, 2, 1, 1, 1]), lambda _, f: linear(f, 10),
        lambda f: gap(f, 10))
    report("vgg11-dgl-224", vgg(A, [2, 3, 5, 7]), sr(1000), lambda f: mlp_sr(f, 1000), 224, 1000)

    report(
        "accelerated-resnet-small", small_resnet(32, [(32, 2), (64, 2), (128, 2)], [2, 1, 2, 1, 1, 1]),
        lambda _, f: linear(f, 10), lambda f: gap(f, 10))
    report("simcnn-small", vgg([64] * 5, [1], fold=True), lambda _, f: linear(f, 10), lambda f: linear(f, 10))
    report("dgl-curves-small", vgg([32, 64, 64, 128], [2, 4]), sr(10), lambda f: mlp(f, 10, [512, 512]))
    report(
        "dgl-buffer-small", vgg([32, 32, 64, 64, 128, 128], [3, 5], bias=False), lambda _, f: mlp(f, 10, [4 * f] * 3),
        lambda f: mlp(f, 10, [4 * f] * 3))
    quarter = vgg([32, 64, 64, 128, 128, 128], [2, 4])
    report("dgl-auxiliaries-small", quarter, sr(10), lambda f: mlp(f, 10, [512, 512]))
    shallow = small_resnet(16, [(16, 3), (32, 3), (64, 3)], [1, 1, 1, 2, 1, 1, 2, 1, 1], pads=True)
    report("resnet110-small", cut(shallow, [0, 5]), sr(10), lambda f: gap(f, 10))
    narrow = vgg([16, 16, 32, 32, 64, 64, 128, 128, 128, 128], [3, 5, 7])
    report("dgl-vgg13-small", cut(narrow, [0, 3, 6, 9]), sr(10), lambda f: mlp(f, 10, [512, 512]))
    report(
        "greedy-vgg11-small", vgg([16, 32, 64, 64, 128, 128, 128, 128], [4]), lambda _, f: vgg_auxiliary(f, 10),
        lambda f: mlp(f, 10, [512, 512]))
    buffered = vgg([128, 128, 256, 256, 512, 512], [3, 5], bias=False)
    report("dgl-buffer", buffered, lambda _, f: mlp(f, 10, [4 * f] * 3), lambda f: mlp(f, 10, [4 * f] * 3))
    report("dgl-curves", vgg([64, 128, 128, 256], [2, 4]), sr(10), lambda f: mlp(f, 10, [1024, 1024]))
    study = [128, 256, 256, 512, 512, 512]
    for name, auxiliary in [
        ("cnn", lambda _, f: cnn(f, 10, 3, f)), ("mlp", lambda _, f: mlp(f, 10, [4 * f] * 3)), ("mlp-sr", sr(10))
    ]:
        report(f"dgl-auxiliaries-{name}", vgg(study, [2, 4]), auxiliary, lambda f: mlp(f, 10, [2048, 2048]))
    for name, widths, halvings, firsts in [
        ("dgl-vgg13-k10", B, [3, 5, 7, 9], list(range(10))), ("dgl-vgg13-k4", B, [3, 5, 7, 9], [0, 3, 6, 9]),
        ("dgl-vgg19-k4", E, [3, 5, 9, 13], [0, 4, 8, 12]), ("dgl-vgg19-k2", E, [3, 5, 9, 13], [0, 8]),
    ]:
        report(name, cut(vgg(widths, halvings), firsts), sr(1000), head, 224, 1000)
    blocks = torchvision_modules(models.resnet152())
    report("dgl-resnet152-k2", cut(blocks, [0, 26]), sr(1000), lambda f: gap(f, 1000), 224, 1000)

    report("greedy-vgg11", vgg(A, [2, 3, 5, 7]), lambda _, f: vgg_auxiliary(f, 1000), head, 224, 1000)
    first = [True, False, False, False, False]
    report(
        "simcnn-k1", vgg([256, 256, 512, 1024, 1024], [3, 4], fold=True, bias=first, norm=False),
        lambda _, f: linear(f, 10, norm=False), lambda f: linear(f, 10, norm=False))
    for k in (2, 3):
        net = vgg([128, 128, 256, 256], [3], fold=True, bias=False)
        report(f"simcnn-k{k}", net, lambda _, f, k=k: cnn(f, 10, k, f), lambda f, k=k: cnn(f, 10, k, f))
    # As they are trained, and what is left of them behind the last layer's compression.
    report(
        "simcnn-compression:trained", vgg([128] * 3, [], bias=False), lambda _, f: cnn(f, 10, 3, 128),
        lambda f: cnn(f, 10, 3, 64))
    report(
        "simcnn-compression-small:trained", vgg([128] * 3, [1], fold=True, bias=False),
        lambda _, f: cnn(f, 10, 3, 64), lambda f: cnn(f, 10, 3, 32))
    report(
        "simcnn-compression", vgg([64] * 3, [], bias=False), lambda _, f: cnn(f, 10, 3, 128),
        lambda f: cnn(f, 10, 3, 64))
    report(
        "simcnn-compression-small", vgg([64] * 3, [1], fold=True, bias=False), lambda _, f: cnn(f, 10, 3, 64),
        lambda f: cnn(f, 10, 3, 32))
    report(
        "simcnn-compression-end-to-end", cut(vgg([64] * 3, [], bias=False), [0]), lambda _, f: linear(f, 10),
        lambda f: cnn(f, 10, 3, 64))
    report("simcnn-separability", vgg([128] * 5, [], bias=False), lambda _, f: linear(f, 10), lambda f: linear(f, 10))
    for name, widths, width in [("", [128, 256, 256, 512, 512, 512], 1024), ("-small", [32, 64, 64, 128, 128, 128], 256)]:
        wide_head = lambda f, w=width: mlp(f, 10, [w])
        report(f"accelerated-vgg8b{name}", vgg(widths, [2, 3, 4]), lambda _, f: Similarity(f, 10), wide_head)
    wide = vgg([256, 256, 512, 1024, 2048, 2048, 4096, 4096], [1, 3, 4, 5, 7], fold=True, norm=False)
    plain = lambda f: linear(f, 1000, norm=False)
    report("simcnn-imagenet-k1", wide, lambda _, f: plain(f), plain, 224, 1000)
    for k in (2, 3):
        net = vgg([128, 128, 256, 256, 512, 512, 1024, 1024], [1, 3, 5, 7], fold=True, bias=False)
        aux = lambda _, f, k=k: cnn(f, 1000, k, 2 * f)
        report(f"simcnn-imagenet-k{k}", net, aux, lambda f, k=k: cnn(f, 1000, k, 2 * f), 224, 1000)
    for width in (1024, 512):
        net = vgg([128, 128, 256, 256, 512, 512, 1024, 1024], [1, 3, 5, 7], fold=True, bias=False)
        aux = lambda _, f: cnn(f, 1000, 3, 2 * f)
        report(f"simcnn-imagenet-k3-head{width}", net, aux, lambda f, w=width: cnn(f, 1000, 3, w), 224, 1000)
    digits = vgg([32, 64, 96], [2], channels=1)
    report("digits", digits, lambda _, f: mlp_sr(f, 10, 1, 1), lambda f: mlp(f, 10, [128, 128]), 8, channels=1)


main()
