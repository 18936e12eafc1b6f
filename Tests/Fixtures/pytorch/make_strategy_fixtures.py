#!/usr/bin/env python3
"""Writes `strategies.safetensors` with PyTorch in double precision: ten steps of every strategy. README.md describes it.

    python3 make_strategy_fixtures.py       # needs torch and safetensors
"""

import torch
from torch.nn import functional

from make_fixtures import CLASSES, MARGIN, NETS, SGD, Net, ReLU, exact, write

BATCH, STEPS_PER_EPOCH, EPOCHS = 6, 5, 2
# The learning rate's factor behind each epoch of a module's own.
FACTOR = 0.5
SLOTS, SLOW_MODULE, SLOW_FACTOR, SEED = 3, 2, 1.6, 1
# How far PyTorch's own float32 may be off after all steps, relative to a loss.
FLOAT32_ERROR = 2e-6


def philox4x32(counter, key):
    """Ten rounds of Philox4x32 (Salmon, Moraes, Dror, Shaw 2011)."""
    mask = 0xFFFFFFFF
    c, (k0, k1) = list(counter), key
    for _ in range(10):
        p0, p1 = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(p1 >> 32) ^ c[1] ^ k0, p1 & mask, (p0 >> 32) ^ c[3] ^ k1, p0 & mask]
        k0, k1 = (k0 + 0x9E3779B9) & mask, (k1 + 0xBB67AE85) & mask
    return c


def drawn(index, bound):
    """A number below `bound`: the draw with this index of the simulated delays' stream (purpose 6)."""
    words = philox4x32([index >> 1, 0, 0, 6], [SEED & 0xFFFFFFFF, SEED >> 32])
    low, high = words[0:2] if index & 1 == 0 else words[2:4]
    return ((high << 32 | low) * bound) >> 64


class Modules:
    """The net's two modules, each with its optimizer and the clock of its own epochs."""

    def __init__(self, net):
        self.net = net
        self.optimizers = [torch.optim.SGD(net.parameters_of(number), **SGD) for number in (1, 2)]
        self.steps = [0, 0]

    def is_done(self, number):
        return self.steps[number - 1] >= EPOCHS * STEPS_PER_EPOCH

    def learn(self, number, x, labels):
        """A step: what the module outputs, and its loss before the update."""
        self.net.train()
        features, logits = self.net.module(number, x)
        loss = functional.cross_entropy(logits, labels)
        epoch = self.steps[number - 1] // STEPS_PER_EPOCH
        optimizer = self.optimizers[number - 1]
        for group in optimizer.param_groups:
            group["lr"] = SGD["lr"] * FACTOR**epoch
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        self.steps[number - 1] += 1
        return features.detach(), loss.detach()

    def feed(self, number, x):
        """What the first module outputs once it has learned all its epochs: running statistics used and kept."""
        layers = self.net.layers[number - 1].eval()
        with torch.no_grad():
            return layers(x)


def parallel(net, images, labels):
    modules, losses = Modules(net), []
    for step in range(EPOCHS * STEPS_PER_EPOCH):
        batch = step % STEPS_PER_EPOCH
        x, first = modules.learn(1, images[batch], labels[batch])
        losses.append(torch.stack([first, modules.learn(2, x, labels[batch])[1]]))
    return {"loss.parallel": torch.stack(losses)}


def sequential(net, images, labels):
    modules, columns = Modules(net), []
    for number in (1, 2):
        column = []
        for step in range(EPOCHS * STEPS_PER_EPOCH):
            batch = step % STEPS_PER_EPOCH
            x = images[batch] if number == 1 else modules.feed(1, images[batch])
            column.append(modules.learn(number, x, labels[batch])[1])
        columns.append(torch.stack(column))
    return {"loss.sequential": torch.stack(columns, dim=1)}


