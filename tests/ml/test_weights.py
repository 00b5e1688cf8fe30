"""ImageNet weights: from a local file, and what is said when they cannot be had."""

import hashlib
import socket
import time

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format

from segstudio.core.errors import UserError
from segstudio.core.user_settings import UserSettings, save_settings
from segstudio.ml.network import prepare
from segstudio.models import MODELS, pretrained
from segstudio.models.mobilenetv2_unet import ALPHAS, MobileNetV2UNet, MobileNetV2UNetOptions


def build(**options):
    return MobileNetV2UNet(MobileNetV2UNetOptions(size=32, decoder=0.05, **options)).build(
        (32, 32, 3), from_imagenet=True
    )


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file as keras.applications would make it, of random weights."""
    path = tmp_path_factory.mktemp("weights") / "mobilenet.weights.h5"
    keras.applications.MobileNetV2((224, 224, 3), alpha=0.35, include_top=False, weights=None).save_weights(path)
    return path


def test_a_local_file_is_loaded_and_its_statistics_stay(weights):
    network = build(alpha=0.35, weights=str(weights))
    source = keras.applications.MobileNetV2((224, 224, 3), alpha=0.35, include_top=False, weights=None)
    source.load_weights(weights)
    for name in ("Conv1", "bn_Conv1", "block_13_expand", "block_16_depthwise_BN"):
        for mine, theirs in zip(
            network.get_layer(name).get_weights(), source.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(mine, theirs)
    prepare(network, "float32")
    before = network.get_layer("bn_Conv1").get_weights()
    decoder = next(one for one in network.layers[::-1] if isinstance(one, keras.layers.BatchNormalization))
    decoder_before = decoder.get_weights()
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    network(images, training=True)
    for mine, theirs in zip(network.get_layer("bn_Conv1").get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert any((a != b).any() for a, b in zip(decoder.get_weights(), decoder_before, strict=True))


def test_a_folder_and_the_settings_will_do(weights, tmp_path):
    named = tmp_path / "mobilenet_v2_0.35_224_no_top.weights.h5"
    named.write_bytes(weights.read_bytes())
    wanted = build(alpha=0.35, weights=str(weights)).get_layer("Conv1").get_weights()[0]
    in_folder = build(alpha=0.35, weights=str(tmp_path)).get_layer("Conv1").get_weights()[0]
    np.testing.assert_array_equal(wanted, in_folder)
    save_settings(UserSettings(weights=str(tmp_path)))
    MobileNetV2UNet(MobileNetV2UNetOptions(size=32, alpha=0.35)).require_weights()
    with pytest.raises(UserError, match=r"alpha 0\.5"):
        MobileNetV2UNet(MobileNetV2UNetOptions(size=32, alpha=0.5)).require_weights()


def test_weights_of_another_alpha_are_refused_with_words(weights):
    with pytest.raises(UserError, match=r"mobilenet\.weights\.h5 does not fit MobileNetV2 of alpha 0\.5") as error:
        build(alpha=0.5, weights=str(weights))
    assert "MobileNetV2 of alpha 0.5 without top" in error.value.hint


APPLICATIONS = {
    "efficientnetv2-unet": (keras.applications.EfficientNetV2B0, "efficientnetv2-b0_notop.h5", "stem_conv"),
    "resnet50v2-unet": (
        keras.applications.ResNet50V2,
        "resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "conv5_block3_3_conv",
    ),
}
"""Other pretrained networks, with the function and the file of keras.applications and a layer to look at."""


@pytest.mark.parametrize("name", sorted(APPLICATIONS))
def test_a_further_encoder_reads_the_file_of_keras_applications(name, tmp_path):
    """In a folder as it was published, or saved by Keras 3; never that of another encoder. Of random weights here."""
    (application, file, layer), kind = APPLICATIONS[name], MODELS[name]
    source = application(include_top=False, weights=None)  # with its own scaling inside, where it has one
    (tmp_path / "folder").mkdir()
    published, ours = tmp_path / "folder" / file, tmp_path / "ours.weights.h5"
    with h5py.File(published, "w") as archive:  # the files of keras.applications are of Keras's first format
        legacy_h5_format.save_weights_to_hdf5_group(archive, source)
    source.save_weights(ours)
    for weights in (ours, published.parent):
        model = kind(kind.Options(size=32, decoder=0.05, weights=str(weights)))
        model.require_weights()
        network = model.build((32, 32, 3), from_imagenet=True)
        assert layer in same_layers(network, source)
    kept = [one for one in network.layers if isinstance(one, keras.layers.BatchNormalization) and not one.trainable]
    assert len(kept) > 40, "statistics of ImageNet stay as they are"
    with pytest.raises(UserError, match="does not fit MobileNetV2"):
        build(alpha=0.35, weights=str(published))


def same_layers(network, source):
    """The names of the layers with weights that an application and the network have in common, which are alike."""
    used = {one.name for one in network.layers}
    own = [one.name for one in source.layers if one.weights]
    names = [name for name in own if name in used]
    assert len(own) - len(names) <= 3, "what lies behind the last skip connection is not used"
    for name in names:
        for mine, theirs in zip(
            network.get_layer(name).get_weights(), source.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(mine, theirs)
    return names


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("resnet50v2-unet", keras.applications.ResNet50),
        ("efficientnetv2-unet", keras.applications.EfficientNetV2B1),
    ],
)
def test_the_file_of_a_near_relation_is_refused_and_the_right_one_named(name, other, tmp_path):
    relation = other(include_top=False, weights=None)
    for file in (tmp_path / "legacy.h5", tmp_path / "of_keras_3.weights.h5"):
        if file.suffixes[0] == ".h5":
            with h5py.File(file, "w") as archive:
                legacy_h5_format.save_weights_to_hdf5_group(archive, relation)
        else:
            relation.save_weights(file)
        model = MODELS[name](MODELS[name].Options(size=32, decoder=0.05, weights=str(file)))
        with pytest.raises(UserError, match=f"{file.name} does not fit {model.encoder_title}") as error:
            model.build((32, 32, 3), from_imagenet=True)
        assert APPLICATIONS[name][1] in error.value.hint
    model = MODELS[name](MODELS[name].Options(weights=str(tmp_path)))
    with pytest.raises(UserError, match="has no weights of") as error:
        model.require_weights()
    assert APPLICATIONS[name][1] in error.value.hint


@pytest.mark.parametrize("name", sorted(APPLICATIONS))
def test_what_keras_downloads_is_what_is_asked_for_and_comes_into_the_encoder(name, tmp_path, monkeypatch):
    """All but the download is real: Keras asks for its file, and gets one of random weights as it was published."""
    source, file = APPLICATIONS[name][0](include_top=False, weights=None), tmp_path / APPLICATIONS[name][1]
    with h5py.File(file, "w") as archive:
        legacy_h5_format.save_weights_to_hdf5_group(archive, source)
    asked = []

    def download(fname, origin, **_):
        asked.append((fname, origin))
        return str(file)

    monkeypatch.setattr(keras.src.utils.file_utils, "get_file", download)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "models").mkdir(parents=True)
    (tmp_path / "home" / "models" / file.name).touch()  # as if Keras had it: nobody asks the network
    model = MODELS[name](MODELS[name].Options(size=32, decoder=0.05))
    network = model.build((32, 32, 3), from_imagenet=True)
    assert asked == [(file.name, pretrained.WEIGHTS_SITE + model.weights_path)]
    assert len(same_layers(network, source)) > 90


@pytest.mark.parametrize("name", sorted(APPLICATIONS))
def test_a_further_encoder_is_looked_for_where_keras_keeps_it(name, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "WEIGHTS_SITE", "http://127.0.0.1:9/")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    model = MODELS[name](MODELS[name].Options())
    with pytest.raises(UserError, match=f"{model.encoder_title} cannot be downloaded"):
        model.require_weights()
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / APPLICATIONS[name][1]).touch()
    model.require_weights()


@pytest.mark.parametrize("alpha", ALPHAS)
def test_every_width_is_built_for_any_size(alpha):
    model = MobileNetV2UNet(MobileNetV2UNetOptions(alpha=alpha, decoder=0.05))
    assert model.build((45, 67, 3), from_imagenet=False).output_shape == (None, 45, 67, 1)


@pytest.mark.parametrize("name", [*sorted(APPLICATIONS), "mobilenetv2-unet"])
def test_training_knows_no_chance_that_a_checkpoint_would_lose(name):
    model = MODELS[name](MODELS[name].Options(decoder=0.05))
    network = model.build((32, 32, 3), from_imagenet=False)
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(network(images, training=True), network(images, training=True))


def test_the_notebooks_network_is_what_it_has_always_been():
    """Runs of earlier versions open, and a seed makes the same weights: the layers, their order and their shapes."""
    network = MobileNetV2UNet(MobileNetV2UNetOptions(alpha=0.35, decoder=0.05)).build((96, 64, 3), from_imagenet=False)
    layers = [(one.name, type(one).__name__, [weight.shape for weight in one.weights]) for one in network.layers]
    shapes = repr([(kind, shape) for _, kind, shape in layers])
    assert (network.name, len(layers)) == ("mobilenetv2_unet", 169)
    assert hashlib.sha256(shapes.encode()).hexdigest() == (
        "67966ad3a54325cfca11110ad6bad9275c3b70c2322f10ae7eed7c9a2724b8ec"
    )


@pytest.mark.parametrize("name", ["missing.h5", "text.h5"])
def test_a_file_that_is_no_weights_file_is_named(tmp_path, name):
    (tmp_path / "text.h5").write_text("not weights", encoding="utf-8")
    with pytest.raises(UserError, match=name):
        build(alpha=0.35, weights=str(tmp_path / name))


def test_offline_it_fails_at_once_with_a_hint(tmp_path, monkeypatch):
    """A server that takes the connection and never answers is the slowest kind of offline."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(pretrained, "WEIGHTS_SITE", f"http://127.0.0.1:{silent.getsockname()[1]}/")
        monkeypatch.setattr(pretrained, "SECONDS_TO_ANSWER", 0.2)
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        started = time.monotonic()
        with pytest.raises(UserError, match="cannot be downloaded") as error:
            build(alpha=0.35)
    assert "--set weights=FILE" in error.value.hint
    assert time.monotonic() - started < 60, "Keras itself would try for minutes"
