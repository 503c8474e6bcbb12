#!/usr/bin/python3
"""Trains the networks that stand for what users bring, and exports them as PyTorch does.

They are not Synfire's: neither its trainer nor its ONNX writer has touched them, and their graphs hold what PyTorch's
exporter leaves there (unfolded BatchNormalization, Clip with bounds from Constant nodes, residual Add, GlobalAveragePool).
Needs Debian's python3-torch; reads the IDX files of dataset-fashion-mnist, or of any folder with the same names.

    ./train.py plain -o plain.onnx --json
"""
import argparse, gzip, hashlib, json, math, os, sys, time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def conv_bn(i, o, kernel=3, stride=1, groups=1, act=nn.ReLU):
    layers = [nn.Conv2d(i, o, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(o)]
    return layers + ([act()] if act else [])


class Residual(nn.Module):
    """Two convolutions and a shortcut, as in He et al. 2016 (the shortcut is projected where the width changes)."""

    def __init__(self, i, o):
        super().__init__()
        self.body = nn.Sequential(*conv_bn(i, o), *conv_bn(o, o, act=None))
        self.short = nn.Identity() if i == o else nn.Sequential(*conv_bn(i, o, 1, act=None))

    def forward(self, x):
        return F.relu(self.body(x) + self.short(x))


class FloorThrough(torch.autograd.Function):
    """floor, whose gradient is taken as 1."""

    @staticmethod
    def forward(ctx, x):
        return torch.floor(x)

    @staticmethod
    def backward(ctx, gradient):
        return gradient

    @staticmethod
    def symbolic(graph, x):
        return graph.op("Floor", x)


class ClipFloorShift(nn.Module):
    """theta * clip(floor(x L / theta + 1/2) / L, 0, 1), theta learnt (Bu et al., ICLR 2022)."""

    def __init__(self, levels=8):
        super().__init__()
        self.levels, self.theta = levels, nn.Parameter(torch.tensor(4.0))

    def forward(self, x):
        # A layer's sum may lie within rounding of a step: the export computes in the same order as this line.
        y = FloorThrough.apply(x / self.theta * float(self.levels) + 0.5) / float(self.levels)
        return torch.clamp(y, 0, 1) * self.theta


def plain():
    return nn.Sequential(*conv_bn(1, 24), *conv_bn(24, 24), nn.AvgPool2d(2), *conv_bn(24, 48), *conv_bn(48, 48),
                         nn.AvgPool2d(2), *conv_bn(48, 96), nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.2),
                         nn.Linear(864, 10))


def residual():
    return nn.Sequential(*conv_bn(1, 16), Residual(16, 16), nn.MaxPool2d(2), Residual(16, 32), nn.MaxPool2d(2),
                         Residual(32, 64), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def depthwise():
    def block(i, o, stride=1):
        return conv_bn(i, i, 3, stride, i, nn.ReLU6) + conv_bn(i, o, 1, act=nn.ReLU6)

    return nn.Sequential(*conv_bn(1, 16, act=nn.ReLU6), *block(16, 32), *block(32, 64, 2), *block(64, 64),
                         *block(64, 96, 2), *block(96, 96), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(96, 10))


def digits():
    return nn.Sequential(nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 5, padding=2),
                         nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 49, 64), nn.ReLU(), nn.Linear(64, 10))


def quantised():
    return nn.Sequential(*conv_bn(1, 24, act=ClipFloorShift), nn.AvgPool2d(2), *conv_bn(24, 48, act=ClipFloorShift),
                         *conv_bn(48, 48, act=ClipFloorShift), nn.AvgPool2d(2), *conv_bn(48, 64, act=ClipFloorShift),
                         nn.AvgPool2d(7), nn.Flatten(), nn.Linear(64, 10))


NETS = {"plain": plain, "residual": residual, "depthwise": depthwise, "digits": digits, "quantised": quantised}
VALIDATION = 5000


def idx(folder, stem):
    for name, opener in ((stem, open), (stem + ".gz", gzip.open)):
        if (folder / name).exists():
            with opener(folder / name, "rb") as f:
                raw = f.read()
            dims = raw[3]
            shape = [int.from_bytes(raw[4 + 4 * d:8 + 4 * d], "big") for d in range(dims)]
            return np.frombuffer(raw, np.uint8, offset=4 + 4 * dims).reshape(shape)
    sys.exit(f"train.py: {folder} holds no {stem}; give --data the folder of the IDX files")


def vary(images, shift, flip, generator):
    """Moves every image of the batch by up to `shift` pixels and mirrors half of them."""
    n, _, h, w = images.shape
    padded = F.pad(images, [shift] * 4)
    dy = torch.randint(0, 2 * shift + 1, (n, 1, 1), generator=generator)
    dx = torch.randint(0, 2 * shift + 1, (n, 1, 1), generator=generator)
    rows = torch.arange(h).view(1, h, 1) + dy
    columns = torch.arange(w).view(1, 1, w)
    if flip:
        mirrored = torch.rand((n, 1, 1), generator=generator) < 0.5
        columns = torch.where(mirrored, w - 1 - columns, columns)
    return padded[torch.arange(n).view(n, 1, 1), 0, rows, columns + dx].unsqueeze(1)


