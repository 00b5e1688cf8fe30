"""Networks on disk, in another precision, and with the weights of others."""

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any, cast

import keras
import numpy as np
from tensorflow.python.framework import ops

from segstudio.core.errors import UserError
from segstudio.exporting import savedmodel
from segstudio.ml.exportable import network_within
from segstudio.ml.kernels import install
from segstudio.models import OUTPUT

ATTACHMENT, ARRAYS = "segstudio.json", "segstudio.npz"


def prepare(network: keras.Model, precision: str) -> None:
    """Let `network` compute in `precision`, with faster kernels where there are some.

    To be called after building and after loading. Weights stay float32, and so does the last layer.
    """
    policy = keras.DTypePolicy(precision)
    for layer in [network, *network.layers]:
        if layer.name != OUTPUT:
            layer.dtype_policy = policy
    install(network)


def transfer(source: keras.Model, target: keras.Model) -> None:
    """Give `target` the weights of `source`: the same network, perhaps for another size of image.

    Normalization that ran on pretrained statistics goes on to do so.

    Raises:
        ValueError: When the networks differ.
    """
    pairs = zip(_with_weights(source), _with_weights(target), strict=True)
    for old, new in pairs:
        new.set_weights(old.get_weights())
        if isinstance(new, keras.layers.BatchNormalization):
            new.trainable = new.trainable and old.trainable


def _with_weights(network: keras.Model) -> list[keras.Layer]:
    return [layer for layer in network.layers if layer.weights]


def weights_digest(network: keras.Model) -> str:
    """sha256 of all weights: the same for two networks that begin alike."""
    digest = hashlib.sha256()
    for one in network.get_weights():
        digest.update(str(one.shape).encode())
        digest.update(one.tobytes())
    return digest.hexdigest()


def release() -> None:
    """Let go of what Keras and TensorFlow keep of the networks so far, for a process that trains many.

    An optimizer of Keras adds its gradients up over replicas by a function with a gradient of its own, which TensorFlow
    registers for good each time it is traced, and with it every graph of that training: 60 MB of a small network.
    Nothing asks for that gradient once the step is traced.
    """
    registered = ops.gradient_registry._registry
    for name in [name for name in registered if name.startswith("CustomGradient-")]:
        del registered[name]
    keras.backend.clear_session()


def save_network(
    network: keras.Model, path: Path, *, with_optimizer: bool, attachment: dict[str, Any] | None = None,
    arrays: dict[str, np.ndarray] | None = None,
) -> None:  # fmt: skip
    """Write a .keras file that is whole or not there.

    Args:
        network: What to save.
        path: Where.
        with_optimizer: Whether training can go on from the file.
        attachment: JSON values kept inside the file, for `read_attachment`; Keras ignores them.
        arrays: The same for `read_arrays`.
    """
    temporary = path.with_name(f".tmp-{path.name}")
    if not with_optimizer:
        # The same layers in a model that was never compiled: a third of the size.
        network = keras.Model(network.input, network.output, name=network.name)
    network.save(temporary)
    with zipfile.ZipFile(temporary, "a") as archive:
        if attachment is not None:
            archive.writestr(ATTACHMENT, json.dumps(attachment))
        if arrays is not None:
            packed = io.BytesIO()
            np.savez(packed, **arrays)  # type: ignore[arg-type] # names of arrays, none of an option
            archive.writestr(ARRAYS, packed.getvalue())
    temporary.replace(path)


def load_network(path: Path, precision: str) -> keras.Model:
    """A network saved by `save_network`, with its optimizer when that was saved too; or the one in an exported model.

    Args:
        path: A .keras file, or the folder of an exported SavedModel.
        precision: What it shall compute in.

    Raises:
        UserError: When the file is not there or damaged.
    """
    if not path.exists():
        raise UserError(f"there are no weights {path}", "the run ended before its first epoch: train again")
    try:
        loaded = savedmodel.load_network(path) if path.is_dir() else keras.saving.load_model(path)
    except (ValueError, OSError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} cannot be loaded: {error}", "train again") from error
    network = network_within(loaded)
    prepare(network, precision)
    return network


def read_attachment(path: Path) -> dict[str, Any]:
    """What `save_network` attached."""
    with zipfile.ZipFile(path) as archive:
        return cast(dict[str, Any], json.loads(archive.read(ATTACHMENT)))


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays that `save_network` attached; KeyError when there are none."""
    with zipfile.ZipFile(path) as archive, np.load(io.BytesIO(archive.read(ARRAYS))) as packed:
        return dict(packed)
