"""What an architecture has to say for itself, and how a checkpoint finds its architecture.

To add an architecture:

1. Write a module file here with `nn.Module`s that compute what the original computes for one utterance (no masks, no
   packing), in eval mode, and a class that derives from `Architecture`.
2. `classes` names the checkpoint's model class and every class of the same project that may occur below it. A
   checkpoint with any other class is refused by name, so a modified model is never imported as something it is not.
3. `describe` reads hyper-parameters from the checkpoint's attributes and tensor shapes. It runs nothing and raises
   `CheckpointError` (says what is unsupported) for a variant that `build` has no modules for.
4. `build` makes the modules and returns a `Built`: the graphs by role with the inputs and outputs that the package
   format prescribes (docs/reference/model-package.md), and what the manifest says of the encoder. `restore` makes
   layers with their weights from the checkpoint's own, and `expect` refuses what a module should not have.
5. Append an instance to `ARCHITECTURES` in `architectures.py`.

Export, comparison of PyTorch with onnxruntime, quantisation, vocabulary and manifest are common to all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..graphs import Graph
from ..inert import Node

HOP_MS = 10


@dataclass
class Encoder:
    """What the manifest says of the encoder. Frames are feature frames of 10 ms.

    `max_frames` is what the architecture itself allows (positional encodings end); the importer may lower it.
    """

    subsampling: int
    min_frames: int
    max_frames: int
    padding_safe: bool = False


@dataclass
class Built:
    """A model ready for export.

    `graphs`: role (`encoder`, `decoder`, `predictor`, `joiner`) to graph. `classes` counts the outputs of the softmax,
    `ctc_blank` says whether a CTC or transducer blank is among them (it is the last class in KoSpeech). `input_dim` is
    the number of features a frame has. `parameters` counts the checkpoint's. `decoder` is the manifest's `decoder`.
    `live` is, for models that can stream, the graph that takes whole utterances and chunks, padded in batches: it computes
    what `graphs["encoder"]` does, and stands in its place where the front end can stream too.
    """

    family: str
    graphs: dict[str, Graph]
    encoder: Encoder
    classes: int
    input_dim: int
    parameters: int
    layers: int
    dimension: int
    heads: int | None = None
    ctc_blank: bool = True
    decoder: dict[str, Any] = field(default_factory=lambda: {"method": "greedy"})
    live: Graph | None = None


class Architecture(ABC):
    """One architecture of KoSpeech. Instances have no state."""

    #: Name in the manifest, such as `kospeech-conformer-ctc`.
    name: ClassVar[str]
    #: Decoding family: `ctc`, `attention` or `transducer`.
    family: ClassVar[str]
    #: Full name of the model class.
    root: ClassVar[str]
    #: Full names of the classes of KoSpeech that may occur below it.
    classes: ClassVar[frozenset[str]] = frozenset()

    def matches(self, root: Node) -> bool:
        """Whether this architecture takes the model (DataParallel already taken off). Must not raise."""
        return str(root) == self.root

    @abstractmethod
    def describe(self, root: Node) -> dict[str, Any]:
        """Hyper-parameters by name, in the order to print them. Raises CheckpointError for unsupported variants."""

    @abstractmethod
    def build(self, root: Node) -> Built:
        """Modules with the checkpoint's weights, as graphs."""


def unwrap(root: Node) -> Node:
    """The model inside `nn.DataParallel` or `DistributedDataParallel`, or the model itself."""
    while str(root) in ("torch.nn.parallel.data_parallel.DataParallel",
                        "torch.nn.parallel.distributed.DistributedDataParallel") and "module" in root.children:
        root = root.children["module"]
    return root


def count_parameters(root: Node) -> int:
    """Elements of all parameters (not buffers); a tensor that two modules share counts once."""
    seen: dict[tuple, int] = {}
    for _, node in root.modules():
        members = node.attrs.get("_parameters")
        for value in members.values() if isinstance(members, dict) else ():
            if (shape := getattr(value, "shape", None)) is not None:
                size = 1
                for n in shape:
                    size *= n
                seen[value.storage.key, value.offset, shape] = size
    return sum(seen.values())
