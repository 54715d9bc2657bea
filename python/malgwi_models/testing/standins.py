"""Checkpoints with the names, attributes and tensors of KoSpeech's, random weights, and sizes to choose.

The classes made here compute nothing. They exist to be pickled: `save` writes what KoSpeech's own trainer writes, a
whole `nn.DataParallel`, for architectures and variants of which no original checkpoint is at hand.
"""

from __future__ import annotations

import contextlib
import math
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

KOSPEECH = "kospeech.models."
CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


def stand_in(path: str, children: dict[str, nn.Module] | None = None, **attributes: Any) -> nn.Module:
    """A module whose class is called `kospeech.models.PATH`. Parameters among `attributes` become its own."""
    module, _, name = (KOSPEECH + path).rpartition(".")
    made = type(name, (nn.Module,), {"__module__": module, "__qualname__": name})()
    for key, value in {**(children or {}), **attributes}.items():
        setattr(made, key, value)
    return made


@contextlib.contextmanager
def _importable(model: nn.Module) -> Iterator[None]:
    """Pickle writes classes by name and looks that the name leads back to them: for that long, it does."""
    added = []
    for part in model.modules():
        kind = type(part)
        if not kind.__module__.startswith(KOSPEECH):
            continue
        steps = kind.__module__.split(".")
        for depth in range(1, len(steps) + 1):
            name = ".".join(steps[:depth])
            if name not in sys.modules:
                sys.modules[name] = types.ModuleType(name)
                added.append(name)
        existing = sys.modules[kind.__module__].__dict__.setdefault(kind.__name__, kind)
        if existing is not kind:
            part.__class__ = existing
    try:
        yield
    finally:
        for name in added:
            del sys.modules[name]


def save(model: nn.Module, path: Path) -> None:
    """Write the model as KoSpeech does: wrapped in `DataParallel`, whole."""
    wrapped = nn.DataParallel(model)
    with _importable(wrapped):
        torch.save(wrapped, path)


