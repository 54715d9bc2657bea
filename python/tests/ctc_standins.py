"""Classes that pickle like KoSpeech's CTC models: module paths, names, attributes and state_dict keys are theirs.

The computations follow the papers and what KoSpeech does differently; they mask and pack, as training has to, so
that the importer's modules (which do neither) are compared with something else than themselves.
"""

import math
import sys
import types

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def at(path: str, name: str | None = None):
    """Decorator: the class says that it lives in `path`, and can be found there by pickle."""
    def move(cls: type) -> type:
        parts = path.split(".")
        for end in range(1, len(parts) + 1):
            sys.modules.setdefault(".".join(parts[:end]), types.ModuleType(".".join(parts[:end])))
        cls.__module__, cls.__qualname__ = path, name or cls.__name__
        cls.__name__ = cls.__qualname__
        setattr(sys.modules[path], cls.__name__, cls)
        return cls
    return move


@at("kospeech.models.modules")
class Linear(nn.Module):
    def __init__(self, fan_in: int, fan_out: int, bias: bool = True) -> None:
        super().__init__()
        self.linear = nn.Linear(fan_in, fan_out, bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x)


@at("kospeech.models.modules")
class Transpose(nn.Module):
    def __init__(self, shape: tuple) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(*self.shape)


@at("kospeech.models.modules")
class ResidualConnectionModule(nn.Module):
    def __init__(self, module: nn.Module, module_factor: float = 1.0, input_factor: float = 1.0) -> None:
        super().__init__()
        self.module, self.module_factor, self.input_factor = module, module_factor, input_factor

    def forward(self, x: Tensor) -> Tensor:
        return self.module(x) * self.module_factor + x * self.input_factor


