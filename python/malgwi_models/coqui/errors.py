"""Why a model or scorer was not taken."""

from ..errors import CheckpointError


class Refused(CheckpointError):
    """A file that is damaged, hostile, or nothing of Coqui STT or DeepSpeech. The message is for the user."""