def end_to_end(net, images, labels):
    optimizer, losses = torch.optim.SGD([*net.layers.parameters(), *net.head.parameters()], **SGD), []
    net.train()
    for step in range(EPOCHS * STEPS_PER_EPOCH):
        batch = step % STEPS_PER_EPOCH
        for group in optimizer.param_groups:
            group["lr"] = SGD["lr"] * FACTOR ** (step // STEPS_PER_EPOCH)
        loss = functional.cross_entropy(net.module(2, net.layers[0](images[batch]))[1], labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return {"loss.end-to-end": torch.stack(losses).unsqueeze(1)}


def asynchronous(net, images, labels):
    """Both modules twice, then whoever is drawn; the order begins anew where a rate falls. Rows of `events`: module, batch,
    slot read, slot written (-1: none), whether it learned."""
    modules = Modules(net)
    ring, write, met = [], 0, 0
    losses, events = [[], []], []
    weights = [2**32, 2**32]
    weights[SLOW_MODULE - 1] = round(2**32 / SLOW_FACTOR)
    order, draws = [1, 1, 2, 2], 0
    while not (modules.is_done(1) and modules.is_done(2)):
        if order:
            number = order.pop(0)
        else:
            number = 1 if drawn(draws, sum(weights)) < weights[0] else 2
            draws += 1
        learns = not modules.is_done(number)
        if number == 1:
            index, read, slot = met, -1, write
            met += 1
            x, y = images[index % STEPS_PER_EPOCH], labels[index % STEPS_PER_EPOCH]
            if learns:
                x, loss = modules.learn(1, x, y)
            else:
                x = modules.feed(1, x)
            entry = {"slot": slot, "batch": index, "uses": 0, "x": x, "labels": y, "age": met}
            ring = [kept for kept in ring if kept["slot"] != slot] + [entry]
            write = (write + 1) % SLOTS
        else:
            if not learns or not ring:
                continue
            least = min(kept["uses"] for kept in ring)
            entry = max((kept for kept in ring if kept["uses"] == least), key=lambda kept: kept["age"])
            entry["uses"] += 1
            index, read, slot = entry["batch"], entry["slot"], -1
            _, loss = modules.learn(2, entry["x"], entry["labels"])
        events.append([number, index, read, slot, int(learns)])
        if learns:
            losses[number - 1].append(loss)
            if modules.steps[number - 1] % STEPS_PER_EPOCH == 0 and not modules.is_done(number):
                order = [1, 1, 2, 2]
    return {
        "loss.asynchronous": torch.stack([torch.stack(column) for column in losses], dim=1),
        "events.asynchronous": torch.tensor(events),
    }


STRATEGIES = {
    "parallel": parallel, "sequential": sequential, "end-to-end": end_to_end, "asynchronous": asynchronous,
}


def initialized(seed, dtype):
    torch.manual_seed(seed)
    net = Net(*NETS["max-pool-mlp-sr"]).double()
    with torch.no_grad():
        for tensor in net.tensors().values():
            tensor.copy_(exact(tensor))
    images = exact(torch.randn(STEPS_PER_EPOCH, BATCH, 3, 8, 8, dtype=torch.float64))
    labels = torch.randint(CLASSES, (STEPS_PER_EPOCH, BATCH))
    return net.to(dtype), images.to(dtype), labels


def dump(seed, dtype):
    ReLU.nearest = float("inf")
    net, images, labels = initialized(seed, dtype)
    tensors = {"images": images, "labels": labels}
    tensors |= {f"initial.{name}": tensor.clone() for name, tensor in net.tensors().items()}
    for strategy, train in STRATEGIES.items():
        net, images, labels = initialized(seed, dtype)
        tensors |= train(net, images, labels)
        final = net.tensors(auxiliaries=strategy != "end-to-end")
        tensors |= {f"final.{strategy}.{name}": tensor for name, tensor in final.items()}
    return tensors, ReLU.nearest


def main():
    torch.set_num_threads(1)
    for seed in range(1, 100_000):
        tensors, nearest = dump(seed, torch.float64)
        if nearest < MARGIN / 10:
            continue
        single, _ = dump(seed, torch.float32)
        names = [name for name in tensors if name.startswith("loss.")]
        error = max(((single[n].double() - tensors[n]).abs() / tensors[n]).max().item() for n in names)
        if error < FLOAT32_ERROR:
            break
    fed = (tensors["events.asynchronous"][:, 4] == 0).sum().item()
    print(f"seed {seed}, nearest kink {nearest:.1e}; float32: losses {error:.1e}; {fed} events that feed")
    write("strategies", {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()})


if __name__ == "__main__":
    main()