@at("kospeech.models.activation")
class Swish(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.silu(x)


@at("kospeech.models.activation")
class GLU(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return F.glu(x, self.dim)


def blank_out(x: Tensor, lengths: Tensor) -> Tensor:
    """Zero everything behind each row's length; time is the last axis."""
    beyond = torch.arange(x.shape[-1])[None] >= lengths[:, None]
    return x.masked_fill(beyond.view(len(lengths), *([1] * (x.dim() - 2)), -1), 0)


@at("kospeech.models.convolution")
class MaskCNN(nn.Module):
    def __init__(self, sequential: nn.Sequential) -> None:
        super().__init__()
        self.sequential = sequential

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        for layer in self.sequential:
            x = layer(x)
            if isinstance(layer, nn.Conv2d):
                lengths = (lengths + 2 * layer.padding[1] - layer.kernel_size[1]) // layer.stride[1] + 1
            x = blank_out(x, lengths)
        return x, lengths


ACTIVATIONS = {"hardtanh": nn.Hardtanh(0, 20, inplace=True), "relu": nn.ReLU(inplace=True), "elu": nn.ELU(inplace=True),
               "leaky_relu": nn.LeakyReLU(inplace=True), "gelu": nn.GELU(), "swish": Swish()}


class Extractor(nn.Module):
    def __init__(self, input_dim: int, activation: str, out_channels: int) -> None:
        super().__init__()
        self.input_dim, self.activation = input_dim, ACTIVATIONS[activation]
        self.in_channels, self.out_channels, self.conv = 1, out_channels, None

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x, lengths = self.conv(x.unsqueeze(1).transpose(2, 3), lengths)
        batch, channels, frequencies, frames = x.size()
        return x.permute(0, 3, 1, 2).reshape(batch, frames, channels * frequencies), lengths


@at("kospeech.models.convolution")
class DeepSpeech2Extractor(Extractor):
    def __init__(self, input_dim: int, activation: str = "hardtanh", out_channels: int = 32) -> None:
        super().__init__(input_dim, activation, out_channels)
        self.conv = MaskCNN(nn.Sequential(
            nn.Conv2d(1, out_channels, (41, 11), stride=(2, 2), padding=(20, 5), bias=False), nn.BatchNorm2d(out_channels),
            self.activation,
            nn.Conv2d(out_channels, out_channels, (21, 11), stride=(2, 1), padding=(10, 5), bias=False),
            nn.BatchNorm2d(out_channels), self.activation))


@at("kospeech.models.convolution")
class Conv2dSubsampling(Extractor):
    def __init__(self, input_dim: int, out_channels: int) -> None:
        super().__init__(input_dim, "relu", out_channels)
        self.conv = MaskCNN(nn.Sequential(
            nn.Conv2d(1, out_channels, 3, stride=2), self.activation,
            nn.Conv2d(out_channels, out_channels, 3, stride=2), self.activation))


@at("kospeech.models.deepspeech2.model")
class BNReluRNN(nn.Module):
    def __init__(self, size: int, hidden: int, kind: str, bidirectional: bool) -> None:
        super().__init__()
        self.hidden_state_dim, self.batch_norm = hidden, nn.BatchNorm1d(size)
        cell = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[kind]
        self.rnn = cell(size, hidden, num_layers=1, bias=True, batch_first=True, bidirectional=bidirectional)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        frames = x.size(0)
        x = F.relu(self.batch_norm(x.transpose(1, 2))).transpose(1, 2)
        out, _ = self.rnn(pack_padded_sequence(x, lengths))
        return pad_packed_sequence(out, total_length=frames)[0]


@at("kospeech.models.deepspeech2.model")
class DeepSpeech2(nn.Module):
    def __init__(self, classes: int, kind: str = "gru", layers: int = 2, hidden: int = 8, bidirectional: bool = True,
                 activation: str = "hardtanh", input_dim: int = 80, old_head: bool = False) -> None:
        super().__init__()
        self.decoder, self.device = None, torch.device("cpu")
        self.conv = DeepSpeech2Extractor(input_dim, activation)
        frequencies = ((input_dim - 1) // 2 + 1 - 1) // 2 + 1
        width = hidden * (2 if bidirectional else 1)
        self.rnn_layers = nn.ModuleList(
            BNReluRNN(32 * frequencies if i == 0 else width, hidden, kind, bidirectional) for i in range(layers))
        self.fc = nn.Sequential(nn.LayerNorm(width), Linear(width, classes, bias=False)) if not old_head else nn.Sequential(
            Linear(width, hidden), nn.ReLU(), Linear(hidden, classes, bias=False))

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x, lengths = self.conv(x, lengths)
        x = x.permute(1, 0, 2)
        for layer in self.rnn_layers:
            x = layer(x, lengths)
        return self.fc(x.transpose(0, 1)).log_softmax(-1), lengths


@at("kospeech.models.convolution")
class MaskConv1d(nn.Conv1d):
    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        out = super().forward(blank_out(x, lengths))
        span = self.dilation[0] * (self.kernel_size[0] - 1)
        return out, (lengths + 2 * self.padding[0] - span - 1) // self.stride[0] + 1


@at("kospeech.models.jasper.sublayers")
class JasperSubBlock(nn.Module):
    def __init__(self, fan_in: int, fan_out: int, kernel: int, stride: int = 1, dilation: int = 1, padding: int = 0,
                 bias: bool = False) -> None:
        super().__init__()
        self.conv = MaskConv1d(fan_in, fan_out, kernel, stride, padding, dilation, bias=bias)
        self.batch_norm, self.activation, self.dropout = nn.BatchNorm1d(fan_out, eps=1e-3), nn.ReLU(inplace=True), nn.Dropout(0.2)

    def forward(self, x: Tensor, lengths: Tensor, residual: Tensor | None = None) -> tuple[Tensor, Tensor]:
        x, lengths = self.conv(x, lengths)
        x = self.batch_norm(x)
        if residual is not None:
            x = x + residual
        return self.dropout(self.activation(x)), lengths


@at("kospeech.models.jasper.sublayers")
class JasperBlock(nn.Module):
    def __init__(self, repeats: int, fan_in: int, fan_out: int, kernel: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            JasperSubBlock(fan_in if i == 0 else fan_out, fan_out, kernel, padding=kernel // 2) for i in range(repeats))

    def forward(self, x: Tensor, lengths: Tensor, residual: Tensor) -> tuple[Tensor, Tensor]:
        for layer in self.layers[:-1]:
            x, lengths = layer(x, lengths)
        return self.layers[-1](x, lengths, residual)


@at("kospeech.models.jasper.configs")
class Jasper5x3Config:
    """Plain object beside the modules."""

    def __init__(self, blocks: int, repeats: int) -> None:
        self.num_blocks, self.num_sub_blocks = blocks, repeats
        self.block = {"dilation": [1] * blocks, "kernel_size": (11,) * blocks}


@at("kospeech.models.jasper.model")
class Jasper(nn.Module):
    """`width` scales the paper's channels down; kernels and strides are the real ones."""

    def __init__(self, classes: int, version: str = "5x3", width: int = 1) -> None:
        super().__init__()
        blocks, repeats = (int(n) for n in version.split("x"))
        each = blocks // 5
        channels = [c // width for c in (256, 256, 384, 512, 640, 768)]
        ends = [channels[0]] + [c for c in channels[1:] for _ in range(each)]
        kernels = [k for k in (11, 13, 17, 21, 25) for _ in range(each)]
        self.decoder, self.device, self.config = None, "cpu", Jasper5x3Config(blocks, repeats)
        self.layers = nn.ModuleList([JasperSubBlock(80, ends[0], 11, stride=2)])
        self.layers.extend(JasperBlock(repeats, ends[i], ends[i + 1], kernels[i]) for i in range(blocks))
        sizes = [ends[-1], 896 // width, 1024 // width, classes]
        self.postprocess_layers = nn.ModuleList(
            JasperSubBlock(sizes[i], sizes[i + 1], (29, 1, 1)[i], dilation=(2, 1, 1)[i], bias=i == 2) for i in range(3))
        self.residual_connections = nn.ModuleList(
            nn.ModuleList(nn.ModuleList([MaskConv1d(ends[j], ends[i + 1], 1, bias=False), nn.BatchNorm1d(ends[i + 1], eps=1e-3)])
                          for j in range(i + 1)) for i in range(blocks))

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x, residual, seen = x.transpose(1, 2), None, []
        for index, layer in enumerate(self.layers):
            x, lengths = layer(x, lengths, residual)
            seen.append((x, lengths))
            if index < len(self.residual_connections):
                residual = None
                for (earlier, its), (conv, norm) in zip(seen, self.residual_connections[index], strict=True):
                    branch = conv(earlier, its)[0]
                    residual = norm(branch if residual is None else residual + branch)
        for layer in self.postprocess_layers:
            x, lengths = layer(x, lengths)
        return F.log_softmax(x.transpose(1, 2), -1), lengths


@at("kospeech.models.transformer.embeddings")
class PositionalEncoding(nn.Module):
    def __init__(self, dim: int, rows: int = 5000) -> None:
        super().__init__()
        pe = torch.zeros(rows, dim)
        angles = torch.arange(rows).float()[:, None] * torch.exp(torch.arange(0, dim, 2).float() * -(math.log(10000.0) / dim))
        pe[:, 0::2], pe[:, 1::2] = angles.sin(), angles.cos()
        self.register_buffer("pe", pe[None])


@at("kospeech.models.attention")
class RelativeMultiHeadAttention(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.dim, self.d_head, self.num_heads, self.sqrt_dim = dim, dim // heads, heads, math.sqrt(dim)
        self.query_proj, self.key_proj, self.value_proj = Linear(dim, dim), Linear(dim, dim), Linear(dim, dim)
        self.pos_proj, self.dropout = Linear(dim, dim, bias=False), nn.Dropout(0.1)
        self.u_bias = nn.Parameter(torch.randn(heads, self.d_head))
        self.v_bias = nn.Parameter(torch.randn(heads, self.d_head))
        self.out_proj = Linear(dim, dim)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        length = x.shape[1]
        query, key, value, place = (
            layer(y).view(-1, length, self.num_heads, self.d_head)
            for layer, y in ((self.query_proj, x), (self.key_proj, x), (self.value_proj, x), (self.pos_proj, positions)))
        content = torch.einsum("bihd,bjhd->bhij", query + self.u_bias, key)
        raw = torch.einsum("bihd,bjhd->bhij", query + self.v_bias, place.expand(len(x), -1, -1, -1))
        # The shift by its definition: read on from the row's own end into the next row, with a zero between the rows.
        flat = torch.cat([raw.new_zeros(*raw.shape[:3], 1), raw], -1).flatten(2)
        shifted = torch.stack([flat[..., length + i * length: length + (i + 1) * length] for i in range(length)], 2)
        weights = ((content + shifted) / self.sqrt_dim).softmax(-1)
        return self.out_proj(torch.einsum("bhij,bjhd->bihd", weights, value).reshape(-1, length, self.dim))


@at("kospeech.models.conformer.modules")
class MultiHeadedSelfAttentionModule(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.positional_encoding, self.layer_norm = PositionalEncoding(dim), nn.LayerNorm(dim)
        self.attention, self.dropout, self.device = RelativeMultiHeadAttention(dim, heads), nn.Dropout(0.1), "cpu"

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(self.layer_norm(x), self.positional_encoding.pe[:, : x.shape[1]])


@at("kospeech.models.conformer.modules")
class FeedForwardModule(nn.Module):
    def __init__(self, dim: int, expansion: int) -> None:
        super().__init__()
        self.device = "cpu"
        self.sequential = nn.Sequential(nn.LayerNorm(dim), Linear(dim, dim * expansion), Swish(), nn.Dropout(0.1),
                                        Linear(dim * expansion, dim), nn.Dropout(0.1))

    def forward(self, x: Tensor) -> Tensor:
        return self.sequential(x)


def pointwise(path_class: str, fan_in: int, fan_out: int, kernel: int = 1, groups: int = 1, bias: bool = True) -> nn.Module:
    layer = sys.modules["kospeech.models.convolution"].__dict__[path_class]()
    layer.conv = nn.Conv1d(fan_in, fan_out, kernel, padding=kernel // 2, groups=groups, bias=bias)
    return layer


@at("kospeech.models.convolution")
class PointwiseConv1d(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


@at("kospeech.models.convolution")
class DepthwiseConv1d(PointwiseConv1d):
    pass


@at("kospeech.models.conformer.modules")
class ConformerConvModule(nn.Module):
    def __init__(self, dim: int, kernel: int) -> None:
        super().__init__()
        self.device = "cpu"
        self.sequential = nn.Sequential(
            nn.LayerNorm(dim), Transpose((1, 2)), pointwise("PointwiseConv1d", dim, 2 * dim), GLU(1),
            pointwise("DepthwiseConv1d", dim, dim, kernel, dim, bias=False), nn.BatchNorm1d(dim), Swish(),
            pointwise("PointwiseConv1d", dim, dim), nn.Dropout(0.1))

    def forward(self, x: Tensor) -> Tensor:
        return self.sequential(x).transpose(1, 2)


@at("kospeech.models.conformer.encoder")
class ConformerBlock(nn.Module):
    def __init__(self, dim: int, heads: int, expansion: int, kernel: int, half_step: bool) -> None:
        super().__init__()
        self.device, self.feed_forward_residual_factor = "cpu", 0.5 if half_step else 1
        factor = self.feed_forward_residual_factor
        self.sequential = nn.Sequential(
            ResidualConnectionModule(FeedForwardModule(dim, expansion), module_factor=factor),
            ResidualConnectionModule(MultiHeadedSelfAttentionModule(dim, heads)),
            ResidualConnectionModule(ConformerConvModule(dim, kernel)),
            ResidualConnectionModule(FeedForwardModule(dim, expansion), module_factor=factor), nn.LayerNorm(dim))

    def forward(self, x: Tensor) -> Tensor:
        return self.sequential(x)


@at("kospeech.models.conformer.encoder")
class ConformerEncoder(nn.Module):
    def __init__(self, dim: int, layers: int, heads: int, expansion: int, kernel: int, half_step: bool, input_dim: int) -> None:
        super().__init__()
        self.conv_subsample = Conv2dSubsampling(input_dim, dim)
        self.input_projection = nn.Sequential(Linear(dim * (((input_dim - 1) // 2 - 1) // 2), dim), nn.Dropout(0.1))
        self.layers = nn.ModuleList(ConformerBlock(dim, heads, expansion, kernel, half_step) for _ in range(layers))

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x, lengths = self.conv_subsample(x, lengths)
        x = self.input_projection(x)
        for layer in self.layers:
            x = layer(x)
        return x, lengths


@at("kospeech.models.conformer.model")
class Conformer(nn.Module):
    def __init__(self, classes: int, dim: int = 16, layers: int = 2, heads: int = 4, expansion: int = 4, kernel: int = 15,
                 half_step: bool = True, input_dim: int = 80) -> None:
        super().__init__()
        self.encoder, self.decoder = ConformerEncoder(dim, layers, heads, expansion, kernel, half_step, input_dim), None
        self.fc = Linear(dim, classes, bias=False)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x, lengths = self.encoder(x, lengths)
        return self.fc(x).log_softmax(-1), lengths


def trained(model: nn.Module, seed: int = 1) -> nn.Module:
    """Random weights, and statistics and scales of the normalisations that are not those of a new module; eval mode."""
    generator = torch.Generator().manual_seed(seed)
    for layer in model.modules():
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
            layer.running_mean.normal_(0, 0.3, generator=generator)
            layer.running_var.uniform_(0.5, 1.5, generator=generator)
            layer.num_batches_tracked.fill_(7)
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm)):
            with torch.no_grad():
                layer.weight.uniform_(0.5, 1.5, generator=generator)
                layer.bias.normal_(0, 0.2, generator=generator)
    return model.eval()
