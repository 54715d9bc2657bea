"""Live modules from inert ones: a layer of the checkpoint becomes the same layer here, attributes and weights.

`restore` knows torch's layers and the small ones of KoSpeech that wrap them; an architecture adds its own classes.
What it does not know is refused by name. Everything is for inference on one full-length utterance: dropout is left
out, `MaskCNN` is its convolutions, and `MaskConv1d` a convolution, since there is nothing to mask. Recurrent layers
are batch first, whatever the checkpoint says: KoSpeech fed them time-major, and packed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from ..inert import CheckpointError, Node, TensorRef

Maker = Callable[[Node], nn.Module]
Makers = dict[str, Maker]

MAX_SIZE = 2**24
MAX_LAYERS = 64


class Swish(nn.Module):
    """x * sigmoid(x) (Ramachandran et al. 2017)."""

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        return x * x.sigmoid()


class Transpose(nn.Module):
    """Exchange two axes."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__()
        self.axes = (first, second)

    def forward(self, x: Tensor) -> Tensor:
        """The view with both axes exchanged."""
        return x.transpose(*self.axes)


class DeviationNorm(nn.Module):
    """Layer normalisation as KoSpeech wrote it in 2020: by the sample deviation, with epsilon added to that."""

    def __init__(self, dimension: int, eps: float) -> None:
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.empty(dimension)), nn.Parameter(torch.empty(dimension))
        self.dimension, self.eps = dimension, eps

    def forward(self, x: Tensor) -> Tensor:
        """Same shape; the last axis has mean `beta` and deviation `gamma`."""
        centred = x - x.mean(-1, keepdim=True)
        # Written out: torch.std has no export that is exact for the sample deviation in every version.
        deviation = (centred.square().sum(-1, keepdim=True) / (self.dimension - 1)).sqrt()
        return self.gamma * (centred / (deviation + self.eps)) + self.beta


def number(node: Node, name: str, default: Any = None) -> Any:
    """A hyper-parameter of the checkpoint: number, boolean or a tuple of them, in a sane range."""
    value = node.get(name, default)
    for part in value if isinstance(value, (tuple, list)) else (value,):
        if not isinstance(part, (int, float)) or not abs(part) <= MAX_SIZE:
            raise CheckpointError(f"{node} has no usable {name}")
    return tuple(value) if isinstance(value, list) else value


def expect(node: Node, children: Iterable[str] = (), parameters: Iterable[str] = ()) -> None:
    """Refuse a module that has other children or parameters than its class should."""
    members = node.attrs.get("_parameters")
    own = {name for name, value in members.items() if value is not None} if isinstance(members, dict) else set()
    for kind, found, wanted in (("modules", set(node.children), set(children)), ("parameters", own, set(parameters))):
        if found != wanted:
            odd = ", ".join(sorted(found ^ wanted)[:8])
            raise CheckpointError(f"{node} has not the {kind} that it should have: {odd}")


def fill(module: nn.Module, node: Node) -> nn.Module:
    """Give a module (made on the device `meta`) the checkpoint's parameters and buffers, float32."""
    for group, own in (("_parameters", module._parameters), ("_buffers", module._buffers)):
        members = node.attrs.get(group)
        found = {n: v for n, v in members.items() if isinstance(v, TensorRef)} if isinstance(members, dict) else {}
        found.pop("num_batches_tracked", None)
        wanted = {n: v for n, v in own.items() if v is not None and n != "num_batches_tracked"}
        if found.keys() != wanted.keys():
            raise CheckpointError(f"{node} has not the tensors that it should have: "
                                  + ", ".join(sorted(found.keys() ^ wanted.keys())[:8]))
        for name, ref in found.items():
            if ref.shape != tuple(wanted[name].shape):
                raise CheckpointError(f"{name} of {node} has sizes {list(ref.shape)}; its attributes say "
                                      f"{list(wanted[name].shape)}")
            tensor = ref.tensor().float()
            setattr(module, name, nn.Parameter(tensor, requires_grad=False) if group == "_parameters" else tensor)
    if "num_batches_tracked" in module._buffers:
        module._buffers["num_batches_tracked"] = torch.tensor(0)
    return module.eval()


