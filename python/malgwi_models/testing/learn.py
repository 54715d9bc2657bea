"""Teaches a tiny model its few utterances, so that its outputs vary, end and leave a choice."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..graphs import Graph
from ..kospeech.registry import Built
from .utterances import BLANK, EOS, ROUNDS, SOS, TEXTS, TOKENS, inputs_of, zeros

NOISE = 0.2
RATE = 0.01


def _run(graph: Graph, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Like `Graph.run`, with gradients."""
    out = graph.module(*(inputs[name] for name in graph.inputs))
    return dict(zip(graph.outputs, out if isinstance(out, tuple) else (out,), strict=True))


def _attention_loss(built: Built, encoded: dict[str, Tensor], ids: list[int]) -> Tensor:
    graph = built.graphs["decoder"]
    states = zeros(graph.states, encoded["encoder_out"].shape[1])
    losses = []
    for token, wanted in zip([SOS, *ids], [*ids, EOS], strict=True):
        out = _run(graph, {"tokens": torch.tensor([token]), **{name: encoded[name] for name in graph.memory}, **states})
        losses.append(-out["log_probs"][0, wanted])
        states = graph.after(states, out)
    return torch.stack(losses).sum()


def _transducer_loss(built: Built, encoded: dict[str, Tensor], ids: list[int]) -> Tensor:
    """Of one alignment, in which the tokens are spread evenly."""
    predictor, joiner = built.graphs["predictor"], built.graphs["joiner"]
    frames = encoded["encoder_out"][0]
    starts = [len(frames) * (2 * k + 1) // (2 * len(ids)) for k in range(len(ids))]
    out = _run(predictor, {"tokens": torch.tensor([SOS]), **zeros(predictor.states, len(frames))})
    losses = []
    for index, frame in enumerate(frames):
        for token in [*(one for one, at in zip(ids, starts, strict=True) if at == index), BLANK]:
            joint = _run(joiner, {"encoder_frames": frame[None], "predictor_out": out["predictor_out"]})["log_probs"]
            losses.append(-joint[0, token])
            if token != BLANK:
                states = {state["name"]: out[f"next_{state['name']}"] for state in predictor.states}
                out = _run(predictor, {"tokens": torch.tensor([token]), **states})
    return torch.stack(losses).sum()


def learn(built: Built) -> Built:
    """The same model, after some rounds over all utterances with noise on their features."""
    torch.manual_seed(1)
    modules = nn.ModuleList(graph.module for graph in built.graphs.values())
    weights = [value.requires_grad_(True) for value in modules.parameters()]
    optimizer = torch.optim.Adam(weights, lr=RATE)
    for _ in range(ROUNDS):
        optimizer.zero_grad()
        for frames, text in TEXTS.items():
            if frames < built.encoder.min_frames:
                continue
            ids = [TOKENS.index(one) for one in text]
            encoded = _run(built.graphs["encoder"], inputs_of(frames, NOISE))
            loss = torch.zeros(())
            if "log_probs" in encoded:
                path = encoded["log_probs"].transpose(0, 1)
                loss = loss + functional.ctc_loss(path, torch.tensor([ids]), [len(path)], [len(ids)], BLANK, "sum")
            if built.family == "attention":
                loss = loss + _attention_loss(built, encoded, ids)
            elif built.family == "transducer":
                loss = loss + _transducer_loss(built, encoded, ids)
            (loss / len(ids)).backward()
        optimizer.step()
    for value in weights:
        value.requires_grad_(False)
    return built
