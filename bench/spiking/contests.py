"""The contests of bench/spiking_peers: who takes part, what is timed, what both sides must agree on."""
import json, statistics, subprocess, sys
from pathlib import Path


def call(*words):
    """Standard output of one of our programs, as JSON."""
    ended = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True)
    return json.loads(ended.stdout)


def race(contestants, rounds, say):
    """Times of every contestant (name -> a function that gives milliseconds) in every round, each round beginning with
    another of them, so that nobody always comes after the same one."""
    names = list(contestants)
    times = {name: [] for name in names}
    for r in range(rounds + 1):  # the first one warms up and is not counted
        for i in range(len(names)):
            name = names[(r + i) % len(names)]
            took = contestants[name]()
            if r > 0:
                times[name].append(took)
        say(f"round {r} of {rounds}: " + ", ".join(f"{n} {times[n][-1]:.3f}" for n in names if times[n]) + " ms")
    return times


def rows_of(times, against):
    """A row for each contestant; `against`: the peer whose time is 1."""
    rows = []
    for name, ms in times.items():
        quartiles = statistics.quantiles(ms, n=4) if len(ms) > 1 else [ms[0]] * 3
        row = {"name": name, "ms": statistics.median(ms), "quartiles": [quartiles[0], quartiles[2]]}
        if against in times:
            row["ratio"] = statistics.median(a / b for a, b in zip(ms, times[against]))
        rows.append(row)
    return rows


def table(result, claim):
    heads = result.get("heads") or ["", "ms", "quartiles", f"ratio to {result['against']}" if claim else ""]
    rows = [heads]
    for row in result["rows"]:
        rows.append(row.get("cells") or [row["name"], f"{row['ms']:.3f}", "{:.3f} to {:.3f}".format(*row["quartiles"]),
                                         f"{row['ratio']:.4f}" if claim and "ratio" in row else ""])
    widths = [max(len(row[i]) for row in rows) for i in range(len(heads))]
    lines = [f"{result['contest']}: {result['what']}"]
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join(lines + [f"- {remark}" for remark in result["remarks"]])


def recurrent(args, say):
    ours = Path(args.bin) / "bench_recurrent"
    network = call(ours, "--export", args.work / "recurrent.npz", "--repeat", 1)
    result = {"contest": "recurrent", "against": "brian2", "remarks": [],
              "what": f"{network['neurons']:,} LIF neurons, {network['synapses']:,} synapses, a simulated second in steps "
                      f"of {network['dt'] * 1e3:g} ms"}
    contestants = {"synfire": lambda: call(ours, "--repeat", 3)["ms_per_simulated_second"]}
    peer = None
    try:
        from spiking.brian import Standalone
        say("building Brian2's program ...")
        peer = Standalone(args.work / "recurrent.npz", network, args.work / "brian")
        contestants["brian2"] = peer.run
    except ImportError as error:
        result["remarks"].append(f"no Brian2: {error}; apt-get install python3-brian")
    result["rows"] = rows_of(race(contestants, args.rounds, say), "brian2")
    result["remarks"].append(f"synfire ({network['target']}) fires at {network['rate_hz']:.2f} spikes/s")
    if peer:
        result["remarks"].append(f"brian2 {peer.version} fires at {peer.rate_hz():.2f} spikes/s; C++ standalone, one "
                                 f"thread, its run loop as it reports it; the whole process took "
                                 f"{statistics.median(peer.whole_ms):.0f} ms")
        if abs(peer.rate_hz() / network["rate_hz"] - 1) > 0.05:
            sys.exit("bench/spiking_peers: Brian2's network fires at another rate than ours: not the same network")
    return result


def nmnist(args, say):
    synfire, frames = Path(args.bin) / "synfire", args.work / "frames.npy"
    call(synfire, "events", args.recording, "--window", "1ms", "--steps", 300, "--sample", "--to", frames, "--json")
    # Sinabs' rules: as many spikes as the potential holds, subtraction, no lower bound.
    bench = [synfire, "bench", args.nir, "--dialect", "sinabs", "--dt", "1e-3", "--input", frames, "--repeat", 20, "--json"]
    ours = call(*bench)
    result = {"contest": "nmnist", "remarks": [],
              "what": f"the CNN of {Path(args.nir).name} on {Path(args.recording).name}: {ours['steps']} steps of 1 ms, "
                      f"{ours['events']:,} events, {ours['synaptic_operations']:,.0f} synaptic operations"}
    contestants = {"synfire, whole": lambda: call(*bench)["whole_us"] / 1e3,
                   "synfire, a call a step": lambda: call(*bench)["stepped_us"] / 1e3}
    totals = {"synfire": [round(x) for x in ours["output_totals"]]}
    try:
        from spiking import torch_nets
        network = torch_nets.Recording(args.nir, frames)
        try:
            contestants["sinabs, whole"] = lambda: network.sinabs(whole=True, totals=totals)
            contestants["sinabs, a call a step"] = lambda: network.sinabs(whole=False, totals=totals)
            network.sinabs(whole=True, totals=totals)
        except ImportError as error:
            del contestants["sinabs, whole"], contestants["sinabs, a call a step"]
            result["remarks"].append(f"no sinabs: {error}")
        contestants["eager PyTorch, whole"] = lambda: network.eager(whole=True, totals=totals)
        contestants["eager PyTorch, a call a step"] = lambda: network.eager(whole=False, totals=totals)
        result["remarks"].append(f"PyTorch {network.version}, one thread, no gradients; whole: a layer at a time over "
                                 "all steps at once, neurons in a loop over steps")
    except ImportError as error:
        result["remarks"].append(f"no PyTorch: {error}; apt-get install python3-torch python3-h5py")
    result["against"] = next((n for n in ("sinabs, whole", "eager PyTorch, whole") if n in contestants), None)
    result["rows"] = rows_of(race(contestants, args.rounds, say), result["against"])
    result["remarks"].append(f"a live stream takes {100 * ours['live_share_of_a_core']:.2f} % of a core; a step p50 / "
                             f"p95 / p99: {ours['step_us_p50']:.1f} / {ours['step_us_p95']:.1f} / "
                             f"{ours['step_us_p99']:.1f} us ({ours['target']})")
    for name, counts in totals.items():
        if counts != totals["synfire"]:
            sys.exit(f"bench/spiking_peers: {name} counts output spikes {counts}, synfire {totals['synfire']}")
    result["remarks"].append(f"all give the same output spikes: {totals['synfire']}")
    return result


