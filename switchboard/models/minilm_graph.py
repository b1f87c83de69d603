"""The graph of MiniLM's model file, changed so that its word embeddings stay int8 in memory.

The file holds int8 weights and turns each whole table into floats before it looks rows up: `Gather(Cast(table) * scale)`.
onnxruntime folds that into one constant when it loads the file, so that 11 MiB of words become 45. Looking the
rows up first, `Cast(Gather(table)) * Gather(scale)`, gives the same floats and keeps the table as it is.

The edit is on the wire format of protocol buffers (https://protobuf.dev/programming-guides/encoding/), with the field
numbers of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto: the package `onnx` would weigh more than it saves.
"""

from collections.abc import Iterator, Sequence
from typing import Final

WORDS: Final = "inner.embeddings.word_embeddings.weight"
ROWS: Final = "embedding"
"""What the table's look-up gives to the rest of the graph."""

_MODEL_GRAPH, _GRAPH_NODE = 7, 1
_NODE_INPUT, _NODE_OUTPUT, _NODE_OPERATOR, _NODE_ATTRIBUTE = 1, 2, 4, 5
_ATTRIBUTE_NAME, _ATTRIBUTE_INT, _ATTRIBUTE_TYPE = 1, 3, 20
_TYPE_INT, _FLOAT = 2, 1
_VARINT, _BYTES = 0, 2
_FIXED_BYTES = {1: 8, 5: 4}

_LOOK_UP: Final = (
    ("Gather", (f"{WORDS}_q", "input_ids"), "word_rows_q"),
    ("Cast", ("word_rows_q",), "word_rows_f"),
    ("Gather", (f"{WORDS}_scale", "input_ids"), "word_rows_scale"),
    ("Mul", ("word_rows_f", "word_rows_scale"), ROWS),
)


def with_small_words(model: bytes) -> bytes:
    """`model` with the look-up before the conversion. Raises `ValueError` for a file of another shape."""
    replaced = {f"{WORDS}_f".encode(), WORDS.encode(), ROWS.encode()}
    parts: list[bytes | memoryview] = []
    for number, whole, content in _fields(memoryview(model)):
        parts.append(_field(_MODEL_GRAPH, _looked_up_first(content, replaced)) if number == _MODEL_GRAPH else whole)
    if replaced:
        raise ValueError(f"The model has no look-up of {WORDS}.")
    return b"".join(parts)


def _looked_up_first(graph: memoryview, replaced: set[bytes]) -> bytes:
    """`graph` without the nodes whose outputs are `replaced` (which is emptied), and with the new ones before all others."""
    parts: list[bytes | memoryview] = [_node(*each) for each in _LOOK_UP]
    for number, whole, content in _fields(graph):
        if number == _GRAPH_NODE:
            outputs = {bytes(value) for field, _, value in _fields(content) if field == _NODE_OUTPUT}
            if outputs & replaced:
                replaced -= outputs
                continue
        parts.append(whole)
    return b"".join(parts)


def _node(operator: str, inputs: Sequence[str], output: str) -> bytes:
    parts = [_field(_NODE_INPUT, name.encode()) for name in inputs]
    parts += [_field(_NODE_OUTPUT, output.encode()), _field(_NODE_OPERATOR, operator.encode())]
    if operator == "Cast":
        to = _field(_ATTRIBUTE_NAME, b"to") + _number(_ATTRIBUTE_INT, _FLOAT) + _number(_ATTRIBUTE_TYPE, _TYPE_INT)
        parts.append(_field(_NODE_ATTRIBUTE, to))
    return _field(_GRAPH_NODE, b"".join(parts))


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview, memoryview]]:
    """(number, the field with its tag, its content) of each field of a message."""
    place = 0
    while place < len(message):
        start = place
        tag, place = _varint(message, place)
        begin, kind = place, tag & 7
        if kind == _VARINT:
            _, place = _varint(message, place)
        elif kind == _BYTES:
            size, begin = _varint(message, place)
            place = begin + size
        elif kind in _FIXED_BYTES:
            place += _FIXED_BYTES[kind]
        else:
            raise ValueError("The model is no protocol buffer.")
        yield tag >> 3, message[start:place], message[begin:place]


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """The number at `place`, and where it ends."""
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7


def _field(number: int, content: bytes) -> bytes:
    return _encoded(number << 3 | _BYTES) + _encoded(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _encoded(number << 3 | _VARINT) + _encoded(value)


def _encoded(value: int) -> bytes:
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
