import hashlib
import shutil

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from models.canary import drawn_face, embedding_as_text
from models.convert.free_batch import free_batch
from models.convert.free_input_size import free_input_size
from models.convert.prelu import faster, without_prelu
from models.convert.tflite_format import Network, Operator
from models.convert.tflite_to_onnx import tflite_to_onnx
from models.embedder import ArcFace
from models.fetch import Downloads, fetch
from models.install import install
from models.installed import INSTALLED
from models.manifest import load_manifest
from models.pack import open_models


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """The default pack's files as their makers publish them."""
    return published("open", tmp_path_factory)


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """The files of the pack with SFace as their makers publish them."""
    return published("opencv-zoo", tmp_path_factory)


def published(pack, tmp_path_factory):
    folder = tmp_path_factory.mktemp(pack)
    downloads = Downloads(folder, tmp_path_factory.mktemp("scratch"))
    for file in load_manifest(pack).file:
        fetch(file, folder, downloads, lambda *_: None)
    return folder


def test_the_converted_embedder_agrees_with_the_tflite_interpreter(originals, tmp_path):
    import onnxruntime

    path = originals / "MobileFaceNet.tflite"
    session = onnxruntime.InferenceSession(tflite_to_onnx(path.read_bytes()))
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    rng = np.random.default_rng(1)
    for _ in range(5):
        faces = rng.uniform(-1, 1, (2, 112, 112, 3)).astype(np.float32)
        interpreter.set_tensor(given[0], faces)
        interpreter.invoke()
        expected = interpreter.get_tensor(given[1])
        (output,) = session.run(None, {session.get_inputs()[0].name: faces.transpose(0, 3, 1, 2)})
        assert np.abs(output - expected).max() < 1e-3 * np.abs(expected).max()


def test_the_converted_embedder_has_real_prelu_nodes_and_a_free_batch(originals):
    import onnx

    graph = onnx.load_from_string(tflite_to_onnx((originals / "MobileFaceNet.tflite").read_bytes())).graph
    kinds = [node.op_type for node in graph.node]
    assert kinds.count("PRelu") == 33
    assert set(kinds) == {"Conv", "PRelu", "Add", "Flatten"}
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"


def test_the_converted_embedder_is_the_one_that_yesterdays_templates_came_from(originals):
    content = tflite_to_onnx((originals / "MobileFaceNet.tflite").read_bytes())
    assert hashlib.sha256(content).hexdigest() == "b1fac524fcefd11a2e6b3d4ec4897ea9ce11af48999050b85c755f84661bdf0c"


def test_what_is_written_is_sound_to_the_formats_own_library(originals):
    import onnx

    plain = tflite_to_onnx((originals / "MobileFaceNet.tflite").read_bytes())
    detector = (originals / "face_detection_yunet_2023mar.onnx").read_bytes()
    for content in (plain, without_prelu(plain), free_input_size(detector)):
        onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    # All that is not the input's size is as it was.
    before, after = onnx.load_from_string(detector), onnx.load_from_string(free_input_size(detector))
    assert list(before.graph.node) == list(after.graph.node)
    assert list(before.graph.initializer) == list(after.graph.initializer)


def test_a_tflite_file_is_read_as_the_formats_own_library_reads_it(originals):
    import tflite

    content = (originals / "MobileFaceNet.tflite").read_bytes()
    graph, network = tflite.Model.GetRootAs(content, 0).Subgraphs(0), Network(content)
    steps = network.steps()
    assert len(steps) == graph.OperatorsLength()
    for index, step in enumerate(steps):
        operator = graph.Operators(index)
        assert step.inputs == tuple(operator.InputsAsNumpy())
        assert step.output == operator.OutputsAsNumpy()[0]
    for operator in Operator:
        assert getattr(tflite.BuiltinOperator, operator.name) == operator


@pytest.mark.parametrize("content", [b"", b"\0" * 400, b"\x1c\0\0\0TFL3" + b"\xff" * 400])
def test_what_is_no_model_is_refused_in_words(content):
    with pytest.raises(ValueError, match="no TFLite file|damaged"):
        tflite_to_onnx(content)
    with pytest.raises(ValueError, match="no ONNX file|one input"):
        free_input_size(content)


def test_the_freed_detector_gives_the_same_numbers_at_its_old_size(originals):
    import onnxruntime

    content = (originals / "face_detection_yunet_2023mar.onnx").read_bytes()
    picture = np.random.default_rng(0).uniform(0, 255, (1, 3, 640, 640)).astype(np.float32)
    before = onnxruntime.InferenceSession(content).run(None, {"input": picture})
    after = onnxruntime.InferenceSession(free_input_size(content)).run(None, {"input": picture})
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_other_models_are_refused(originals):
    with pytest.raises(ValueError, match="one input"):
        free_input_size(two_inputs())


