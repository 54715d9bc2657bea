"""DeepSpeech2 (Amodei et al. 2016): convolutions, recurrent layers with batch normalisation before them, CTC."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ..graphs import encoder_graph
from ..inert import CheckpointError, Node
from .chunks import live_graph
from .extractor import Extractor
from .registry import Architecture, Built, Encoder, count_parameters
from .restore import child, expect, number, output_classes, restore

MODEL = "kospeech.models.deepspeech2.model"


class Layer(nn.Module):
    """Batch normalisation, ReLU, one recurrent layer."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        expect(node, ("batch_norm", "rnn"))
        self.norm, self.rnn = restore(node.children["batch_norm"]), restore(node.children["rnn"])

    def normalise(self, x: Tensor) -> Tensor:
        """[B, T, C], what the recurrent layer takes."""
        return self.norm(x.transpose(1, 2)).relu().transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] to [B, T, directions * hidden]."""
        return self.rnn(self.normalise(x))[0]


class DeepSpeech2Encoder(nn.Module):
    """The whole model, for utterances of full length."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        expect(node, ("conv", "rnn_layers", "fc"))
        self.conv = Extractor(node.children["conv"])
        self.layers = nn.ModuleList(Layer(layer) for layer in node.children["rnn_layers"].children.values())
        self.output = restore(node.children["fc"])

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """features [B, T, F], lengths [B] to log-probabilities [B, T', V] and lengths [B]."""
        x = self.conv(features)
        for layer in self.layers:
            x = layer(x)
        return self.output(x).log_softmax(-1), self.conv.lengths(lengths)


class DeepSpeech2(Architecture):
    """KoSpeech's DeepSpeech2: GRU, LSTM or plain recurrence, in one or both directions."""

    name, family, root = "kospeech-deepspeech2", "ctc", f"{MODEL}.DeepSpeech2"
    classes = frozenset({
        f"{MODEL}.BNReluRNN", "kospeech.models.convolution.DeepSpeech2Extractor", "kospeech.models.convolution.MaskCNN",
        "kospeech.models.modules.Linear", "kospeech.models.activation.Swish",
    })

    def describe(self, root: Node) -> dict[str, Any]:
        layers = list(child(root, "rnn_layers").children.values())
        if not layers:
            raise CheckpointError("the DeepSpeech2 model has no recurrent layers")
        rnn, conv = child(layers[0], "rnn"), child(root, "conv")
        return {
            "recurrent layers": len(layers), "cell": str(rnn.get("mode")).lower(), "hidden units": number(rnn, "hidden_size"),
            "bidirectional": bool(rnn.get("bidirectional")), "activation": child(conv, "activation").cls.lower()
            if "activation" in conv.children else "?", "features": number(conv, "input_dim"),
        }

    def build(self, root: Node) -> Built:
        facts = self.describe(root)
        model = DeepSpeech2Encoder(root).eval()
        classes = output_classes(model.output)
        return Built(
            "ctc", {"encoder": encoder_graph(model, model.conv.input_dim, 67)},
            Encoder(model.conv.subsampling, 1, 100_000), classes, model.conv.input_dim, count_parameters(root),
            facts["recurrent layers"], facts["hidden units"], live=live_graph(model),
        )
