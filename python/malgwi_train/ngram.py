"""
Back-off n-gram models: modified Kneser-Ney estimates (Chen and Goodman 1998), pruned by relative entropy (Stolcke 1998).

An order's n-grams are rows of arrays; `context` and `suffix` are the rows, one order lower, of all words but the last
and of all words but the first. The last word of every n-gram is in `word`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

UNKNOWN, BEGIN, END = "<unk>", "<s>", "</s>"
SPECIALS = [UNKNOWN, BEGIN, END]


@dataclass
class Order:
    """All n-grams of one length; log10 weights."""

    context: np.ndarray
    suffix: np.ndarray
    word: np.ndarray
    first: np.ndarray
    prob: np.ndarray
    backoff: np.ndarray

    def __len__(self) -> int:
        return len(self.word)


@dataclass
class Model:
    """Words (row numbers of the unigrams) and the orders, unigrams first."""

    words: list[str]
    orders: list[Order]

    def rows(self, order: int) -> np.ndarray:
        """The n-grams of an order as word numbers, [n-grams, order]."""
        columns, at = [], np.arange(len(self.orders[order - 1]))
        for n in range(order, 0, -1):
            columns.append(self.orders[n - 1].word[at])
            at = self.orders[n - 1].context[at]
        return np.stack(columns[::-1], 1)


@dataclass
class _Counts:
    """Distinct n-grams of one order, with how often each occurs."""

    context: np.ndarray
    suffix: np.ndarray
    word: np.ndarray
    first: np.ndarray
    count: np.ndarray


def vocabulary(sentences: Iterable[Sequence[str]], least: int) -> list[str]:
    """The special words, then all units that occur at least so often, in order."""
    counts: Counter[str] = Counter()
    for sentence in sentences:
        counts.update(sentence)
    return SPECIALS + sorted(unit for unit, count in counts.items() if count >= least)


def encode(sentences: Iterable[Sequence[str]], words: Sequence[str]) -> np.ndarray:
    """One row of word numbers, every sentence between <s> and </s>."""
    index = {word: i for i, word in enumerate(words)}
    begin, end = index[BEGIN], index[END]
    flat: list[int] = []
    for sentence in sentences:
        flat.append(begin)
        flat.extend(index.get(unit, 0) for unit in sentence)
        flat.append(end)
    return np.array(flat, np.int32)


def _count(text: np.ndarray, size: int, order: int) -> list[_Counts]:
    """Distinct n-grams up to `order`; those of one sentence only."""
    begin = SPECIALS.index(BEGIN)
    none = np.zeros(size, np.int32)
    words = np.arange(size, dtype=np.int32)
    levels = [_Counts(none, none, words, words, np.bincount(text, minlength=size))]
    rows = text.astype(np.int32)
    for _ in range(2, order + 1):
        # Position p of the text: the shorter n-gram that ends before it, and the word there.
        at = np.flatnonzero((rows[:-1] >= 0) & (text[1:] != begin)) + 1
        keys = rows[at - 1].astype(np.int64) * size + text[at]
        distinct, sample, which, count = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
        context = (distinct // size).astype(np.int32)
        suffix = rows[at[sample]]
        levels.append(_Counts(context, suffix, (distinct % size).astype(np.int32), levels[-1].first[context], count))
        rows = np.full(len(text), -1, np.int32)
        rows[at] = which
    return levels


def _discounts(counts: np.ndarray) -> np.ndarray:
    """What is taken off counts of 0, 1, 2 and more (Chen and Goodman 1998, 3.3)."""
    t = [int((counts == k).sum()) for k in range(1, 5)]
    if min(t) == 0:
        # Too little text for an estimate.
        return np.array([0, 0.5, 1.0, 1.5])
    y = t[0] / (t[0] + 2 * t[1])
    found = [k - (k + 1) * y * t[k] / t[k - 1] for k in (1, 2, 3)]
    return np.array([0, *(min(max(d, 0.05), k - 0.05) for k, d in enumerate(found, 1))])


def estimate(text: np.ndarray, words: Sequence[str], order: int) -> tuple[Model, list[np.ndarray]]:
    """
    Interpolated modified Kneser-Ney. Text as `encode` gives it.

    Returns the model, and for each order how often its n-grams occur.
    """
    size, begin = len(words), SPECIALS.index(BEGIN)
    levels = _count(text, size, order)
    orders: list[Order] = []
    for n, level in enumerate(levels, 1):
        adjusted = level.count
        if n < order:
            # How many words an n-gram was seen after; nothing comes before a sentence's beginning.
            longer = levels[n]
            seen = np.bincount(longer.suffix, minlength=len(level.word))
            adjusted = np.where(level.first == begin, level.count, seen)
        if n == 1:
            adjusted[begin] = 0
        discount = _discounts(adjusted)
        kind = np.minimum(adjusted, 3)
        kept = adjusted - discount[kind]
        if n == 1:
            # The rest is shared by all words alike, <s> excepted.
            total = adjusted.sum()
            p = kept / total + discount[kind].sum() / total / (size - 1)
            p[begin] = 1e-99
        else:
            below = orders[-1]
            contexts = len(below)
            total = np.bincount(level.context, adjusted, contexts)
            rest = np.bincount(level.context, discount[kind], contexts)
            share = np.divide(rest, total, out=np.ones(contexts), where=total > 0)
            below.backoff[:] = np.log10(share)
            p = kept / total[level.context] + share[level.context] * 10 ** below.prob[level.suffix]
        orders.append(Order(level.context, level.suffix, level.word, level.first, np.log10(p), np.zeros(len(p))))
    return Model(list(words), orders), [level.count for level in levels]


def importance(model: Model, counts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """
    For each n-gram what the model loses without it: the relative entropy of Stolcke 1998 (equation 2), the greatest of
    its own and of those that need it as context or suffix. Contexts are weighed by how often they occur, not by the
    model's own probability for them: Kneser-Ney's lower orders are none of a text (Chelba et al. 2010). Unigrams stay.
    """
    total = counts[0].sum()
    values = [np.full(len(model.orders[0]), np.inf)]
    for n in range(2, len(model.orders) + 1):
        own, below = model.orders[n - 1], model.orders[n - 2]
        p, lower = 10**own.prob, 10 ** below.prob[own.suffix]
        contexts = len(below)
        left = np.maximum(1 - np.bincount(own.context, p, contexts), 1e-12)
        left_lower = np.maximum(1 - np.bincount(own.context, lower, contexts), 1e-12)
        before = (left / left_lower)[own.context]
        after = (left[own.context] + p) / (left_lower[own.context] + lower)
        change = p * (np.log(lower) + np.log(after) - np.log(p)) + (np.log(after) - np.log(before)) * left[own.context]
        values.append(-counts[n - 2][own.context] / total * change)
    for n in range(len(values) - 1, 1, -1):
        for rows in (model.orders[n].context, model.orders[n].suffix):
            np.maximum.at(values[n - 1], rows, values[n])
    return values


def prune(model: Model, kept: Sequence[np.ndarray]) -> Model:
    """The model of the n-grams kept (a mask for each order, closed under context and suffix), back-offs anew."""
    orders: list[Order] = []
    new = np.arange(len(model.orders[0]), dtype=np.int32)
    for own, mask in zip(model.orders, kept, strict=True):
        chosen = Order(*(values[mask] for values in (
            own.context, own.suffix, own.word, own.first, own.prob, own.backoff)))
        if orders:
            chosen = replace(chosen, context=new[chosen.context], suffix=new[chosen.suffix])
            below = orders[-1]
            contexts = len(below)
            left = 1 - np.bincount(chosen.context, 10**chosen.prob, contexts)
            lower = 1 - np.bincount(chosen.context, 10 ** below.prob[chosen.suffix], contexts)
            below.backoff[:] = np.log10(np.maximum(left, 1e-9) / np.maximum(lower, 1e-9))
        new = np.full(len(mask), -1, np.int32)
        new[mask] = np.arange(int(mask.sum()), dtype=np.int32)
        chosen.backoff[:] = 0
        orders.append(chosen)
    return Model(model.words, orders)


def has_extensions(model: Model, order: int) -> np.ndarray:
    """Whether longer n-grams begin with each of the n-grams of an order."""
    if order == len(model.orders):
        return np.zeros(len(model.orders[order - 1]), bool)
    return np.bincount(model.orders[order].context, minlength=len(model.orders[order - 1])) > 0


def log_probs(model: Model, text: np.ndarray) -> np.ndarray:
    """log10 of each word of an encoded text given those before it in its sentence; <s> has 0."""
    size, begin = len(model.words), SPECIALS.index(BEGIN)
    # For each order: the row of the n-gram that ends at each position, -1 where the model has none.
    rows = [text.astype(np.int32)]
    for own in model.orders[1:]:
        keys = own.context.astype(np.int64) * size + own.word
        order = np.argsort(keys)
        found = np.full(len(text), -1, np.int32)
        at = np.flatnonzero((rows[-1][:-1] >= 0) & (text[1:] != begin)) + 1
        wanted = rows[-1][at - 1].astype(np.int64) * size + text[at]
        place = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)
        hit = keys[order[place]] == wanted
        found[at[hit]] = order[place[hit]]
        rows.append(found)
    scores = model.orders[0].prob[text].copy()
    for n in range(1, len(rows)):
        hit = rows[n] >= 0
        scores[hit] = model.orders[n].prob[rows[n][hit]]
        missed = np.flatnonzero(~hit[1:] & (rows[n - 1][:-1] >= 0) & (text[1:] != begin)) + 1
        scores[missed] += model.orders[n - 1].backoff[rows[n - 1][missed - 1]]
    scores[text == begin] = 0
    return scores
