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

# Module paths that only releases before the last one have. v1.0 to v1.2 kept attention models in
# `models.seq2seq`, v1.3 in `models.las` with a Listener and a Speller and Jasper in an encoder and a decoder.
OLD_MODULES = (
    "e2e.", "models.", "model.", "las.", "package.", "hparams", "kospeech.models.seq2seq.", "kospeech.models.acoustic.",
    "kospeech.models.las.las.", "kospeech.models.las.topk_decoder.", "kospeech.models.transformer.transformer.",
    "kospeech.models.jasper.encoder.", "kospeech.models.jasper.decoder.", "kospeech.models.extractor.", "kospeech.models.conv.",
    "kospeech.model.", "kospeech.decode.", "kospeech.models.spelling_corrector.", "kospeech.models.language.",
)
OLD_CLASSES = {"Listener", "Speller", "Seq2seq", "JasperEncoder", "JasperDecoder", "TopKDecoder", "SpeechTransformerTopKDecoder"}


def recognise(root: Node) -> Architecture:
    """The architecture of a model (DataParallel already taken off), or an error that names what is not known."""
    classes = {str(node): node for _, node in root.modules()}
    for architecture in ARCHITECTURES:
        if architecture.matches(root):
            own = {name for name in classes if not name.startswith("torch.nn.modules.")}
            if odd := sorted(own - architecture.classes - {architecture.root}):
                if old := [name for name in odd if _is_old(classes[name])]:
                    raise CheckpointError(_old_release(root, old))
                raise CheckpointError(f"the model looks like {architecture.name}, but has layers of classes that are not known: "
                                      + ", ".join(odd))
            return architecture
    if old := sorted(name for name, node in classes.items() if _is_old(node)):
        raise CheckpointError(_old_release(root, old))
    known = ", ".join(sorted(a.root.rpartition(".")[2] for a in ARCHITECTURES))
    raise CheckpointError(f"the model's class {root} is not known; KoSpeech's {known} are")


def _is_old(node: Node) -> bool:
    return f"{node}.".startswith(OLD_MODULES) or (node.cls in OLD_CLASSES and node.module.startswith("kospeech."))


def _old_release(root: Node, old: list[str]) -> str:
    return (f"the checkpoint is of an old release of KoSpeech (v1.0 to v1.3): its model is {root}, with {', '.join(old[:4])}"
            f"{' and others' if len(old) > 4 else ''}. These computed other things under similar names and are not supported; "
            "checkpoints of the last version (branch latest) are")
