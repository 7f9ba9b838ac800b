"""The two families as graphs."""

import pytest

from livedead.network.unet import Architecture, UNet
from livedead.weights.families import architecture_graph, encoder_graph, mobilenet_v2, unet_graph, unet_key
from livedead.weights.refusals import RefusedError


@pytest.mark.parametrize("bottom", ["project", "project_BN"])
@pytest.mark.parametrize("nested", [False, True])
def test_the_graph_has_the_tensors_of_the_module(bottom, nested):
    architecture = Architecture(n_classes=3, alpha=0.35, decoder_widths=(16, 12, 8, 8), bottom=bottom)
    graph = unet_graph(architecture, nested=nested)
    found = {f"{unet_key(slot.layer)}.{slot.role.torch}": slot.torch_shape for slot in graph.slots}
    state = UNet(architecture).state_dict()
    expected = {name: tuple(tensor.shape) for name, tensor in state.items() if "tracked" not in name}
    assert found == expected


def test_the_encoder_ends_where_the_decoder_starts():
    graph = encoder_graph(Architecture(n_classes=3))
    assert graph.output == "block_16_project"
    assert not any(node.kind in ("Conv2DTranspose", "Concatenate") for node in graph.nodes)


def test_a_classifier_has_its_head_behind_the_pooling():
    graph = mobilenet_v2(0.5, n_classes=7)
    assert [node.name for node in graph.nodes[-3:]] == ["out_relu", "global_average_pooling2d", "predictions"]
    assert graph.trace()[graph.output].shape == (7,)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"family": "resnet"}, "known: unet, mobilenet_v2"),
        ({"family": "unet", "n_classes": 5, "kernel": 5}, "kernel must be 3 or 4, got 5"),
        ({"family": "unet", "colour": "red"}, "colour"),
        ({"family": "mobilenet_v2", "stride_padding": "odd"}, "choose one of correct, even, even_blocks"),
    ],
)
def test_a_family_that_there_is_not(values, said):
    with pytest.raises(RefusedError, match=said):
        architecture_graph(values)
