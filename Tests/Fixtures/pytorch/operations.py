"""Single operations, forward and backward, in double precision: for the tests' own reference kernels."""

import torch
from torch import nn
from torch.nn import functional


def tensors():
    torch.manual_seed(1)
    torch.set_default_dtype(torch.float64)
    result = {}

    def operation(name, function, **inputs):
        """Stores inputs, output, a random gradient of the output, and the gradients of the inputs."""
        leaves = {key: value.clone().requires_grad_() for key, value in inputs.items()}
        output = function(**leaves)
        gradient = torch.randn_like(output) if output.dim() else torch.ones_like(output)
        output.backward(gradient)
        result[f"{name}.output"] = output.detach()
        result[f"{name}.output_gradient"] = gradient
        for key, leaf in leaves.items():
            result[f"{name}.{key}"] = inputs[key]
            result[f"{name}.{key}_gradient"] = leaf.grad

    for kernel, stride, padding in [(1, 1, 0), (3, 1, 1), (3, 2, 1), (5, 2, 2), (7, 2, 3), (3, 1, 0)]:
        operation(
            f"convolution.{kernel}.{stride}.{padding}",
            lambda x, weight, bias: functional.conv2d(x, weight, bias, stride, padding),
            x=torch.randn(2, 3, 9, 8),
            weight=torch.randn(4, 3, kernel, kernel),
            bias=torch.randn(4),
        )
    operation(
        "linear",
        lambda x, weight, bias: functional.linear(x, weight, bias),
        x=torch.randn(4, 6),
        weight=torch.randn(5, 6),
        bias=torch.randn(5),
    )
    # The first linear layer behind a flatten: features in channel, row, column order.
    operation(
        "flattened_linear",
        lambda x, weight, bias: functional.linear(x.flatten(1), weight, bias),
        x=torch.randn(3, 4, 2, 3),
        weight=torch.randn(5, 24),
        bias=torch.randn(5),
    )
    for relu in (False, True):
        name = "batch_norm_relu" if relu else "batch_norm"
        norm = nn.BatchNorm2d(3)
        norm.running_mean.uniform_(-1, 1)
        norm.running_var.uniform_(0.5, 2)
        result[f"{name}.running_mean"] = norm.running_mean.clone()
        result[f"{name}.running_var"] = norm.running_var.clone()

        def normalized(x, weight, bias):
            y = functional.batch_norm(x, norm.running_mean, norm.running_var, weight, bias, training=True)
            return functional.relu(y) if relu else y

        operation(name, normalized, x=torch.randn(4, 3, 5, 4), weight=torch.randn(3), bias=torch.randn(3))
        result[f"{name}.running_mean_after"] = norm.running_mean.clone()
        result[f"{name}.running_var_after"] = norm.running_var.clone()
    operation(
        "batch_norm_inference",
        lambda x: functional.batch_norm(
            x,
            result["batch_norm.running_mean"],
            result["batch_norm.running_var"],
            result["batch_norm.weight"],
            result["batch_norm.bias"],
        ),
        x=torch.randn(2, 3, 3, 3),
    )
    # Small whole numbers: ties in most windows.
    for kernel, stride, padding in [(2, 2, 0), (3, 2, 1), (3, 3, 0)]:
        operation(
            f"max_pool.{kernel}.{stride}.{padding}",
            lambda x: functional.max_pool2d(x, kernel, stride, padding),
            x=torch.randint(-2, 3, (2, 3, 9, 8)).to(torch.get_default_dtype()),
        )
    for height, width in [(2, 2), (1, 1), (3, 5), (9, 10)]:
        operation(
            f"average_pool.{height}.{width}",
            lambda x: functional.adaptive_avg_pool2d(x, (height, width)),
            x=torch.randn(2, 3, 7, 8),
        )
    labels = torch.tensor([3, 0, 6, 2, 2])
    result["cross_entropy.labels"] = labels
    operation("cross_entropy", lambda x: functional.cross_entropy(x, labels), x=4 * torch.randn(5, 7))
    for name, shape in [("similarity", (5, 6, 3, 4)), ("similarity_flat", (5, 12)), ("similarity_thin", (5, 3, 2, 2))]:
        operation(name, lambda x: similarity_loss(x, labels, classes=7), x=torch.randn(shape))
    optimizers(result)
    return result


def similarity_loss(x, labels, classes):
    """Nøkland and Eidnes 2019: cosine similarities of centred features against those of the one-hot labels."""

    def similarities(features):
        centred = features - features.mean(dim=1, keepdim=True)
        unit = centred / (1e-8 + centred.norm(dim=1, keepdim=True))
        return unit @ unit.T

    spread = x.dim() == 4 and x.shape[1] > 3 and x.shape[2] > 1
    features = x.flatten(2).std(dim=2) if spread else x.flatten(1)
    target = functional.one_hot(labels, classes).to(x.dtype)
    return functional.mse_loss(similarities(features), similarities(target))


def optimizers(result):
    """Five steps with the gradients given."""
    kinds = {
        "sgd": lambda w: torch.optim.SGD([w], lr=0.1, momentum=0.9, weight_decay=5e-4),
        "sgd_nesterov": lambda w: torch.optim.SGD([w], lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True),
        "sgd_plain": lambda w: torch.optim.SGD([w], lr=0.1),
        "adam": lambda w: torch.optim.Adam([w], lr=1e-2),
        "adam_decay": lambda w: torch.optim.Adam([w], lr=1e-2, betas=(0.8, 0.95), eps=1e-6, weight_decay=1e-2),
        "adamw": lambda w: torch.optim.AdamW([w], lr=1e-2, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1),
    }
    gradients = torch.randn(5, 8)
    result["optimizer.gradients"] = gradients
    result["optimizer.initial"] = torch.randn(8)
    for name, make in kinds.items():
        weights = result["optimizer.initial"].clone().requires_grad_()
        optimizer = make(weights)
        for gradient in gradients:
            weights.grad = gradient.clone()
            optimizer.step()
        result[f"optimizer.{name}"] = weights.detach().clone()