def leaf(make: Callable[[Node], nn.Module]) -> Maker:
    """A layer without children: made without memory, then filled."""
    def build(node: Node) -> nn.Module:
        expect(node, (), _names(node, "_parameters"))
        try:
            with torch.device("meta"):
                module = make(node)
        except (RuntimeError, TypeError, ValueError) as error:
            raise CheckpointError(f"{node} has attributes that make no layer: {error}") from error
        return fill(module, node)
    return build


def _names(node: Node, group: str) -> set[str]:
    members = node.attrs.get(group)
    return {name for name, value in members.items() if value is not None} if isinstance(members, dict) else set()


def _convolution(cls: type[nn.Module]) -> Maker:
    def make(node: Node) -> nn.Module:
        if node.get("padding_mode", "zeros") != "zeros" or node.get("transposed", False):
            raise CheckpointError(f"{node} is a kind of convolution that KoSpeech has not")
        sizes = {name: number(node, name) for name in ("kernel_size", "stride", "padding", "dilation", "groups")}
        return cls(number(node, "in_channels"), number(node, "out_channels"), bias="bias" in _names(node, "_parameters"), **sizes)
    return leaf(make)


def _normalisation(cls: type[nn.Module]) -> Maker:
    return leaf(lambda node: cls(number(node, "num_features"), eps=number(node, "eps"), affine=bool(node.get("affine", True))))


def _recurrent(node: Node) -> nn.Module:
    kinds = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN_TANH": nn.RNN, "RNN_RELU": nn.RNN}
    mode = node.get("mode")
    if mode not in kinds or number(node, "proj_size", 0) != 0 or not 1 <= number(node, "num_layers") <= MAX_LAYERS:
        raise CheckpointError(f"{node} is a kind of recurrent layer that KoSpeech has not")
    extra = {"nonlinearity": "relu"} if mode == "RNN_RELU" else {}
    return kinds[mode](number(node, "input_size"), number(node, "hidden_size"), number(node, "num_layers"),
                       bias=bool(node.get("bias", True)), batch_first=True, bidirectional=bool(node.get("bidirectional", False)),
                       **extra)


def _plain(cls: type[nn.Module], *names: str) -> Maker:
    return leaf(lambda node: cls(**{name: number(node, name) for name in names}))


def _transpose(node: Node) -> nn.Module:
    first, second = number(node, "shape")
    return Transpose(first, second)


TORCH: Makers = {
    "conv.Conv1d": _convolution(nn.Conv1d), "conv.Conv2d": _convolution(nn.Conv2d),
    "batchnorm.BatchNorm1d": _normalisation(nn.BatchNorm1d), "batchnorm.BatchNorm2d": _normalisation(nn.BatchNorm2d),
    "normalization.LayerNorm": leaf(lambda node: nn.LayerNorm(
        number(node, "normalized_shape"), eps=number(node, "eps"), elementwise_affine=bool(node.get("elementwise_affine", True)))),
    "linear.Linear": leaf(lambda node: nn.Linear(
        number(node, "in_features"), number(node, "out_features"), bias="bias" in _names(node, "_parameters"))),
    "sparse.Embedding": leaf(lambda node: nn.Embedding(number(node, "num_embeddings"), number(node, "embedding_dim"))),
    "rnn.LSTM": leaf(_recurrent), "rnn.GRU": leaf(_recurrent), "rnn.RNN": leaf(_recurrent),
    "activation.ReLU": _plain(nn.ReLU), "activation.Hardtanh": _plain(nn.Hardtanh, "min_val", "max_val"),
    "activation.ELU": _plain(nn.ELU, "alpha"), "activation.LeakyReLU": _plain(nn.LeakyReLU, "negative_slope"),
    "activation.GELU": leaf(lambda node: nn.GELU(approximate=str(node.get("approximate", "none")))),
    "activation.Tanh": _plain(nn.Tanh), "activation.Sigmoid": _plain(nn.Sigmoid), "activation.SiLU": _plain(Swish),
    "pooling.MaxPool2d": _plain(nn.MaxPool2d, "kernel_size", "stride", "padding", "dilation", "ceil_mode"),
    "dropout.Dropout": _plain(nn.Identity), "linear.Identity": _plain(nn.Identity),
}
KOSPEECH: Makers = {
    "activation.Swish": _plain(Swish), "modules.Transpose": leaf(_transpose),
    "activation.GLU": leaf(lambda node: nn.GLU(number(node, "dim"))),
    "modules.LayerNorm": leaf(lambda node: DeviationNorm(len(_names(node, "_parameters")) and _size(node, "gamma"), number(node, "eps"))),
    "convolution.MaskConv1d": _convolution(nn.Conv1d),
}
#: Classes of one child, which stands for them.
WRAPPERS = {
    "kospeech.models.modules.Linear": "linear", "kospeech.models.convolution.MaskCNN": "sequential",
    "kospeech.models.convolution.PointwiseConv1d": "conv", "kospeech.models.convolution.DepthwiseConv1d": "conv",
    "kospeech.models.conformer.modules.FeedForwardModule": "sequential",
}


