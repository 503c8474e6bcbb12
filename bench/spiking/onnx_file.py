"""The few fields of an ONNX file that a plain CNN needs, read without a library: Debian's python has none."""
import struct

import numpy as np
import torch
from torch import nn


def fields(data):
    """(number, value) of one protobuf message; values are ints or bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        elif key & 7 in (1, 5):
            size = 8 if key & 7 == 1 else 4
            yield key >> 3, data[at:at + size]
            at += size
        else:
            size = varint()
            yield key >> 3, data[at:at + size]
            at += size


def tensor(data):
    dims, raw, floats, name = [], b"", [], ""
    for number, value in fields(data):
        if number == 1:
            dims += [value] if isinstance(value, int) else [n for _, n in fields(b"\x08" + value)][:1]
        elif number == 8:
            name = value.decode()
        elif number == 9:
            raw = value
        elif number == 4:
            floats.append(value)
    return name, torch.tensor(np.frombuffer(raw or b"".join(floats), "<f4").reshape(dims).copy())


def attributes(node):
    out = {}
    for number, value in node:
        if number != 5:
            continue
        parts = list(fields(value))
        name = next(v for n, v in parts if n == 1).decode()
        ints = [v for n, v in parts if n == 8 and isinstance(v, int)]
        for packed in (v for n, v in parts if n == 8 and not isinstance(v, int)):
            while packed:
                value, packed = packed[0], packed[1:]  # all of ours are below 128
                ints.append(value)
        number_f = [struct.unpack("<f", v)[0] for n, v in parts if n == 2]
        out[name] = ints or (number_f[0] if number_f else next((v for n, v in parts if n == 3), None))
    return out


def layers(path):
    """A chain of Conv (with what normalises it folded in), Relu, AveragePool, Flatten and Gemm as modules."""
    graph = next(v for n, v in fields(open(path, "rb").read()) if n == 7)
    parts = list(fields(graph))
    tensors = dict(tensor(v) for n, v in parts if n == 5)
    out = []
    for node in (list(fields(v)) for n, v in parts if n == 1):
        kind = next(v for n, v in node if n == 4).decode()
        names = [v.decode() for n, v in node if n == 1]
        at, weights = attributes(node), [tensors[n] for n in names if n in tensors]
        if kind == "Conv":
            weight = weights[0]
            pads = at.get("pads", [0, 0, 0, 0])
            layer = nn.Conv2d(weight.shape[1] * (at.get("group") or 1), weight.shape[0], tuple(weight.shape[2:]),
                              stride=tuple(at.get("strides", [1, 1])), padding=tuple(pads[:2]))
            layer.weight.data = weight
            layer.bias.data = weights[1] if len(weights) > 1 else torch.zeros(weight.shape[0])
            out.append(layer)
        elif kind == "BatchNormalization":
            scale, bias, mean, variance = weights
            factor = scale / torch.sqrt(variance + (at.get("epsilon") or 1e-5))
            out[-1].weight.data = out[-1].weight.data * factor[:, None, None, None]
            out[-1].bias.data = (out[-1].bias.data - mean) * factor + bias
        elif kind == "Relu":
            out.append(nn.ReLU())
        elif kind == "AveragePool":
            out.append(nn.AvgPool2d(tuple(at["kernel_shape"]), stride=tuple(at["strides"])))
        elif kind == "Flatten":
            out.append(nn.Flatten())
        elif kind == "Gemm":
            weight = weights[0] if at.get("transB") else weights[0].T
            layer = nn.Linear(weight.shape[1], weight.shape[0])
            layer.weight.data, layer.bias.data = weight, weights[1]
            out.append(layer)
        else:
            raise ImportError(f"{path}: a {kind}, which this bench does not know")
    return out
