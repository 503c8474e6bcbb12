"""Spiking networks as people write them in PyTorch: eager, one thread, no gradients. `whole`: a layer at a time over all
steps at once, so that its weights are applied in one batch, and neurons in a loop over steps; else a step at a time
through all layers."""
import gzip, time

import h5py
import numpy as np
import torch
from torch import nn

from spiking import onnx_file

torch.set_num_threads(1)
torch.set_grad_enabled(False)


class Fire(nn.Module):
    """Integrate-and-fire over the first axis, time. Potentials live from call to call until reset()."""

    def __init__(self, threshold=1.0, start=0.0, many=True, amplitude=None):
        super().__init__()
        self.threshold, self.start_at, self.many, self.amplitude = threshold, start, many, amplitude
        self.reset()

    def reset(self):
        self.v = None

    def forward(self, x):
        if self.v is None:
            self.v = torch.zeros_like(x[0]) + self.start_at
        out = []
        for step in x:
            v = self.v + step
            if self.many:  # as sinabs: as many spikes as the potential holds
                spikes = (v > 0) * torch.div(v, self.threshold, rounding_mode="trunc")
            else:
                spikes = (v >= self.threshold).float()
            self.v = v - spikes * self.threshold
            out.append(spikes if self.amplitude is None else spikes * self.amplitude)
        return torch.stack(out)


def nir_layers(path, fire):
    """The chain of a NIR file as modules; `fire` makes the neurons."""
    with h5py.File(path) as file:
        edges = {a.decode(): b.decode() for a, b in file["node/edges"][()]}
        nodes, layers, at = file["node/nodes"], [], "input"
        while at in edges:
            at = edges[at]
            node, kind = nodes[at], nodes[at]["type"][()].decode()
            get = lambda name: torch.tensor(node[name][()])  # noqa: E731
            pair = lambda name: tuple(int(x) for x in node[name][()])  # noqa: E731
            if kind == "Conv2d":
                weight = get("weight")
                layer = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2:], stride=pair("stride"),
                                  padding=pair("padding"), dilation=pair("dilation"), groups=int(node["groups"][()]))
                layer.weight.data, layer.bias.data = weight, get("bias")
            elif kind == "Affine":
                weight = get("weight")
                layer = nn.Linear(weight.shape[1], weight.shape[0])
                layer.weight.data, layer.bias.data = weight, get("bias")
            elif kind == "IF":
                layer = fire(get("v_threshold"))
            elif kind == "SumPool2d":
                layer = nn.LPPool2d(1, pair("kernel_size"), stride=pair("stride"))
            elif kind == "Flatten":
                layer = nn.Flatten()
            elif kind == "Output":
                continue
            else:
                raise ImportError(f"{path}: node '{at}' is a {kind}, which this bench does not know")
            layers.append(layer)
    return nn.Sequential(*layers)


def timed(network, x, whole):
    began = time.perf_counter()
    total = network(x).sum(0) if whole else sum(network(x[t:t + 1])[0] for t in range(len(x)))
    return (time.perf_counter() - began) * 1e3, [round(n) for n in total.flatten().tolist()]


class Recording:
    """The N-MNIST network on one recording of frames."""

    def __init__(self, nir, frames):
        self.version, self._nir = torch.__version__, nir
        self._x = torch.tensor(np.load(frames))[0]
        self._eager = nir_layers(nir, lambda threshold: Fire(threshold))

    def eager(self, whole, totals):
        for layer in self._eager:
            if isinstance(layer, Fire):
                layer.reset()
        took, totals["eager PyTorch"] = timed(self._eager, self._x, whole)
        return took

    def sinabs(self, whole, totals):
        import sinabs.layers as sl
        # Its own neurons and pools; new for every sample, because they keep their potentials.
        network = nir_layers(self._nir, lambda threshold: sl.IAFSqueeze(batch_size=1, spike_threshold=threshold))
        for i, layer in enumerate(network):
            if isinstance(layer, nn.LPPool2d):
                network[i] = sl.SumPool2d(layer.kernel_size, stride=layer.stride)
        took, totals["sinabs"] = timed(network, self._x, whole)
        return took


def idx(name):
    with gzip.open(f"/usr/share/datasets/fashion-mnist/{name}-ubyte.gz") as file:
        magic = file.read(4)
        shape = np.frombuffer(file.read(4 * magic[3]), ">i4")
        return np.frombuffer(file.read(), np.uint8).reshape(shape)


class Student:
    """An ONNX CNN as a spiking network in step code: batch normalisation folded, thresholds the 99.9th percentile of
    each channel's activations, potentials begin at half of them, one spike a step that is worth the threshold."""

    calibration = 256

    def __init__(self, path, steps):
        self._steps = steps
        plain = onnx_file.layers(path)
        x = torch.tensor(idx("train-images-idx3")[: self.calibration, None] / 255.0, dtype=torch.float32)
        self._layers = nn.Sequential()
        for layer in plain:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                flat = x.transpose(0, 1).flatten(1).sort().values
                most = flat[:, int(0.999 * (flat.shape[1] - 1))].clamp(min=1e-3)[:, None, None]
                layer = Fire(most, most / 2, many=False, amplitude=most)
            self._layers.append(layer)
        images = idx("t10k-images-idx3")[:1000, None] / 255.0
        self._images = torch.tensor(images, dtype=torch.float32)
        self._labels = idx("t10k-labels-idx1")[:1000].tolist()

    def _infer(self, image, whole):
        for layer in self._layers:
            if isinstance(layer, Fire):
                layer.reset()
        if whole:
            return int(self._layers(image.expand(self._steps, -1, -1, -1)).sum(0).argmax())
        return int(sum(self._layers(image[None])[0] for _ in range(self._steps)).argmax())

    def latency_ms(self, whole, images=10):
        times = []
        for image in self._images[:images]:
            began = time.perf_counter()
            self._infer(image, whole)
            times.append((time.perf_counter() - began) * 1e3)
        return float(np.median(times))

    def accuracy(self, images):
        return float(np.mean([self._infer(self._images[i], True) == self._labels[i] for i in range(images)]))
