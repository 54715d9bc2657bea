"""Work on several processes, results in order, with a bounded number under way."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from types import TracebackType
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")


def _start(prepare: Callable | None, arguments: tuple) -> None:
    torch.set_num_threads(1)
    if prepare:
        prepare(*arguments)


class Processes:
    """
    Single-threaded processes; `prepare(*arguments)` runs once in each.

    They are spawned, since forks inherit torch's threads, and start with the first task.
    """

    def __init__(self, count: int, prepare: Callable | None = None, arguments: tuple = ()) -> None:
        context = multiprocessing.get_context("spawn")
        self._executor = ProcessPoolExecutor(count, context, _start, (prepare, arguments))

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._executor.shutdown(cancel_futures=True)

    def ordered(self, work: Callable[[T], R], tasks: list[T]) -> Iterator[R]:
        """Results for all tasks, a thousand at a time: features of a large corpus must not pile up unwritten."""
        for start in range(0, len(tasks), 1024):
            yield from self._executor.map(work, tasks[start : start + 1024], chunksize=4)
