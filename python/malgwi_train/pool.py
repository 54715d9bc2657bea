"""Work on several processes, results in order, with a bounded number under way."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")


def _start(prepare: Callable | None, arguments: tuple) -> None:
    torch.set_num_threads(1)
    if prepare:
        prepare(*arguments)


def ordered(
    work: Callable[[T], R], tasks: list[T], processes: int, prepare: Callable | None = None, arguments: tuple = ()
) -> Iterator[R]:
    """
    Results of `work` for all tasks. `prepare(*arguments)` runs once in every process.

    Processes are spawned, since forks inherit torch's threads; a thousand tasks at a time, so that
    features of a large corpus do not pile up before they are written.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _start, (prepare, arguments)) as pool:
        for start in range(0, len(tasks), 1024):
            yield from pool.map(work, tasks[start : start + 1024], chunksize=4)
