"""The architectures that are known, and how a checkpoint finds its own."""

from __future__ import annotations

from ..inert import CheckpointError, Node
from .conformer import ConformerCTC
from .deepspeech2 import DeepSpeech2
from .jasper import Jasper
from .las import ListenAttendSpell
from .registry import Architecture
from .rnnt import RnnTransducer
from .transformer import SpeechTransformer

ARCHITECTURES: list[Architecture] = [
    DeepSpeech2(), Jasper(), ConformerCTC(), ListenAttendSpell(), SpeechTransformer(), RnnTransducer()]

# Earlier names of the project's packages, from before `kospeech`.
BEFORE_KOSPEECH = ("e2e.", "models.", "model.", "las.", "package.")


def recognise(root: Node) -> Architecture:
    """The architecture of a model (DataParallel already taken off), or an error that names what is not known."""
    present = {str(node) for _, node in root.modules()}
    own = {name for name in present if not name.startswith("torch.nn.modules.")}
    architecture = next((one for one in ARCHITECTURES if one.matches(root)), None)
    known = {one.root for one in ARCHITECTURES}.union(*(one.classes for one in ARCHITECTURES))
    # Releases before the last one (v1.0 to v1.3) kept their classes elsewhere: Listener and Speller, models.seq2seq,
    # models.extractor, Jasper's encoder and decoder ... What KoSpeech's last version does not have is theirs.
    if old := sorted(name for name in own - known if name.startswith(("kospeech.", *BEFORE_KOSPEECH))):
        raise CheckpointError(
            f"the checkpoint is of an old release of KoSpeech (v1.0 to v1.3), or of a changed one: its model {root} has "
            f"{_some(old)}, which the last version (branch latest) does not have. Old releases computed other things under "
            "similar names and are not supported")
    if architecture is None:
        names = ", ".join(sorted(one.root.rpartition(".")[2] for one in ARCHITECTURES))
        raise CheckpointError(f"the model's class {root} is not known; KoSpeech's {names} are")
    if odd := sorted(own - architecture.classes - {architecture.root}):
        raise CheckpointError(f"the model is a {architecture.root.rpartition('.')[2]}, but has layers of classes that do not "
                              f"belong there: {_some(odd)}")
    return architecture


def _some(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