def student(args, say):
    synfire, steps, images = Path(args.bin) / "synfire", 8, 200
    result = {"contest": "student", "remarks": [], "what": f"{Path(args.student).name}, an image, T = {steps}"}
    contestants = {}
    for code in ("volley", "step"):
        file = args.work / f"student-{code}.syn"
        call(synfire, "convert", args.student, "--calibrate", "fashion-mnist", "--code", code, "--steps", steps, "-o", file,
             "--json")
        bench = [synfire, "bench", file, "--data", "fashion-mnist", "--limit", 500, "--repeat", 3, "--json"]
        result["remarks"].append(f"synfire, {code}: {100 * call(*bench)['accuracy']:.1f} % of 500 test images")
        contestants[f"synfire, {code}"] = lambda bench=bench: call(*bench)["latency_us_p50"] / 1e3
    try:
        from spiking import torch_nets
        network = torch_nets.Student(args.student, steps)
        contestants["eager PyTorch, whole"] = lambda: network.latency_ms(whole=True)
        contestants["eager PyTorch, a call a step"] = lambda: network.latency_ms(whole=False)
        result["remarks"].append(f"eager PyTorch (step code, thresholds of {network.calibration} training images): "
                                 f"{100 * network.accuracy(images):.1f} % of {images} test images")
    except ImportError as error:
        result["remarks"].append(f"no PyTorch: {error}; apt-get install python3-torch")
    result["against"] = "eager PyTorch, whole" if "eager PyTorch, whole" in contestants else None
    result["rows"] = rows_of(race(contestants, args.rounds, say), result["against"])
    return result


def cost(args, say):
    """Time of a step by its events: a (no events, every neuron stepped) + b a event, b the median over the rates."""
    result = {"contest": "cost", "what": "a step by the events it is given, 50 steps a call", "rows": [], "remarks": [],
              "heads": ["layer", "rate", "events", "us a step", "a + b events", "beyond"]}
    ended = call(Path(args.bin) / "bench_real", "--benchmark_filter=cost/.*", "--benchmark_format=json",
                 f"--benchmark_repetitions={args.rounds}", "--benchmark_min_time=0.02",
                 "--benchmark_enable_random_interleaving=true", "--benchmark_report_aggregates_only=true")
    there = {run["run_name"].split("/")[3] for run in ended["benchmarks"]}
    best = next(loops for loops in ("avx512", "avx2", "plain") if loops in there)
    layers = {}
    for run in ended["benchmarks"]:
        _, layer, percent, loops = run["run_name"].split("/")[:4]
        if run["aggregate_name"] == "median" and loops == best:
            layers.setdefault(layer, {})[float(percent)] = (run["events"], run["real_time"] / run["steps"])
    for layer in ("lif", "conv"):
        a = layers.get(f"{layer}-all", layers[layer])[0.0][1]
        measured = {p: v for p, v in layers[layer].items() if p > 0}
        b = statistics.median((us - a) / events for events, us in measured.values() if us > a)
        for percent, (events, us) in sorted(layers[layer].items()):
            line = a + b * events
            result["rows"].append({"layer": layer, "percent": percent, "events": events, "us": us, "line_us": line,
                                   "cells": [layer, f"{percent:g} %", f"{events:,.1f}", f"{us:.2f}", f"{line:.2f}",
                                             f"{100 * (us / line - 1):+.0f} %"]})
        worst = max(us / (a + b * events) - 1 for events, us in measured.values())
        result["remarks"].append(f"{layer} ({best}): a = {a:.2f} us, b = {b * 1e3:.0f} ns an event; the greatest "
                                 f"excess over a + b events is {100 * worst:+.0f} %")
    say("cost: " + "; ".join(result["remarks"]))
    return result
