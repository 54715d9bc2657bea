"""Optimiser and learning-rate schedule.

Hidden matrices are updated by Muon (Jordan et al. 2024): momentum orthogonalised by a Newton-Schulz iteration, scaled
as in Liu et al. 2025 so that one learning rate fits both it and AdamW, which updates everything else.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonalize(stack: Tensor, steps: int = 5) -> Tensor:
    """Nearest semi-orthogonal matrices of a stack `[N, rows, columns]`, roughly."""
    a, b, c = _NEWTON_SCHULZ
    x = stack.bfloat16()
    flip = x.shape[1] > x.shape[2]
    x = x.mT if flip else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return (x.mT if flip else x).to(stack.dtype)


class Muon(torch.optim.Optimizer):
    """Muon over equal-shaped groups at once: batched products are what keeps it cheap on a CPU."""

    def __init__(
        self, params: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, decay: float = 0.0,
        run: Callable = map,
    ) -> None:
        super().__init__(list(params), {"lr": lr, "momentum": momentum, "decay": decay})
        self._run = run

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update."""
        for group in self.param_groups:
            shapes: dict[tuple[int, ...], list[tuple[nn.Parameter, Tensor]]] = defaultdict(list)
            for p in group["params"]:
                if p.grad is None:
                    continue
                buffer = self.state[p].setdefault("momentum", torch.zeros_like(p))
                buffer.lerp_(p.grad, 1 - group["momentum"])
                shapes[tuple(p.shape)].append((p, p.grad.lerp(buffer, group["momentum"])))
            # Halves of every group, so that two workers share the products.
            tasks = [(shape, members[half::2]) for shape, members in shapes.items() for half in (0, 1)]
            list(self._run(lambda task: self._update(*task, group), [t for t in tasks if t[1]]))

    @staticmethod
    @torch.no_grad()
    def _update(shape: tuple[int, ...], members: list[tuple[nn.Parameter, Tensor]], group: dict) -> None:
        rows, columns = shape
        parts = _parts(rows, columns)
        stack = torch.cat([u.view(parts, rows // parts, columns) for _, u in members])
        update = orthogonalize(stack).view(len(members), rows, columns)
        scale = 0.2 * math.sqrt(max(rows // parts, columns)) * group["lr"]
        for (p, _), u in zip(members, update, strict=True):
            p.mul_(1 - group["lr"] * group["decay"]).add_(u, alpha=-scale)


def _parts(rows: int, columns: int) -> int:
    """Query, key and value (and the two halves of a gate) are matrices of their own."""
    return rows // columns if rows in (2 * columns, 3 * columns) else 1


def build(
    model: nn.Module, name: str, lr: float, decay: float, run: Callable = map
) -> list[torch.optim.Optimizer]:
    """Optimisers of a model: `muon` (with AdamW for the rest) or `adamw`."""
    matrices, others = [], []
    for key, p in model.named_parameters():
        hidden = name == "muon" and p.ndim == 2 and key.startswith("blocks.")
        (matrices if hidden else others).append(p)
    result: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(others, lr=lr, betas=(0.9, 0.98), weight_decay=decay, fused=True)
    ]
    if matrices:
        result.append(Muon(matrices, lr, decay=decay, run=run))
    return result


def learning_rate(peak: float, step: int, warmup: int, progress: float, floor: float) -> float:
    """Linear warm-up by steps, then cosine by the share of the schedule that is behind."""
    cosine = floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, progress))))
    return peak * min(1.0, (step + 1) / warmup) * cosine
