from __future__ import annotations

import numpy as np
import pytest
import torch
from golden import FOLDER, files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwidgets.errors import InputError
from headwidgets.widgets.wire import RELATIVE_BOUND, decode, encode, encode_scaled


def test_the_golden_bytes_are_fresh():
    expected = files()
    kept = {path.name: path.read_bytes() for path in FOLDER.iterdir()}
    assert kept == expected, "run `python tests/widgets/golden.py`"


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int32"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3, 4)])
def test_exact_arrays_return_bit_for_bit(dtype, shape):
    array = (np.arange(np.prod(shape, dtype=int)) * 37).astype(dtype).reshape(shape)
    header, buffer = encode(array)
    back = decode(header, buffer)
    assert header == {"dtype": dtype, "shape": list(shape)}
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()


def test_what_cannot_be_counted_survives_exactly():
    array = np.array([np.nan, np.inf, -np.inf, -0.0], np.float32)
    back = decode(*encode(array))
    assert back.tobytes() == array.tobytes()


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.floats(width=32, allow_nan=True, allow_infinity=True), max_size=32))
def test_scaled_halves_keep_the_bound_they_state(values):
    array = np.array(values, np.float32)
    header, buffer = encode_scaled(array)
    back = decode(header, buffer)
    finite = np.isfinite(array)
    error = np.abs(back[finite].astype(np.float64) - array[finite].astype(np.float64))
    assert len(buffer) == 2 * array.size
    assert np.all(error <= RELATIVE_BOUND * header["scale"])
    assert np.array_equal(back[~finite], array[~finite], equal_nan=True)


def test_the_bound_is_not_met_for_free():
    array = np.linspace(0, 1, 3001, dtype=np.float32)
    header, buffer = encode_scaled(array)
    assert np.abs(decode(header, buffer) - array).max() > RELATIVE_BOUND * header["scale"] / 8


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("write", [encode, encode_scaled])
def test_half_precision_tensors_are_widened_first(dtype, write):
    tensor = torch.tensor([[0.1, 1.5], [-2.0, float("inf")]], dtype=dtype, requires_grad=True)
    assert np.allclose(decode(*write(tensor)), tensor.detach().float().numpy(), atol=2e-3)


def test_transposed_tensors_are_sent_as_they_read():
    tensor = torch.arange(6, dtype=torch.int32).reshape(2, 3).T
    assert decode(*encode(tensor)).tolist() == [[0, 3], [1, 4], [2, 5]]


@pytest.mark.parametrize("write", [encode, encode_scaled])
def test_an_array_in_another_order_is_refused(write):
    array = np.asfortranarray(np.zeros((2, 3), np.float32))
    with pytest.raises(InputError, match="ascontiguousarray"):
        write(array)


@pytest.mark.parametrize("dtype", ["float64", "int64", "bool", ">f4", "<U3"])
@pytest.mark.parametrize("write", [encode, encode_scaled])
def test_other_dtypes_are_refused_with_the_next_step(dtype, write):
    with pytest.raises(InputError, match="astype"):
        write(np.zeros(2, dtype))


@pytest.mark.parametrize("write", [encode, encode_scaled])
def test_what_is_no_array_is_refused(write):
    with pytest.raises(InputError, match="NumPy array or a tensor, got list"):
        write([1.0, 2.0])


def test_one_byte_too_many_is_refused():
    assert encode(np.zeros(8, np.uint8), limit=8)
    with pytest.raises(InputError, match=r"9 bytes for .* exceed the 8"):
        encode(np.zeros(9, np.uint8), limit=8)
    with pytest.raises(InputError, match="10 bytes"):
        encode_scaled(np.zeros(5, np.float32), limit=8)


@pytest.mark.parametrize(
    ("header", "size", "reason"),
    [
        ({}, 0, "shape"),
        ({"dtype": "float64", "shape": [1]}, 8, "expected dtype"),
        ({"dtype": ["uint8"], "shape": [1]}, 1, "expected dtype"),
        ({"dtype": "uint8", "shape": "1"}, 1, "expected a shape"),
        ({"dtype": "uint8", "shape": [-1]}, 1, "expected a shape"),
        ({"dtype": "uint8", "shape": [True]}, 1, "expected a shape"),
        ({"dtype": "float32", "shape": [2]}, 7, "expected 8 bytes"),
        ({"dtype": "float16", "shape": [1], "centre": 0.0}, 2, "finite 'scale'"),
        ({"dtype": "float16", "shape": [1], "centre": float("nan"), "scale": 1}, 2, "'centre'"),
    ],
)
def test_malformed_headers_are_refused(header, size, reason):
    with pytest.raises(InputError, match=reason):
        decode(header, bytes(size))


def test_a_view_into_a_larger_buffer_is_read_at_its_own_offset():
    header, buffer = encode(np.array([1.5, -2.0], np.float32))
    view = memoryview(b"\xab" * 3 + buffer + b"\xcd")[3:-1]
    assert decode(header, view).tolist() == [1.5, -2.0]