def _size(node: Node, name: str) -> int:
    ref = node.get(name)
    return ref.shape[0] if isinstance(ref, TensorRef) and len(ref.shape) == 1 else 0


def restore(node: Node, makers: Makers | None = None) -> nn.Module:
    """The layer, with weights, in eval mode. `makers` adds classes by full name.

    Raises CheckpointError for a class that is not known, and for attributes and tensors that do not fit each other.
    """
    name = str(node)
    if makers and name in makers:
        return makers[name](node).eval()
    if name in ("torch.nn.modules.container.Sequential", "torch.nn.modules.container.ModuleList"):
        expect(node, node.children)
        parts = [restore(child, makers) for child in node.children.values()]
        return nn.Sequential(*parts) if name.endswith("Sequential") else nn.ModuleList(parts)
    if name in WRAPPERS:
        expect(node, (WRAPPERS[name],))
        return restore(node.children[WRAPPERS[name]], makers)
    torch_name, own_name = name.removeprefix("torch.nn.modules."), name.removeprefix("kospeech.models.")
    if name != torch_name and torch_name in TORCH:
        return TORCH[torch_name](node)
    if name != own_name and own_name in KOSPEECH:
        return KOSPEECH[own_name](node)
    raise CheckpointError(f"the checkpoint has a layer of class {name}, which is not supported")


def child(node: Node, name: str) -> Node:
    """A submodule that must be there."""
    if (found := node.children.get(name)) is None:
        raise CheckpointError(f"{node} has no {name}")
    return found


def convolved_lengths(layers: Iterable[nn.Module], lengths: Tensor, axis: int) -> Tensor:
    """Lengths after convolutions and poolings; `axis` is that of time in their kernels."""
    for layer in layers:
        if isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.MaxPool2d)):
            kernel, stride, padding, dilation = (
                value[axis] if isinstance(value, tuple) else value
                for value in (layer.kernel_size, layer.stride, layer.padding, layer.dilation))
            lengths = torch.div(lengths + (2 * padding - dilation * (kernel - 1) - 1), stride, rounding_mode="floor") + 1
    return lengths


def output_classes(output: nn.Module) -> int:
    """Width of the last linear layer."""
    last = [layer for layer in output.modules() if isinstance(layer, nn.Linear)]
    if not last:
        raise CheckpointError("the model has no output layer")
    return last[-1].out_features


def shortest(lengths: Callable[[Tensor], Tensor], most: int = 4096) -> int:
    """Least number of feature frames that give a frame of output, by the layers' own arithmetic."""
    fitting = (lengths(torch.arange(1, most + 1)) >= 1).nonzero()
    if len(fitting) == 0:
        raise CheckpointError("the model's convolutions leave nothing of any utterance")
    return int(fitting[0]) + 1