def of_one_picture_inside() -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    shape = numpy_helper.from_array(np.array([1, 3 * 4 * 4]), "shape")
    given, found = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes)
        for name, sizes in (("data", [1, 3, 4, 4]), ("found", [1, 48]))
    )
    nodes = [helper.make_node("Reshape", ["data", "shape"], ["found"])]
    graph = helper.make_graph(nodes, "g", [given], [found], [shape])
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def two_inputs() -> bytes:
    from onnx import TensorProto, helper

    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "abc"]
    graph = helper.make_graph([helper.make_node("Add", ["a", "b"], ["c"])], "g", values[:2], values[2:])
    return helper.make_model(graph).SerializeToString()


def test_the_network_without_prelu_is_the_same_network(originals):
    import onnx
    import onnxruntime

    plain = tflite_to_onnx((originals / "MobileFaceNet.tflite").read_bytes())
    other = without_prelu(plain)
    assert "PRelu" in {node.op_type for node in onnx.load_from_string(plain).graph.node}
    assert "PRelu" not in {node.op_type for node in onnx.load_from_string(other).graph.node}
    faces = np.random.default_rng(2).uniform(-1, 1, (3, 3, 112, 112)).astype(np.float32)
    outputs = []
    for content in (plain, other):
        session = onnxruntime.InferenceSession(content)
        outputs.append(session.run(None, {session.get_inputs()[0].name: faces})[0])
    assert np.abs(outputs[0] - outputs[1]).max() < 1e-4 * np.abs(outputs[0]).max()
    assert faster(plain, other) in (plain, other)


SFACE = "face_recognition_sface_2021dec.onnx"


def faces_of_nobody(count):
    return np.random.default_rng(3).integers(0, 255, (count, 112, 112, 3), np.uint8)


def test_an_installed_sface_gives_what_opencv_makes_of_the_published_file(zoo, tmp_path):
    import cv2

    installed = install("opencv-zoo", tmp_path, source=zoo, progress=lambda *_: None)
    ours = open_models(tmp_path, "opencv-zoo", calibrated=False)
    theirs = cv2.FaceRecognizerSF.create(str(zoo / SFACE), "")
    faces = np.stack([drawn_face(112), *faces_of_nobody(3)])
    for template, face in zip(ours.embedder.glance(faces), faces, strict=True):
        (expected,) = theirs.feature(face)
        assert float(template @ expected) / float(np.linalg.norm(expected)) > 0.9999
    # Templates that the published file made are of the same network, whatever form of it is installed.
    assert installed.model_id == f"opencv-zoo/{load_manifest('opencv-zoo').file[1].sha256[:16]}"


def test_a_freed_batch_leaves_the_weights_out_of_the_inputs(zoo):
    import onnx

    before = (zoo / SFACE).read_bytes()
    graph = onnx.load_from_string(free_batch(before)).graph
    assert len(onnx.load_from_string(before).graph.input) == 175
    assert [entry.name for entry in graph.input] == ["data"]
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    with pytest.raises(ValueError, match="one input"):
        free_batch(two_inputs())
    with pytest.raises(ValueError, match="fixes its batch inside"):
        free_batch(of_one_picture_inside())


def test_a_file_that_takes_one_picture_at_a_time_is_asked_once_for_each(zoo):
    spec = load_manifest("opencv-zoo").embedder
    one_by_one = ArcFace(zoo / SFACE, spec)
    faces = faces_of_nobody(3)
    alone = np.concatenate([one_by_one.embed(face[None]) for face in faces])
    assert np.allclose(one_by_one.embed(faces), alone, atol=1e-6)


def test_an_installation_of_before_the_conversion_is_fed_as_it_was(zoo, tmp_path):
    installed = install("opencv-zoo", tmp_path, source=zoo, progress=lambda *_: None)
    folder = tmp_path / "opencv-zoo"
    shutil.copy(zoo / SFACE, folder)
    spec = load_manifest("opencv-zoo").embedder.model_copy(update={"mirror": False, "canary": None})
    embedder = installed.file("embedder")
    before = embedder.model_copy(update={"sha256": embedder.fetched_sha256, "identity": None})
    canary = embedding_as_text(ArcFace(zoo / SFACE, spec))
    (folder / INSTALLED).write_text(
        installed.model_copy(
            update={"files": (installed.file("detector"), before), "embedder": spec, "canary": canary}
        ).model_dump_json()
    )
    opened = open_models(tmp_path, "opencv-zoo", calibrated=False)
    assert (opened.spec.mirror, opened.model_id) == (False, installed.model_id)
    assert opened.embedder.embed(faces_of_nobody(2)).shape == (2, 128)