def randomize(model: nn.Module, seed: int, scale: float = 1.0) -> nn.Module:
    """Random weights that keep activations of order 1, statistics as after training; `scale` times the weights."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in (*model.named_parameters(), *model.named_buffers()):
            if name.endswith(("num_batches_tracked", ".pe")):
                continue
            random = torch.randn(value.shape, generator=generator)
            if name.endswith("running_var"):
                value.copy_(0.5 + random.abs())
            elif value.dim() > 1:
                fan = math.prod(value.shape[1:])
                value.copy_(random * scale / math.sqrt(fan) if "embedding" not in name else random)
            else:
                value.copy_(random * 0.3 + (1.0 if "norm" in name and name.endswith("weight") else 0.0))
    return model.eval()


def linear(inputs: int, outputs: int, bias: bool = True) -> nn.Module:
    return stand_in("modules.Linear", {"linear": nn.Linear(inputs, outputs, bias=bias)})


def activation(name: str) -> nn.Module:
    known = {
        "hardtanh": lambda: nn.Hardtanh(0, 20, inplace=True), "relu": lambda: nn.ReLU(inplace=True),
        "elu": lambda: nn.ELU(inplace=True), "leaky_relu": lambda: nn.LeakyReLU(inplace=True), "gelu": nn.GELU,
        "swish": lambda: stand_in("activation.Swish"),
    }
    return known[name]()


def extractor(kind: str, features: int, act: str = "hardtanh", channels: tuple[int, int] | int | None = None) -> tuple[nn.Module, int]:
    """VGG or DS2 convolutions and the channels they give. `channels` in place of KoSpeech's (64, 128) and 32."""
    unit = activation(act)

    def conv(inputs: int, outputs: int, kernel: Any, stride: Any, padding: Any) -> list[nn.Module]:
        return [nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False), nn.BatchNorm2d(outputs), unit]

    if kind == "vgg":
        first, second = channels or (64, 128)
        layers = [*conv(1, first, 3, 1, 1), *conv(first, first, 3, 1, 1), nn.MaxPool2d(2, stride=2),
                  *conv(first, second, 3, 1, 1), *conv(second, second, 3, 1, 1), nn.MaxPool2d(2, stride=2)]
        name, count, outputs = "VGGExtractor", (first, second), features // 4 * second
    else:
        count = channels or 32
        layers = [*conv(1, count, (41, 11), (2, 2), (20, 5)), *conv(count, count, (21, 11), (2, 1), (10, 5))]
        name, outputs = "DeepSpeech2Extractor", (((features - 1) // 2 + 1) - 1) // 2 + 1
        outputs *= count
    sequence = stand_in("convolution.MaskCNN", {"sequential": nn.Sequential(*layers)})
    made = stand_in(f"convolution.{name}", {"activation": unit, "conv": sequence},
                    input_dim=features, in_channels=1, out_channels=count)
    return made, outputs


def ctc_head(dim: int, classes: int) -> nn.Module:
    transpose = stand_in("modules.Transpose", shape=(1, 2))
    return nn.Sequential(nn.BatchNorm1d(dim), transpose, nn.Dropout(0.2), linear(dim, classes, bias=False))


def multi_head(dim: int, heads: int) -> nn.Module:
    projections = {f"{name}_proj": linear(dim, dim) for name in ("query", "key", "value")}
    inner = stand_in("attention.ScaledDotProductAttention", sqrt_dim=math.sqrt(dim // heads))
    return stand_in("attention.MultiHeadAttention", {**projections, "scaled_dot_attn": inner}, d_head=dim // heads, num_heads=heads)


def attention(kind: str, dim: int, heads: int, smoothing: bool = False) -> nn.Module:
    if kind == "multi-head":
        return multi_head(dim, heads)
    if kind == "scaled-dot":
        return stand_in("attention.ScaledDotProductAttention", sqrt_dim=math.sqrt(dim))
    bias = nn.Parameter(torch.zeros(dim))
    if kind == "additive":
        return stand_in("attention.AdditiveAttention", {
            "query_proj": linear(dim, dim, False), "key_proj": linear(dim, dim, False), "score_proj": linear(dim, 1)}, bias=bias)
    return stand_in("attention.LocationAwareAttention", {
        "location_conv": nn.Conv1d(1, dim, kernel_size=3, padding=1), "query_proj": linear(dim, dim, False),
        "value_proj": linear(dim, dim, False), "fc": linear(dim, 1)}, bias=bias, smoothing=smoothing)


def las(
    classes: int, features: int = 80, hidden: int = 8, layers: tuple[int, int] = (2, 2), cell: str = "lstm",
    mechanism: str = "multi-head", heads: int = 4, kind: str = "vgg", joint: bool = False, bidirectional: bool = True,
    act: str = "hardtanh", channels: Any = None, smoothing: bool = False, max_length: int = 40,
) -> nn.Module:
    """ListenAttendSpell; `layers` of the encoder and the decoder."""
    conv, width = extractor(kind, features, act, channels)
    rnn = CELLS[cell](width, hidden, layers[0], batch_first=True, dropout=0.2 if layers[0] > 1 else 0.0, bidirectional=bidirectional)
    dim = hidden * 2 if bidirectional else hidden
    parts = {"conv": conv, **({"fc": ctc_head(dim, classes)} if joint else {}), "rnn": rnn}
    encoder = stand_in("las.encoder.EncoderRNN", parts, conv_output_dim=width, num_classes=classes,
                       joint_ctc_attention=joint, hidden_state_dim=hidden)
    view = stand_in("modules.View", shape=(-1, dim), contiguous=True)
    decoder = stand_in("las.decoder.DecoderRNN", {
        "embedding": nn.Embedding(classes, dim), "input_dropout": nn.Dropout(0.2),
        "rnn": CELLS[cell](dim, dim, layers[1], batch_first=True, dropout=0.2 if layers[1] > 1 else 0.0),
        "attention": attention(mechanism, dim, heads, smoothing),
        "fc": nn.Sequential(linear(2 * dim, dim), nn.Tanh(), view, linear(dim, classes)),
    }, hidden_state_dim=dim, num_classes=classes, num_heads=heads, num_layers=layers[1], max_length=max_length,
        eos_id=2, sos_id=1, pad_id=0, attn_mechanism={"location-aware": "loc"}.get(mechanism, mechanism))
    return stand_in("las.model.ListenAttendSpell", {"encoder": encoder, "decoder": decoder})


def deepspeech2(
    classes: int, features: int = 80, hidden: int = 8, layers: int = 2, cell: str = "gru", bidirectional: bool = False,
    channels: int | None = None,
) -> nn.Module:
    """DeepSpeech2, in one direction unless it says otherwise."""
    conv, width = extractor("ds2", features, channels=channels)
    dim = hidden * 2 if bidirectional else hidden
    layer = [stand_in("deepspeech2.model.BNReluRNN", {
        "batch_norm": nn.BatchNorm1d(dim if index else width),
        "rnn": CELLS[cell](dim if index else width, hidden, 1, batch_first=True, bidirectional=bidirectional)},
        hidden_state_dim=hidden) for index in range(layers)]
    return stand_in("deepspeech2.model.DeepSpeech2", {
        "conv": conv, "rnn_layers": nn.ModuleList(layer), "fc": nn.Sequential(nn.LayerNorm(dim), linear(dim, classes, bias=False))})


def positions(dim: int, count: int) -> nn.Module:
    made = stand_in("transformer.embeddings.PositionalEncoding")
    angle = torch.arange(count).float().unsqueeze(1) * torch.exp(torch.arange(0, dim, 2).float() * -(math.log(10000.0) / dim))
    table = torch.zeros(1, count, dim)
    table[0, :, 0::2], table[0, :, 1::2] = angle.sin(), angle.cos()
    made.register_buffer("pe", table)
    return made


def feed_forward(dim: int, inner: int) -> nn.Module:
    return stand_in("transformer.sublayers.PositionwiseFeedForward", {"feed_forward": nn.Sequential(
        linear(dim, inner), nn.Dropout(0.2), nn.ReLU(), linear(inner, dim), nn.Dropout(0.2))})


def norm(dim: int, early: bool) -> nn.Module:
    """Layer normalisation: torch's, or KoSpeech's own one of before."""
    if not early:
        return nn.LayerNorm(dim)
    return stand_in("modules.LayerNorm", gamma=nn.Parameter(torch.ones(dim)), beta=nn.Parameter(torch.zeros(dim)), eps=1e-6)


def transformer(
    classes: int, features: int = 80, dim: int = 16, inner: int = 24, layers: tuple[int, int] = (2, 2), heads: int = 4,
    kind: str = "vgg", joint: bool = False, channels: Any = None, max_length: int = 40, count: int = 5000, early: bool = False,
) -> nn.Module:
    """SpeechTransformer; `layers` of the encoder and the decoder, `count` positions; `early` as in February 2021."""
    conv, width = extractor(kind, features, "hardtanh", channels)
    encoder_layers = [stand_in("transformer.encoder.TransformerEncoderLayer", {
        "attention_prenorm": norm(dim, early), "feed_forward_prenorm": norm(dim, early),
        "self_attention": multi_head(dim, heads), "feed_forward": feed_forward(dim, inner)}) for _ in range(layers[0])]
    decoder_layers = [stand_in("transformer.decoder.TransformerDecoderLayer", {
        "self_attention_prenorm": norm(dim, early), "encoder_attention_prenorm": norm(dim, early),
        "feed_forward_prenorm": norm(dim, early), "self_attention": multi_head(dim, heads),
        "encoder_attention": multi_head(dim, heads), "feed_forward": feed_forward(dim, inner)}) for _ in range(layers[1])]
    encoder = stand_in("transformer.encoder.TransformerEncoder", {
        "conv": conv, **({"fc": ctc_head(dim, classes)} if joint else {}),
        "input_proj": linear(width, dim), "input_layer_norm" if early else "input_norm": norm(dim, early), "input_dropout": nn.Dropout(0.2),
        "positional_encoding": positions(dim, count), "layers": nn.ModuleList(encoder_layers)},
        conv_output_dim=width, num_classes=classes, joint_ctc_attention=joint, d_model=dim, num_layers=layers[0], num_heads=heads)
    embedding = stand_in("transformer.embeddings.Embedding", {"embedding": nn.Embedding(classes, dim, padding_idx=0)}, sqrt_dim=math.sqrt(dim))
    decoder = stand_in("transformer.decoder.TransformerDecoder", {
        "embedding": embedding, "positional_encoding": positions(dim, count), "input_dropout": nn.Dropout(0.2),
        "layers": nn.ModuleList(decoder_layers), "fc": nn.Sequential(norm(dim, early), linear(dim, classes, bias=False))},
        d_model=dim, num_layers=layers[1], num_heads=heads, max_length=max_length, pad_id=0, sos_id=1, eos_id=2)
    return stand_in("transformer.model.SpeechTransformer", {"encoder": encoder, "decoder": decoder}, num_classes=classes,
                    joint_ctc_attention=joint, sos_id=1, eos_id=2, pad_id=0, max_length=max_length)


def rnnt(
    classes: int, features: int = 80, hidden: tuple[int, int] = (8, 12), dim: int = 10, layers: tuple[int, int] = (2, 1),
    cell: str = "lstm", bidirectional: bool = True,
) -> nn.Module:
    """RNNTransducer; `hidden` units and `layers` of the encoder and the predictor, joint dimension `dim`."""
    encoder = stand_in("rnnt.encoder.EncoderRNNT", {
        "rnn": CELLS[cell](features, hidden[0], layers[0], batch_first=True, dropout=0.2 if layers[0] > 1 else 0.0, bidirectional=bidirectional),
        "out_proj": linear(hidden[0] * 2 if bidirectional else hidden[0], dim)}, hidden_state_dim=hidden[0])
    decoder = stand_in("rnnt.decoder.DecoderRNNT", {
        "embedding": nn.Embedding(classes, hidden[1]),
        "rnn": CELLS[cell](hidden[1], hidden[1], layers[1], batch_first=True), "out_proj": linear(hidden[1], dim)},
        hidden_state_dim=hidden[1], sos_id=1, eos_id=2)
    return stand_in("rnnt.model.RNNTransducer", {"encoder": encoder, "decoder": decoder, "fc": linear(dim * 2, classes, bias=False)})