@torch.no_grad()
def correct(net, images, labels):
    net.eval()
    return sum(int((net(images[i:i + 500]).argmax(1) == labels[i:i + 500]).sum()) for i in range(0, len(images), 500))


def train(args):
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    folder = Path(args.data)
    pixels = lambda stem: torch.tensor(idx(folder, stem)).unsqueeze(1).float() / 255
    labels = lambda stem: torch.tensor(idx(folder, stem).astype(np.int64))
    x, y = pixels("train-images-idx3-ubyte"), labels("train-labels-idx1-ubyte")
    held = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    validation, training = held[:VALIDATION], held[VALIDATION:]

    net, kept = NETS[args.net](), NETS[args.net]()
    kept.load_state_dict(net.state_dict())
    decayed = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() <= 1]
    optimiser = torch.optim.SGD([{"params": decayed, "weight_decay": args.weight_decay}, {"params": others}],
                                lr=args.lr, momentum=0.9, nesterov=True)
    batches = len(training) // args.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, args.lr, total_steps=batches * args.epochs, pct_start=0.2)
    net, best, start = net.to(memory_format=torch.channels_last), (-1, 0), 0
    checkpoint = Path(args.output).with_suffix(".ckpt")
    if checkpoint.exists():
        state = torch.load(checkpoint)
        net.load_state_dict(state["net"]), kept.load_state_dict(state["kept"]), optimiser.load_state_dict(state["opt"])
        schedule.load_state_dict(state["schedule"])
        best, start, best_state = state["best"], state["epoch"], state["best_state"]
    for epoch in range(start, args.epochs):
        began, total = time.time(), 0.0
        generator = torch.Generator().manual_seed(args.seed * 1000 + epoch)
        order = training[torch.randperm(len(training), generator=generator)]
        net.train()
        for b in range(batches):
            chosen = order[b * args.batch:(b + 1) * args.batch]
            batch = vary(x[chosen], args.shift, args.flip, generator).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16, enabled=args.bfloat16):
                scores = net(batch)
            loss = F.cross_entropy(scores.float(), y[chosen])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
            decay = min(0.998, (1 + epoch * batches + b) / (10 + epoch * batches + b))
            with torch.no_grad():
                for a, n in zip(kept.state_dict().values(), net.state_dict().values()):
                    a.lerp_(n, 1 - decay) if a.is_floating_point() else a.copy_(n)
        right = correct(kept, x[validation], y[validation])
        if right >= best[0]:
            best, best_state = (right, epoch + 1), {k: v.clone() for k, v in kept.state_dict().items()}
        torch.save({"net": net.state_dict(), "kept": kept.state_dict(), "opt": optimiser.state_dict(),
                    "schedule": schedule.state_dict(), "best": best, "epoch": epoch + 1, "best_state": best_state},
                   str(checkpoint) + ".new")
        os.replace(str(checkpoint) + ".new", checkpoint)
        print(f"{args.net} epoch {epoch + 1}/{args.epochs} loss {total / batches:.4f} validation "
              f"{100 * right / VALIDATION:.2f} % best {100 * best[0] / VALIDATION:.2f} % {time.time() - began:.0f} s",
              file=sys.stderr, flush=True)
    kept.load_state_dict(best_state)
    kept.eval()
    torch.onnx.export(kept, x[:1], args.output, opset_version=args.opset, input_names=["image"],
                      output_names=["scores"], dynamic_axes={"image": {0: "batch"}, "scores": {0: "batch"}},
                      do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE)
    tx, ty = pixels("t10k-images-idx3-ubyte"), labels("t10k-labels-idx1-ubyte")
    right = correct(kept, tx, ty)  # once, after the last epoch
    print(json.dumps({
        "net": args.net, "sha256": hashlib.sha256(Path(args.output).read_bytes()).hexdigest(),
        "parameters": sum(p.numel() for p in kept.parameters()), "validation_accuracy": best[0] / VALIDATION,
        "kept_epoch": best[1], "epochs": args.epochs, "test_accuracy": right / len(tx), "test_images": len(tx),
        "seed": args.seed, "torch": torch.__version__, "command": " ".join(sys.argv)}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("net", choices=NETS)
    parser.add_argument("-o", "--output", required=True, help="the ONNX file; its .ckpt lies beside it and is continued")
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist", help="folder of the IDX files")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--shift", type=int, default=2)
    parser.add_argument("--flip", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--opset", type=int, default=13)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bfloat16", action="store_true")
    train(parser.parse_args())
